"""What stands at an adapter that the broker has no more, and what is to be said of it: pure, over what the log says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.planning.lifecycle import LEFT, PERSON, Life
from nuncius.schemas.too import ToORequest, ToOStatus

_FORGOTTEN: Final = timedelta(days=1)
"""So long after it expired it is still said that what is no longer wanted stands (ours)."""


@dataclass(frozen=True, slots=True)
class Left:
    """One request that may stand at an adapter that is gone."""

    adapter: str
    life: Life

    @property
    def is_said(self) -> bool:
        """Whether the log says so already of the latest revision, as wanted or not as it is now."""
        state = "proposed" if self.life.wanted else "not_cancelled"
        said = [one for one in self.life.told if one.revision == self.life.latest.revision and one.state == state]
        return any(one.detail.startswith(LEFT) for one in said) and self.life.left

    @property
    def status(self) -> ToOStatus:
        """What the log is to say, in the adapter's name: of what is no longer wanted that it could not be cancelled."""
        latest = self.life.latest
        gone = f"{LEFT}the broker has no adapter {self.adapter!r} any more"
        wanted = f"{gone}; what stands there is neither looked at nor taken back"
        unwanted = f"{gone}, so nobody takes this back: call them, or put the adapter back into the settings"
        return ToOStatus(
            request_id=latest.request_id,
            revision=latest.revision,
            state="proposed" if self.life.wanted else "not_cancelled",
            facility=latest.facility,
            adapter=self.adapter,
            detail=wanted if self.life.wanted else unwanted,
            idempotency_key=latest.idempotency_key,
            reference=self.life.reference,
        )


def left_behind(
    revisions: tuple[ToORequest, ...],
    statuses: Sequence[ToOStatus],
    is_known: Callable[[str], bool],
    now: datetime,
) -> Iterator[Left]:
    """Where one request may stand, of adapters that are gone, until it expired (exclusive).

    Parameters
    ----------
    revisions
        Ascending; at least one.
    statuses
        All of the request, in the order of the log.
    is_known
        Whether there is an adapter of this name.
    now
        UTC.
    """
    asked = dict.fromkeys(one.adapter for one in statuses if one.state in {"sent", "accepted"})
    for name in asked:
        if name == PERSON or is_known(name):
            continue
        told = tuple(one for one in statuses if one.adapter == name)
        people = tuple(one for one in statuses if one.adapter == PERSON)
        life = Life(revisions=revisions, told=told, people=people)
        expires = life.latest.expires
        over = expires is None or now >= (expires if life.wanted else expires + _FORGOTTEN)
        if life.outstanding and not over and not life.refused(life.latest.revision):
            yield Left(name, life)
