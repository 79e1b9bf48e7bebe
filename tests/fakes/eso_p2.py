"""A stand-in for ESO's phase 2 API with its versions, statuses and the folder trigger.

Written from p2api 1.2.1 (``p2api.py``: calls, statuses in which a block can be changed, revised or submitted).
"""

import re
from typing import Annotated, Any, Literal

from fakes.server import Call, Fake, Reply
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PASSWORD = "p2-passw0rd-tutorial"  # noqa: S105  a made-up one
USER = "52052"
SESSION = "p2-acc3ss-t0ken-0f"
RUN, TEMPLATE = 1000, 2000


class Trigger(BaseModel):
    model_config = ConfigDict(extra="forbid")
    phone: Annotated[str, Field(min_length=1)]
    notify: Annotated[list[str], Field(min_length=1)]
    within: Annotated[Literal["OneNight", "TwoNight", "SevenNights"], Field(alias="executeWithin")]
    calibrations: list[int]
    comments: str


class P2(Fake):
    """The API: folders of one run, blocks in them, triggers in the order they came."""

    def __init__(self) -> None:
        super().__init__()
        target = {"name": "to be set", "ra": "00:00:00.000", "dec": "00:00:00.000", "equinox": "J2000"}
        self.blocks: dict[int, dict[str, Any]] = {
            TEMPLATE: {"obId": TEMPLATE, "obStatus": "P", "name": "template", "target": target, "userPriority": 1}
        }
        self.folders: dict[int, tuple[str, list[int]]] = {}
        self.triggers: dict[int, Trigger] = {}
        self.sessions = {SESSION}

    def asks(self, call: Call) -> bool:
        return call.path.endswith("/triggerToO")

    def handle(self, call: Call) -> Reply:
        if call.path == "/login":
            self.sessions.add(SESSION)
            good = call.form == {"username": USER, "password": PASSWORD}
            return (
                Reply(200, {"access_token": SESSION}) if good else Reply(401, {"error": f"no {call.form['password']}"})
            )
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.sessions:
            return Reply(401, {"error": "token expired"})
        match call.method, *call.path.strip("/").split("/"):
            case "GET", "v1", "containers", ident, "items":
                return Reply(200, self._items(int(ident)))
            case "POST", "v1", "containers", _, "items" if call.json["itemType"] == "Folder":
                return self._folder(call.json["name"])
            case "POST", "v1", "containers", ident, "triggerToO":
                return self._trigger(int(ident), call)
            case method, "v1", "obsBlocks", ident, *rest if int(ident) in self.blocks:
                return self._block(method, self.blocks[int(ident)], "".join(rest), call)
        return Reply(404, {"error": "no such thing"})

    def _items(self, container: int) -> list[dict[str, Any]]:
        if container == RUN:
            return [{"itemType": "Folder", "containerId": one, "name": name} for one, (name, _) in self.folders.items()]
        return [self.blocks[one] | {"itemType": "OB"} for one in self.folders[container][1]]

    def _folder(self, name: str) -> Reply:
        ident = RUN + 1 + len(self.folders)
        self.folders[ident] = (name, [])
        return Reply(201, {"itemType": "Folder", "containerId": ident, "name": name}, {"ETag": "1"})

    def _block(self, method: str, block: dict[str, Any], action: str, call: Call) -> Reply:
        version = {"ETag": f'"{block["userPriority"]}"'}
        match method, action:
            case "GET", "":
                return Reply(200, block, version)
            case "PUT", "":
                if block["obStatus"] not in {"P", "-"} or call.headers.get("if-match") != version["ETag"]:
                    return Reply(409, {"error": "not modifiable, or changed by another"})
                block.update(call.json)
                return Reply(200, block, version)
            case "POST", "duplicate":
                ident = TEMPLATE + len(self.blocks)
                self.blocks[ident] = block | {"obId": ident, "target": dict(block["target"])}
                self.folders[call.json["containerId"]][1].append(ident)
                return Reply(201, self.blocks[ident], version)
            case "POST", "verify":
                right = bool(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", block["target"]["ra"])) and not self.refusing
                if right and call.json["submit"]:
                    block["obStatus"] = "D"
                return Reply(200, {"observable": right, "messages": [] if right else ["airmass constraint never met"]})
            case "POST", "revise" if block["obStatus"] == "D":
                block["obStatus"] = "P"
                return Reply(200, block)
        return Reply(409, {"error": f"not in status {block['obStatus']}"})

    def _trigger(self, folder: int, call: Call) -> Reply:
        try:
            wanted = Trigger.model_validate_json(call.body)
        except ValidationError as error:
            return Reply(400, {"error": error.errors()[0]["msg"]})
        if any(self.blocks[one]["obStatus"] not in {"D", "+", "R"} for one in self.folders[folder][1]):
            return Reply(409, {"error": "a block was not submitted"})
        assert folder not in self.triggers
        self.triggers[folder] = wanted
        return Reply(201, {"ticket": f"2017-08-ESO-{folder:06d}"})

    @property
    def executed(self) -> list[str]:
        return [self.folders[folder][0] for folder in self.triggers]

    @property
    def orders(self) -> dict[str, int]:
        return {re.sub(r"/\d+$", "", key): int(key.rpartition("/")[2]) for key in self.executed}
