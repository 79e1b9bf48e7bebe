"""The last batches of events of a topic, for everybody who follows it."""

from collections import deque
from collections.abc import Mapping
from typing import Final, NamedTuple

KEPT_BYTES: Final = 16 * 2**20
"""Events held for those who are behind: a minute of 100 alerts a second of 2.7 kB each."""

KEPT_BATCHES: Final = 1200
"""Two minutes of ticks."""


class Batch(NamedTuple):
    """Events that came within one tick.

    Parameters
    ----------
    before, after
        Positions between which their records lie.
    frames
        The events.
    hits
        For each filter's text that was asked for then, the places in ``frames`` of what it selects.
    """

    before: str
    after: str
    frames: tuple[bytes, ...]
    hits: Mapping[str, tuple[int, ...]]

    def chosen(self, text: str) -> tuple[bytes, ...]:
        """The events that a filter selects; all of them for the empty text. KeyError where it was not asked for."""
        return tuple(self.frames[place] for place in self.hits[text]) if text else self.frames


class Ring:
    """Batches numbered from 0; the oldest go when they are too many or too large. ``head`` is behind all of them."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.next = 0
        self.nbytes = 0
        self._batches: deque[Batch] = deque()
        self._number_at: dict[str, int] = {head: 0}

    def add(self, batch: Batch) -> None:
        """One more batch, which begins at ``head``."""
        self._batches.append(batch)
        self.next += 1
        self.head = batch.after
        self._number_at[batch.after] = self.next
        self.nbytes += _size(batch)
        while len(self._batches) > 1 and (self.nbytes > KEPT_BYTES or len(self._batches) > KEPT_BATCHES):
            old = self._batches.popleft()
            self.nbytes -= _size(old)
            del self._number_at[old.before]

    def get(self, number: int) -> Batch | None:
        """A batch; None where it is gone, or not there yet."""
        place = number - (self.next - len(self._batches))
        return self._batches[place] if 0 <= place < len(self._batches) else None

    def joined_at(self, token: str, text: str) -> int | None:
        """Number of the batch that begins at a position, where it was held against that filter; None where none is."""
        number = self._number_at.get(token)
        batch = None if number is None else self.get(number)
        return None if batch is not None and text and text not in batch.hits else number


def _size(batch: Batch) -> int:
    return sum(map(len, batch.frames))
