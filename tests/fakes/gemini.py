"""A stand-in for the trigger of Gemini's observing database: it copies a template, points it, and answers its name.

Written from gemini-hlsw/ocs, ``edu.gemini.oodb.too.url`` (``TooUpdateServlet``, ``HttpTooUpdate`` and what it reads,
``TooUpdateServiceImpl``): what is checked in which order, bounds, codes and words of errors.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from fakes.server import Call, Fake, Reply

PASSWORD = "user-k3y-of-g3mini"  # noqa: S105  a made-up one
EMAIL = "night@example.org"
PROGRAM = "GS-2017B-Q-9"
TEMPLATE, RAPID, NOT_ON_HOLD = 4, 5, 6


class RefusedError(Exception):
    """What the service answers instead of a name."""

    def __init__(self, code: int, words: str) -> None:
        self.code = code
        self.words = words


class Database(Fake):
    """One program with its templates, and what was copied from them."""

    def __init__(self) -> None:
        super().__init__()
        self.status = {TEMPLATE: "On Hold", RAPID: "On Hold", NOT_ON_HOLD: "Ready"}
        self.copies: dict[int, Mapping[str, str]] = {}

    def asks(self, call: Call) -> bool:
        return call.path == "/too"

    def handle(self, call: Call) -> Reply:
        if call.path != "/too" or call.method not in {"GET", "POST"}:
            return Reply(404, _page(404, "Not Found"))
        try:
            _checked(call.query)
            name = self._copied(call.query)
        except RefusedError as no:
            return Reply(no.code, _page(no.code, no.words))
        return Reply(200, name.encode())

    def _copied(self, told: Mapping[str, str]) -> str:
        if (told["prog"], told["email"], told["password"]) != (PROGRAM, EMAIL, PASSWORD):
            raise RefusedError(404, "Incorrect program ID, email address, or password")
        if self.refusing:
            raise RefusedError(403, "Program is not active.")
        number = int(told["obsnum"])
        if number not in self.status:
            raise RefusedError(404, f"Template observation {PROGRAM}-{number} not found")
        if self.status[number] != "On Hold":
            raise RefusedError(404, "Template observation is not 'on hold'.")
        made = 100 + len(self.copies)
        self.copies[made] = told
        self.status[made] = "Ready" if told.get("ready", "").lower() == "true" else "On Hold"
        return f"{PROGRAM}-{made}"

    @property
    def executed(self) -> list[str]:
        return [told["noteTitle"].split()[-1] for told in self.copies.values()]

    @property
    def orders(self) -> dict[str, int]:
        return {key.rpartition("/")[0]: int(key.rpartition("/")[2]) for key in self.executed}


def _checked(told: Mapping[str, str]) -> None:
    for name in ("prog", "email", "password", "obsnum"):
        _must(name in told, f'missing "{name}"')
    _must(told["obsnum"].isdecimal() and int(told["obsnum"]) > 0, '"obsnum" must be a positive integer')
    for name in ("target", "ra", "dec"):
        _must(told.get(name, "").strip() != "", f"missing '{name}'")
    for name in ("ra", "dec", "posangle"):
        _number(told.get(name, "0"), f"cannot parse the {name}")
    if "exptime" in told:
        _must(re.fullmatch(r"\d+", told["exptime"]) is not None, "cannot parse exptime as an integer number of seconds")
        _must(1 <= int(told["exptime"]) <= 1200, "maximum exptime is 1200 sec")
    _elevation([told.get(f"elevation{name}") for name in ("Type", "Min", "Max")])
    _window([told.get(f"window{name}") for name in ("Date", "Time", "Duration")])


def _elevation(told: list[str | None]) -> None:
    kind, *ends = told
    if told == [None, None, None] or (kind or "").lower() == "none":
        return
    _must(None not in told, "all elevation constraint parameters must be specified if one is specified")
    _must((kind or "").lower() in {"hourangle", "airmass"}, f"unrecognized elevation constraint type: {kind}")
    for end in ends:
        _number(end or "", "elevation constraint min and max must be floating point values")


def _window(told: list[str | None]) -> None:
    if told == [None, None, None]:
        return
    _must(None not in told, "all timing window parameters must be specified if one is specified")
    day, hour, hours = (word or "" for word in told)
    try:
        datetime.strptime(f"{day} {hour} +0000", "%Y-%m-%d %H:%M %z")
    except ValueError:
        raise RefusedError(400, "timing window date format is YYYY-MM-DD and time format is HH:mm") from None
    _must(hours.isdecimal(), "timing window duration should be a positive integer")


def _number(text: str, why: str) -> None:
    try:
        float(text)
    except ValueError:
        raise RefusedError(400, f'{why} "{text}"') from None


def _must(right: bool, why: str) -> None:  # noqa: FBT001  reads as an assertion
    if not right:
        raise RefusedError(400, why)


def _page(code: int, words: str) -> bytes:
    """An error as a servlet container shows it."""
    return f"<html><head><title>Error {code} {words}</title></head><body>Reason: {words}</body></html>".encode()
