"""What came on a facility's topic of answers and is none: who keeps it, and what is kept of it."""

import logging
from collections.abc import Sequence
from typing import Final, Protocol

from nuncius.schemas import ids
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.quarantined import Quarantined

KEPT_BYTES: Final = 4096
"""Of each (ours): whoever may write there could fill our disk otherwise."""

_LOGGER: Final = logging.getLogger(__name__)


class Keeps(Protocol):
    """Takes what is no answer; it may come again after a restart."""

    def __call__(self, adapter: str, found: Sequence[Quarantined], /) -> None:
        """Keep these apart, each once.

        Raises
        ------
        Retry
            If they could not be kept now.
        """
        ...


def no_answer(data: bytes, place: str, error: Quarantine) -> Quarantined:
    """What is kept of a record.

    Parameters
    ----------
    data
        The record.
    place
        Cluster and topic, partition and offset.
    error
        Why it is none.
    """
    return Quarantined(
        sha256=ids.digest(data),
        nbytes=len(data),
        source=place,
        reason=error.reason,
        detail=f"no answer to a request: {error}",
        field=error.field,
        head=data[:KEPT_BYTES],
    )


def aloud(adapter: str, found: Sequence[Quarantined], /) -> None:
    """For who has no log to keep them on: one line says how many there were, and why the first is none."""
    first = found[0]
    _LOGGER.warning("%s: %d records are no answers; the first, %s: %s", adapter, len(found), first.source, first.detail)
