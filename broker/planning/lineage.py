"""Plans of a thread of alerts, each made knowing the one before: what a telescope was given stays where it is good.

A plan that follows another must not depend on what happened to be published. So the plans of a thread are made over
again, notice by notice in the order of issue, and what was made once is remembered: the answer is a function of the
set of notices and reports, and a notice that comes last costs one plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.fitting import Fits
from nuncius.broker.planning.notice import Thread
from nuncius.broker.planning.planned import Verdicts, refused
from nuncius.broker.planning.policy import Policies, Policy
from nuncius.broker.planning.tiled import plans, told_by_then
from nuncius.broker.planning.verdict import Refused, Wanted, judge, selects
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.plan import ObservationReport

MOST: Final = 8
"""Every so many notices of a thread a plan is made anew: no more plans than these are made for one answer; ours."""
_HELD: Final = 32
"""So many threads and policies are remembered, the latest ones; ours."""


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """What was decided after some notices, and what it was made from."""

    stamp: tuple[tuple[str, ...], tuple[ObservationReport, ...]]
    verdicts: Verdicts


class Lineage:
    """Plans of threads for a set of policies; it remembers and has no state besides.

    Parameters
    ----------
    policies, fits, galaxies
        As in `engine.Planner`.
    """

    def __init__(self, policies: Policies, fits: Fits, galaxies: Galaxies | None) -> None:
        self._policies, self._fits, self._galaxies = policies, fits, galaxies
        self._made: dict[tuple[str, str], tuple[_Made, ...]] = {}

    def plans(
        self, policy: Policy, thread: Thread, maps: Mapping[str, SkyMap], reports: Sequence[ObservationReport]
    ) -> Verdicts:
        """What each facility of a policy is to look at after all notices of a thread, or why nothing.

        Parameters
        ----------
        policy
            It asks for ``tiles`` or ``galaxies``.
        thread
            The cause.
        maps, reports
            Sky maps by their sha256; all reports on the event, in any order.
        """
        key = policy.name, thread.last.cause_id
        known = iter(self._made.pop(key, ()))
        whole = len(thread.notices)
        chain: list[_Made] = []
        before: Verdicts = {}
        for count in range((whole - 1) // MOST * MOST + 1, whole + 1):
            part = Thread(thread.notices[:count])
            verdict = judge(policy, part, {}, maps, self._fits) if selects(policy, part) else None
            told = told_by_then(reports, verdict) if isinstance(verdict, Wanted) else []
            stamp = tuple(notice.alert_id for notice in part.notices), tuple(sorted(told, key=lambda r: r.report_id))
            found = next(known, None)
            if found is None or found.stamp != stamp:
                known = iter(())
                found = _Made(stamp, self._said(policy, verdict, told, before))
            chain.append(found)
            before = found.verdicts
        self._made[key] = tuple(chain)
        while len(self._made) > _HELD:
            del self._made[next(iter(self._made))]
        return before

    def _said(
        self,
        policy: Policy,
        verdict: Wanted | Refused | None,
        reports: Sequence[ObservationReport],
        earlier: Verdicts,
    ) -> Verdicts:
        match verdict:
            case None:
                return {}
            case Refused():
                return dict.fromkeys(policy.asked, refused(verdict))
            case Wanted():
                return plans(policy, self._policies, verdict, reports, self._galaxies, earlier)
