"""What became of each packet: a header on its raw record, folded again when a service or a report needs it."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

Word = Literal["alert", "not_an_alert", "duplicate", "quarantined"]

HEADER: Final = "nuncius-fate"
SOURCE: Final = "nuncius-source"
STREAM: Final = "nuncius-stream"


@dataclass(frozen=True, slots=True)
class Fate:
    """One record's fate.

    Parameters
    ----------
    word
        What it turned out to be.
    detail
        ``kind:reality`` of an alert, the reason of a non-alert or of a quarantined packet; empty for a duplicate.
    """

    word: Word
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word}={self.detail}" if self.detail else self.word


def to_header(fates: tuple[Fate, ...]) -> bytes:
    """Fates of one packet, in the packet's order, as text."""
    return ",".join(map(str, fates)).encode()


def from_header(data: bytes) -> tuple[Fate, ...]:
    """The fates that `to_header` wrote."""
    words: dict[str, Word] = {
        "alert": "alert",
        "not_an_alert": "not_an_alert",
        "duplicate": "duplicate",
        "quarantined": "quarantined",
    }
    pairs = (item.partition("=") for item in data.decode().split(",") if item)
    return tuple(Fate(words[word], detail) for word, _, detail in pairs)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of fates that add up: ``packets = alerts + non_alerts + duplicates + quarantined``.

    Where one packet holds several records (an Avro container), each record counts as a packet and ``files`` tells
    how many came.
    """

    counts: Counter[Fate]
    files: int

    def of(self, word: Word) -> int:
        """How many records met this fate."""
        return sum(n for fate, n in self.counts.items() if fate.word == word)

    def by(self, word: Word, part: int | None = None) -> dict[str, int]:
        """Counts by detail, or by one part of a ``kind:reality`` detail; sorted by name."""
        table: Counter[str] = Counter()
        for fate, n in self.counts.items():
            if fate.word == word:
                table[fate.detail if part is None else fate.detail.split(":")[part]] += n
        return dict(sorted(table.items()))

    def as_json(self) -> dict[str, int | dict[str, int]]:
        """The summary's numbers: no times, rates or paths."""
        return {
            "files": self.files,
            "packets": self.counts.total(),
            "alerts": self.of("alert"),
            "alerts_by_kind": self.by("alert", 0),
            "alerts_by_reality": self.by("alert", 1),
            "non_alerts": self.of("not_an_alert"),
            "non_alerts_by_reason": self.by("not_an_alert"),
            "duplicates": self.of("duplicate"),
            "quarantined": self.of("quarantined"),
            "quarantined_by_reason": self.by("quarantined"),
        }
