"""A person's word that they see to what a telescope would not cancel: it ends the asking of the next on call."""

from datetime import datetime

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.told import SEEN, TELL, seen_to
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.schemas import SettingsError, ToOStatus


def stuck_at(entry: Entry) -> tuple[str, ...]:
    """Adapters that would not cancel it, and said nothing else since."""
    last = {
        one.adapter: one.state
        for one in entry.told
        if one.state not in {"recorded", "proposed"} and one.adapter != PERSON and not one.adapter.startswith(TELL)
    }
    return tuple(name for name, state in last.items() if state == "not_cancelled")


def acknowledged(entry: Entry, *, who: str, why: str, now: datetime) -> tuple[ToOStatus, ...]:
    """A status for each adapter that would not cancel it, but for those that somebody sees to already.

    Raises
    ------
    SettingsError
        If there is none that would not cancel it.
    """
    one, stuck = entry.latest, stuck_at(entry)
    if not stuck:
        raise SettingsError(f"request {one.request_id[:SHORT]}: no telescope refused to cancel it; it is {entry.state}")
    return tuple(
        ToOStatus(
            request_id=one.request_id,
            revision=one.revision,
            state="recorded",
            facility=one.facility,
            adapter=f"{SEEN}{name}",
            detail=why,
            idempotency_key=one.idempotency_key,
            who=who,
            time=now,
        )
        for name in stuck
        if seen_to(entry.told, name) is None
    )
