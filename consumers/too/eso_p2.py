"""Triggers a target of opportunity at ESO (Paranal, La Silla) on an observation block that was prepared in p2.

In the run's folder a folder is made whose name is the idempotency key, the prepared block is copied into it, pointed at
the target, verified, submitted, and the folder is triggered. A person's yes is always needed. Whether a trigger arrived
cannot be looked up, and a trigger cannot be taken back: where its answer is lost nothing is asked again, and a person
must ask ESO. Rapid response (RRM) is not offered: it wants a block that ESO has certified. Facts: p2api 1.2.1
(``p2api.py``, ``utils/too_trigger.py``).
"""

from typing import Any, Final

from pydantic import BaseModel, Field, SecretStr

from nuncius.consumers.too.door import Allowance, Answer, Untouched
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.eso_p2_block import EsoP2Settings, pointed, trigger
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.placed import unplaced
from nuncius.schemas.errors import Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_ALLOWANCE: Final = Allowance(calls=60, within_s=60.0)
"""Ours; none is published."""
_EDITABLE: Final = frozenset({"P", "-"})
"""Statuses in which a block may still be changed: it was not submitted, so it was not triggered."""
_ENDS: Final[dict[str, RequestState]] = {"C": "observed", "F": "rejected"}
"""Completed; failed and not to be repeated. ESO's knowledge base, "After the execution my OBs have status C"."""
_CALL: Final = "ask ESO's User Support, who know it by this name"


class _Item(BaseModel):
    item_type: str = Field(alias="itemType")
    name: str = ""
    container: int = Field(0, alias="containerId")
    block: int = Field(0, alias="obId")


class _Block(BaseModel):
    number: int = Field(alias="obId")
    status: str = Field(alias="obStatus")


class _Verdict(BaseModel):
    observable: bool
    messages: tuple[str, ...] = ()


class _Token(BaseModel):
    access_token: str = Field(min_length=1)


