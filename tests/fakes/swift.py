"""A stand-in for Swift's ToO API, with the rules of the facility's own schema.

Written from swifttools 4.0.5 (``swift/toorequest.py``, ``base/common.py``; that approved ToOs alone are listed, its
notebook on them says); `test_vendor_clients.py` in the contract
tests holds both against each other.
"""

import re
from typing import Any

from fakes.server import Call, Fake, Reply

SECRET = "sw1ft-shared-s3cret"  # noqa: S105  a made-up one
USER = "nuncius"
SESSION = "5e551on-c00kie-77"
_NEEDED = (
    *("ra", "dec", "num_of_visits", "exp_time_just", "target_type", "target_name", "science_just", "username"),
    *("obs_type", "immediate_objective", "exposure", "exp_time_per_visit", "monitoring_freq"),
)
_KNOWN = {
    *_NEEDED,
    *("poserr", "instrument", "urgency", "other_brightness", "opt_mag", "opt_filt", "xrt_countrate", "uvot_mode"),
    *("uvot_just", "debug", "quiet", "validate_only", "grb_triggertime", "grb_detector", "xrt_mode", "bat_countrate"),
    *("proposal", "proposal_id", "proposal_pi", "proposal_trigger_just", "tiling"),
}


class SwiftApi(Fake):
    """The API, and the ToOs made by number."""

    def __init__(self) -> None:
        super().__init__()
        self.toos: dict[int, dict[str, Any]] = {}
        self.sessions = {SESSION}
        self.pages = True
        self.lists_all = False

    def asks(self, call: Call) -> bool:
        return call.method == "POST" and call.path.endswith("/swift/too") and call.form["validate_only"] == "false"

    def handle(self, call: Call) -> Reply:
        match call.method, call.path:
            case "POST", "/api/v4/login":
                if call.json != {"username": USER, "password": SECRET}:
                    return Reply(401, {"detail": f"wrong password {call.json['password']}"})
                self.sessions.add(SESSION)
                return Reply(200, {}, {"Set-Cookie": f"session={SESSION}; Path=/; HttpOnly"})
            case "GET", "/api/v4/swift/too" if self._known(call):
                return self._list(call)
            case "POST", "/api/v4/swift/too" if self._known(call):
                return self._too(call.form)
        return Reply(401, {"detail": "Not authenticated"})

    def _known(self, call: Call) -> bool:
        return call.headers.get("cookie", "").partition("=")[2] in self.sessions

    def _list(self, call: Call) -> Reply:
        wanted = call.query.get("too_id")
        known = [one for ident, one in self.toos.items() if wanted in {None, str(ident)}]
        found = [one for one in known if self.lists_all or (one["decision"] or "").startswith("Approved")]
        if call.query.get("detail") != "true":
            found = [one | {"immediate_objective": None} for one in found]
        first = int(call.query.get("offset", 0)) if self.pages else 0
        page = found[::-1][first:][: int(call.query.get("limit", 20))]
        return Reply(200, {"entries": page, "status": "Accepted"})

    def _too(self, form: dict[str, str]) -> Reply:
        wrong = self._wrong(form)
        if wrong:
            return Reply(422, {"detail": [{"loc": ["body"], "msg": one, "type": "value_error"} for one in wrong]})
        if self.refusing:
            return Reply(200, {"status": {"status": "Rejected", "errors": ["too close to the Sun until 2017-09-01"]}})
        if form["validate_only"] == "true":
            return Reply(200, {"status": "Validated", "errors": [], "warnings": []})
        ident = 21000 + len(self.toos)
        self.toos[ident] = {"too_id": ident, "decision": None} | form | {"xrt_mode": int(form.get("xrt_mode", "7"))}
        return Reply(200, self.toos[ident] | {"status": {"status": "Accepted", "too_id": ident, "errors": []}})

    @staticmethod
    def _wrong(form: dict[str, str]) -> list[str]:
        wrong = [f"Missing required field: {name}" for name in _NEEDED if not form.get(name)]
        wrong += [f"unknown field {name}" for name in form if name not in _KNOWN]
        if wrong:
            return wrong
        if not (0 <= float(form["ra"]) <= 360 and -90 <= float(form["dec"]) <= 90):
            wrong.append("ra, dec out of range")
        if form["instrument"] not in {"XRT", "UVOT", "BAT"} or form["urgency"] not in set("01234"):
            wrong.append("instrument or urgency unknown")
        if form["obs_type"] not in {"Spectroscopy", "Light Curve", "Position", "Timing"}:
            wrong.append("obs_type unknown")
        if not form["exposure"].isdecimal() or not re.match(
            r"\d+(\.\d+)?\s+(day|week|month|orbit)", form["monitoring_freq"]
        ):
            wrong.append("exposure or monitoring_freq in incorrect format")
        if not {"other_brightness", "xrt_countrate", "opt_mag"} & form.keys():
            wrong.append("Must specify at least one brightness value")
        if (
            form.get("proposal") == "true"
            and not {"proposal_id", "proposal_pi", "proposal_trigger_just"} <= form.keys()
        ):
            wrong.append("Must specify proposal ID and PI if GI proposal.")
        if "0x9999" not in form["uvot_mode"] and not form.get("uvot_just"):
            wrong.append("Must specify UVOT justification if UVOT mode is not filter of the day (0x9999).")
        if form["target_type"] == "GRB" and not {"grb_triggertime", "grb_detector"} <= form.keys():
            wrong.append("Must specify GRB trigger time and detector if source type is GRB.")
        return wrong

    def approve(self) -> None:
        """The duty scientist says yes to all."""
        for one in self.toos.values():
            one["decision"] = "Approved"

    @property
    def executed(self) -> list[str]:
        keys = [re.search(r"\(request (\S+)\)$", one["immediate_objective"]) for one in self.toos.values()]
        return [key.group(1) for key in keys if key]

    @property
    def orders(self) -> dict[str, int]:
        return {re.sub(r"/\d+$", "", key): int(key.rpartition("/")[2]) for key in self.executed}
