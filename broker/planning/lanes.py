"""Two lanes of planning, so that a plan of seconds holds up no pointing that takes milliseconds.

A request's id names its policy, and a policy's name belongs to exactly one lane, by the policies of this start: so
there is one writer for each id, whatever was asked before under that name.
"""

from dataclasses import dataclass
from typing import Final, Literal

from nuncius.broker.planning.policy import Policies
from nuncius.schemas.plan import Ask

LaneName = Literal["point", "plan"]
LANES: Final[tuple[LaneName, ...]] = ("point", "plan")
_PLANNED: Final[frozenset[Ask]] = frozenset({"tiles", "galaxies"})


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane, given all policies of a file.

    Parameters
    ----------
    name
        ``plan`` has the policies that ask for fields or galaxies; ``point`` has those that ask for a pointing, and
        takes back what was asked under names that no policy has any more.
    all_policies
        Of both lanes.
    """

    name: LaneName
    all_policies: Policies

    @property
    def policies(self) -> Policies:
        """The lane's own, with every site and telescope."""
        own = tuple(one for one in self.all_policies.policies if self.owns(one.name))
        return self.all_policies.model_copy(update={"policies": own})

    def owns(self, policy: str) -> bool:
        """Whether requests of the policy of that name are this lane's; disabled policies keep their lane."""
        planned = {one.name for one in self.all_policies.policies if one.ask in _PLANNED}
        return (self.name == "plan") == (policy in planned)
