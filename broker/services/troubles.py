"""What was told on the log of adapters that give no answer, and of people who are not reached."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.planning.lifecycle import SILENT
from nuncius.broker.planning.told import TELL
from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.lines import printable
from nuncius.consumers.delivery import FAULT, NO_ANSWER
from nuncius.schemas.too import ToOStatus
from nuncius.schemas.vocabulary import RequestState

_ANSWERS: Final = frozenset[RequestState](
    {"accepted", "rejected", "scheduled", "observed", "expired", "cancelled", "not_cancelled"}
)
_FORGOTTEN: Final = timedelta(days=1)
"""What nobody was asked or told for so long is no trouble of now (ours)."""
_SHOWN: Final = 200


class Troubles:
    """Folds the statuses of a log, in its order."""

    def __init__(self) -> None:
        self._adapters: dict[str, ToOStatus] = {}
        self._people: dict[str, ToOStatus] = {}

    def learn(self, status: ToOStatus) -> None:
        """One more status."""
        name = status.adapter
        if name.startswith(TELL):
            if status.state == "proposed":
                self._people[name.removeprefix(TELL)] = status
            else:
                self._people.pop(name.removeprefix(TELL), None)
        elif status.detail.startswith((FAULT, NO_ANSWER, SILENT)):
            self._adapters[name] = status
        elif status.state in _ANSWERS:
            self._adapters.pop(name, None)

    def findings(self, now: datetime) -> Iterator[Finding]:
        """What is so by the last word of each, as notes: the broker itself does its work."""
        for name, status in sorted(self._adapters.items()):
            yield from _note(f"adapter {name}", "its last call", status, now)
        for name, status in sorted(self._people.items()):
            yield from _note(f"told {name}", "was not reached", status, now)


def _note(what: str, how: str, status: ToOStatus, now: datetime) -> Iterator[Finding]:
    if status.time is not None and now - status.time < _FORGOTTEN:
        detail = f"{how}, {status.time:%Y-%m-%d %H:%M:%S} UTC: {status.detail[:_SHOWN]}"
        yield Finding(printable(what), "note", printable(detail))
