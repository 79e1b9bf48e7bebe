"""Whether a person's yes to smaller groups of an event holds for the larger one that took them in: pure."""

from collections.abc import Iterable

from nuncius.broker.planning.lifecycle import CARRIED, PERSON, Life
from nuncius.broker.planning.order import same_wish_elsewhere
from nuncius.schemas.too import ToORequest, ToOStatus


def carried(life: Life, smaller: Iterable[Life]) -> ToOStatus | None:
    """The yes that a request takes over; None where none holds for it.

    A coincidence is named by its first member, so that a late notice of an earlier one makes another record of the same
    event, and another request. Who said yes to the one has said yes to the other as long as it asks for the same; a no
    is not taken over, since more evidence asks anew, but where the last word on any of the smaller ones is a no,
    nothing is.

    Parameters
    ----------
    life
        Of the request that came in their place.
    smaller
        Of the requests that it supersedes, with people's words.
    """
    wanted = life.latest
    if life.word is not None or wanted.state != "proposed" or not wanted.needs_approval:
        return None
    words = [word for one in smaller if (word := _word(one, wanted)) is not None]
    if not words or any(word.state != "approved" for word in words):
        return None
    given = words[-1]
    return ToOStatus(
        request_id=wanted.request_id,
        revision=wanted.revision,
        state="approved",
        facility=wanted.facility,
        adapter=PERSON,
        detail=f"said of {given.request_id}, in whose place this comes and which asked for the same",
        idempotency_key=wanted.idempotency_key,
        reference=CARRIED,
        who=given.who,
    )


def _word(one: Life, wanted: ToORequest) -> ToOStatus | None:
    """The last word on what was asked last, where that is what is wanted now.

    A yes is void once what it was said of is taken back: it is taken over only from a request that was taken back once,
    as it is where its cause went into the larger one.
    """
    proposed = [index for index, revision in enumerate(one.revisions) if revision.state == "proposed"]
    if not proposed or len(one.revisions) > proposed[-1] + 2:
        return None
    before = Life(revisions=one.revisions[: proposed[-1] + 1], people=one.people)
    return before.word if same_wish_elsewhere(before.latest, wanted) else None