class EsoP2:
    """An adapter for one prepared block. Close it when done.

    Parameters
    ----------
    settings
        Who triggers, what, and how they are reached.
    password
        Of the User Portal account.
    """

    real: Final = True
    public: Final = False

    def __init__(self, settings: EsoP2Settings, password: SecretStr, allowance: Allowance = _ALLOWANCE) -> None:
        self.name = settings.name
        self._settings = settings
        self._password = password
        self._token = ""
        self._triggered: dict[str, ToOStatus | None] = {}
        """Keys whose trigger went out from here, and what came of it; None where the answer was lost."""
        self._turned_away: set[str] = set()
        """Keys whose block is submitted and whose trigger certainly did not arrive."""
        self._door = door_to(settings, allowance, password)

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """Copy, point, verify, submit and trigger; once at most."""
        nowhere = unplaced(self, request, standing)
        if nowhere is not None:
            return nowhere
        if not request.needs_approval or request.tiles:
            why = (
                "a trigger at ESO needs a person's yes" if not request.tiles else "a plan of tiles cannot be triggered"
            )
            return self._door.status(request, "rejected", f"{why}: see its policy")
        folders = self._folders(request)
        other = max((revision for revision in folders if revision != request.revision), default=0)
        if other:
            return self._door.status(
                request, "rejected", f"revision {other} was triggered: {_CALL}", str(folders[other])
            )
        done = self._triggered.get(request.idempotency_key)
        if done is not None:
            return done
        folder = folders.get(request.revision) or self._folder(request)
        if request.idempotency_key in self._turned_away:
            return self._trigger(request, folder)
        block = self._found(folder) or self._copied(folder)
        if request.idempotency_key in self._triggered or block.status not in _EDITABLE:
            detail = f"whether the trigger of {request.idempotency_key} arrived is not known: {_CALL}"
            return self._door.status(request, "rejected", detail, str(folder))
        wrong = self._submitted(request, block.number)
        if wrong:
            return self._door.status(request, "rejected", wrong, str(folder))
        return self._trigger(request, folder)

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """What was submitted may have been triggered, and is for a person: success only where nothing was."""
        folders = self._folders(request)
        if not folders:
            return self._door.status(request, "cancelled", "nothing of it is there")
        said = []
        for folder in folders.values():
            block = self._found(folder)
            if block is None or block.status in _EDITABLE:
                continue
            said.append(f"block {block.number} in folder {folder} has status {block.status}")
        if not said:
            return self._door.status(request, "cancelled", "it was prepared and never triggered", standing)
        detail = f"{'; '.join(said)}, and a trigger cannot be taken back: revise it in p2, and {_CALL}"
        return self._door.status(request, "not_cancelled", detail, standing or str(max(folders.values())))

    def look(self, request: ToORequest, standing: str) -> ToOStatus | None:
        """The block's status letter."""
        if not standing.isdecimal():
            return None
        block = self._found(int(standing))
        if block is None:
            return None
        detail = f"block {block.number} has status {block.status}"
        return self._door.status(request, _ENDS.get(block.status, "accepted"), detail, standing)

    def _folders(self, request: ToORequest) -> dict[int, int]:
        """Folders of the request by revision."""
        found = {}
        for item in self._items(self._settings.container_id):
            revision = revision_in(item.name, request)
            if revision is not None and item.container:
                found[revision] = item.container
        return found

    def _folder(self, request: ToORequest) -> int:
        body = {"itemType": "Folder", "name": request.idempotency_key}
        made = self._must("POST", f"/v1/containers/{self._settings.container_id}/items", body)
        return made.read(_Item).container

    def _found(self, folder: int) -> _Block | None:
        """The folder's block."""
        number = next((item.block for item in self._items(folder) if item.block), 0)
        return self._must("GET", f"/v1/obsBlocks/{number}").read(_Block) if number else None

    def _copied(self, folder: int) -> _Block:
        source = f"/v1/obsBlocks/{self._settings.block_id}/duplicate"
        return self._must("POST", source, {"containerId": folder}).read(_Block)

    def _submitted(self, request: ToORequest, block: int) -> str:
        """Point the block and submit it; why ESO will not have it, else empty."""
        here = self._must("GET", f"/v1/obsBlocks/{block}")
        if not isinstance(here.body, dict):
            raise Retry(f"{self.name}: block {block} cannot be read: {here.words}")
        body: dict[str, Any] = pointed(here.body, request)
        saved = self._ask("PUT", f"/v1/obsBlocks/{block}", body, etag=here.etag)
        if not saved.good:
            return f"block {block} cannot be pointed: {saved.code}: {saved.words}"
        checked = self._ask("POST", f"/v1/obsBlocks/{block}/verify", {"submit": True})
        if not checked.good:
            return f"block {block}: {checked.code}: {checked.words}"
        verdict = checked.read(_Verdict)
        return "" if verdict.observable else self._door.shown("; ".join(verdict.messages)) or "not observable"

    def _trigger(self, request: ToORequest, folder: int) -> ToOStatus:
        key = request.idempotency_key
        self._triggered[key] = None
        try:
            told = self._ask("POST", f"/v1/containers/{folder}/triggerToO", trigger(request, self._settings))
        except Untouched:
            del self._triggered[key]
            self._turned_away.add(key)
            raise
        state: RequestState = "accepted" if told.good else "rejected"
        status = self._door.status(request, state, f"folder {folder}: {told.code}: {told.words}", str(folder))
        self._triggered[key] = status
        return status

    def _items(self, container: int) -> tuple[_Item, ...]:
        return self._must("GET", f"/v1/containers/{container}/items").read(tuple[_Item, ...])

    def _must(self, method: str, path: str, body: object = None) -> Answer:
        """A call that asks for nothing at a telescope yet, so that it may be made again."""
        told = self._ask(method, path, body)
        if not told.good:
            raise Retry(f"{self.name}: {method} {path}: {told.code}: {told.words}")
        return told

    def _ask(self, method: str, path: str, body: object = None, etag: str = "") -> Answer:
        """One call with a token, which is fetched first where there is none, and once more where it has run out."""
        version = {"If-Match": etag} if etag else {}
        if self._token:
            told = self._door.ask(method, path, body=body, headers={"Authorization": f"Bearer {self._token}"} | version)
            if told.code != 401:
                return told
        who = {"username": self._settings.username, "password": self._password.get_secret_value()}
        opened = self._door.ask("POST", "/login", form=who)
        if not opened.good:
            raise Untouched(f"{self.name}: no login as {self._settings.username}: {opened.code}: {opened.words}")
        self._token = opened.read(_Token).access_token
        self._door.hide(self._token)
        return self._door.ask(method, path, body=body, headers={"Authorization": f"Bearer {self._token}"} | version)
