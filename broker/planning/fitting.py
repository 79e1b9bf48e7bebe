"""Whether a cause fits the filters of a policy. The filter language lies above planning and is handed in."""

from typing import Final, Protocol

from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import CandidateList, Coincidence


class Fits(Protocol):
    """The ``where`` and ``anchor_where`` of every policy."""

    def where(self, policy: str, record: Coincidence | CandidateList | Alert) -> str | None:
        """Why a policy's ``where`` does not select a record, for people; None where it does."""
        ...

    def anchor(self, policy: str, alert: Alert) -> str | None:
        """As `where`, of ``anchor_where`` and the latest notice of the anchor."""
        ...


class _Anything:
    def where(self, policy: str, record: Coincidence | CandidateList | Alert) -> None:
        del policy, record

    def anchor(self, policy: str, alert: Alert) -> None:
        del policy, alert


ANYTHING: Final[Fits] = _Anything()
"""For policies that state no filter."""
