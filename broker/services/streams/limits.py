"""How much the streams service takes on."""

from dataclasses import dataclass

from nuncius.consumers.defining import MOST_STREAMS


@dataclass(frozen=True, slots=True)
class Limits:
    """What named streams may cost a broker.

    Parameters
    ----------
    streams
        Not deleted, at the same time.
    past_rows
        Rows that one back-fill, or back-match, may publish.
    """

    streams: int = MOST_STREAMS
    past_rows: int = 1_000_000


LIMITS = Limits()
"""As shipped."""
