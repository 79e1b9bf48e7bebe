"""A night at a telescope for the tests of delivery: clock, log, a service that delivers, people who say yes and no."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from road import decoded
from too_cases import MERGER, request
from too_log import lay

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.runner import drain
from nuncius.broker.services.too_book import write_word
from nuncius.broker.transport import topics
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import Retry, ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

EVENING = MERGER + timedelta(hours=12)


def nothing(_: ToORequest) -> None:
    """Nothing happens meanwhile."""


@dataclass
class Telescope:
    """A facility behind an adapter.

    Attributes
    ----------
    meanwhile
        What happens while it is being asked for a request.
    deaf, stubborn
        It does not answer; it will not drop anything.
    later
        What it says of a request when looked at.
    calls
        Idempotency keys, after what was asked.
    holds
        Revision of each request that it will do.
    """

    name: str = "telescope"
    meanwhile: Callable[[ToORequest], None] = nothing
    deaf: bool = False
    stubborn: bool = False
    later: RequestState = "accepted"
    calls: list[str] = field(default_factory=list)
    holds: dict[str, int] = field(default_factory=dict)

    real = True
    public = False

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self._hears("submit", wanted)
        self.holds[wanted.request_id] = wanted.revision
        return answer(wanted, "accepted", self.name, reference=wanted.request_id)

    def cancel(self, gone: ToORequest, _standing: str) -> ToOStatus:
        self._hears("cancel", gone)
        if self.stubborn:
            return answer(gone, "not_cancelled", self.name, "the shutter is open")
        self.holds.pop(gone.request_id, None)
        return answer(gone, "cancelled", self.name)

    def look(self, asked: ToORequest, _standing: str) -> ToOStatus:
        self._hears("look", asked)
        return answer(asked, self.later, self.name)

    def _hears(self, what: str, about: ToORequest) -> None:
        self.calls.append(f"{what} {about.idempotency_key}")
        self.meanwhile(about)
        if self.deaf:
            raise Retry("no answer")

    def asked(self, what: str = "submit") -> list[str]:
        """Keys of the calls of one kind."""
        return [key for kind, key in (call.split() for call in self.calls) if kind == what]


@dataclass
class Night:
    """A log with the requests and statuses on it, one service that delivers, and the clock on the wall."""

    telescope: Telescope = field(default_factory=Telescope)
    restraints: Mapping[str, Restraint] = field(default_factory=dict)
    now: datetime = EVENING
    log: Log = field(init=False)
    service: Delivering = field(init=False)

    def __post_init__(self) -> None:
        self.log = open_local(None, self.clock)
        self.log.create(topics.TOPICS)
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.service.close()
        self.log.close()

    def clock(self) -> datetime:
        return self.now

    def start(self) -> None:
        """A process that delivers."""
        route = Route(adapter=self.telescope, restraints=self.restraints)
        self.service = Delivering(self.log, route, self.clock)

    def restart(self) -> None:
        """The process ends and another one comes."""
        self.service.close()
        self.start()

    def put(self, *requests: ToORequest) -> None:
        """Requests onto the log."""
        lay(self.log, *requests)

    def tell(self, *statuses: ToOStatus) -> None:
        """Statuses onto the log."""
        lay(self.log, *statuses)

    def says(self, who: str, word: RequestState, about: ToORequest) -> None:
        """A person's word, as ``nuncius too`` writes it."""
        status = replace(answer(about, word, PERSON), who=who, time=self.now)
        write_word(self.log, status, f"person-{who}")

    def deliver(self, **later: float) -> None:
        """So much later: until nothing is left to do."""
        self.now += timedelta(**later)
        drain((self.service,))

    def hours(self, count: float, every_s: float = 60.0) -> None:
        """The service works through so many hours."""
        for _ in range(int(count * 3600 / every_s)):
            self.deliver(seconds=every_s)

    def said(self, ident: str = "r", adapter: str | None = None) -> list[tuple[int, str]]:
        """Revision and state of every status of the telescope, or of another adapter, about a request."""
        name = self.telescope.name if adapter is None else adapter
        told = [status for status in decoded(self.log, topics.TOO_STATUS.name) if isinstance(status, ToOStatus)]
        return [(one.revision, one.state) for one in told if (one.request_id, one.adapter) == (ident, name)]


def wanted(revision: int = 1, ident: str = "r", **changed: Any) -> ToORequest:
    """A request that may go out until it expires."""
    return request(revision, ident, **{"expires": EVENING + timedelta(hours=48)} | changed)


def gone(revision: int = 2, ident: str = "r") -> ToORequest:
    """Its cause was taken back."""
    return wanted(revision, ident, state="cancelled", reason="the cause was taken back")
