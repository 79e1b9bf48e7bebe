"""One messenger, several detectors: neutrino detectors that see a burst within seconds of each other.

Each thread is an anchor; its group are the threads of other detectors from its own time on to the window's end, both
inclusive, so that an exactly simultaneous one belongs to it. Threads of one time are ordered by their id. A second
thread of a detector is never a second member. A group that lies within the group of an earlier thread is published as
retracted, and the earlier one names it in ``supersedes``: so both exist whatever came first.
"""

import math
from typing import Final, NamedTuple

from nuncius.broker.matching.coincide import Scene, issued_time, member
from nuncius.broker.matching.rules import MultiplicityRule
from nuncius.broker.matching.store import Role
from nuncius.broker.matching.threads import Facts, ThreadKey, span_of
from nuncius.schemas import ids
from nuncius.schemas.coincidence import Coincidence, Pair, Significance
from nuncius.schemas.vocabulary import State

METHOD: Final = "multiplicity: C(n, r) r F^r w^(r-1) for r of n detectors (chance coincidences of Poisson processes)"


def accidental_rate(detectors: int, seen: int, rate_hz: float, window_s: float) -> float:
    """Rate, Hz, at which ``seen`` of so many independent detectors fire by chance within a window of the first.

    C(n, r) r F^r w^(r-1), the textbook rate of chance coincidences for F w << 1: each of the n detectors fires first at
    the rate F, and each set of r - 1 others follows within w with probability (F w)^(r-1).

    Parameters
    ----------
    detectors, seen
        n >= r >= 1.
    rate_hz
        False alarms of each detector, Hz.
    window_s
        After the first, seconds.

    Raises
    ------
    ValueError
        More are seen than there are, or a number is out of range.
    """
    if not (1 <= seen <= detectors and 0 <= rate_hz < math.inf and 0 <= window_s < math.inf):
        raise ValueError(
            f"{seen} of {detectors} detectors at {rate_hz} Hz in {window_s} s: give 1 <= seen <= detectors"
        )
    return math.comb(detectors, seen) * seen * rate_hz**seen * window_s ** (seen - 1)


class Within(NamedTuple):
    """The living threads of a group: the anchor, then one thread of each other detector by time; the keys of all."""

    anchor: Facts
    others: tuple[Facts, ...]
    keys: frozenset[ThreadKey]


class Detectors:
    """One rule over the threads known.

    Parameters
    ----------
    rule, number
        The rule and its place among the engine's rules of this kind.
    scene
        What is known.
    """

    def __init__(self, rule: MultiplicityRule, number: int, scene: Scene) -> None:
        self._rule = rule
        self._role = Role("detector", number)
        self._scene = scene
        self._found: dict[ThreadKey, Within | None] = {}
        self._said: dict[ThreadKey, list[tuple[str, int]]] = {}
        self._met: dict[ThreadKey, dict[ThreadKey, int]] = {}

    def concerned(self, key: ThreadKey) -> set[ThreadKey]:
        """Anchor threads whose record this thread may change: two windows to either side of any of its versions."""
        reach = 2 * self._rule.window_us
        return {k for start in self._starts(key) for k in self._near(key, start - reach, start + reach)}

    def record(self, key: ThreadKey) -> Coincidence | None:
        """What is published of the anchor thread; None where no other detector ever came within the window after it."""
        once = self._once(key)
        if not once:
            return None
        anchor = self._scene.view.facts(key)
        group = self._group(key)
        living = group.others if group is not None else ()
        above = self._above(key) if living else None
        if above is not None:
            score = _no_number(f"superseded by {self._id(above)}, whose group holds this one")
        elif living:
            score = self._score(1 + len(living))
        elif anchor.retraction is not None:
            score = _no_number(f"no number: the anchor was retracted by {anchor.retraction.facility}")
        else:
            score = _no_number("no number: no other detector is left within the window")
        others = living or (self._scene.view.facts(min((start, k) for k, start in once.items())[1]),)
        start = self._starts(key)[-1] if anchor.span is None else anchor.span[0]
        pairs = [self._pair(start, other, once[other.key], score) for other in others]
        updated = any(facts.statements > 1 for facts in (anchor, *others))
        active: State = "revised" if updated else "active"
        return Coincidence(
            coincidence_id=self._id(key),
            state=active if living and above is None else "retracted",
            supersedes=self._below(group) if group is not None and living and above is None else (),
            rule=self._rule.name,
            rule_source=self._rule.source,
            anchor=member(anchor, key.thread_id, (key,), (start, start)),
            reality=key.reality,
            run_mode=key.run_mode,
            partner=pairs[0].partner,
            dt_s=pairs[0].dt_s,
            significance=score,
            others=tuple(pairs[1:]),
            issued_time=issued_time(alert for facts in (anchor, *others) for alert in facts.used),
        )

    def _id(self, key: ThreadKey) -> str:
        return ids.coincidence_id(self._rule.name, key.name)

    def _stated(self, key: ThreadKey) -> list[tuple[str, int]]:
        """Detector and time of every version in this role, microseconds."""
        if key not in self._said:
            thread = self._scene.view.thread(key)
            self._said[key] = [
                (self._rule.detector_of(alert), span[0])
                for alert in (() if thread is None else thread.versions)
                if alert.kind != "retraction" and self._rule.takes(alert) and (span := span_of(alert)) is not None
            ]
        return self._said[key]

    def _starts(self, key: ThreadKey) -> list[int]:
        return [start for _, start in self._stated(key)]

    def _near(self, key: ThreadKey, low_us: int, high_us: int) -> tuple[ThreadKey, ...]:
        return self._scene.view.touching(self._role, key.scope, low_us, high_us)

    def _once(self, key: ThreadKey) -> dict[ThreadKey, int]:
        """Threads that by any versions of both were in the anchor's group, with the time of the first that was."""
        if key in self._met:
            return self._met[key]
        found: dict[ThreadKey, int] = {}
        for detector, start in self._stated(key):
            for other in self._near(key, start, start + self._rule.window_us):
                met = [s for d, s in self._stated(other) if d != detector and self._follows((start, key), (s, other))]
                if met:
                    found[other] = min(*met, found.get(other, met[0]))
        self._met[key] = found
        return found

    def _follows(self, anchor: tuple[int, ThreadKey], other: tuple[int, ThreadKey]) -> bool:
        return anchor < other and other[0] - anchor[0] <= self._rule.window_us

    def _alive(self, key: ThreadKey) -> Facts | None:
        facts = self._scene.view.facts(key)
        alive = facts.main is not None and facts.span is not None and facts.retraction is None
        return facts if alive and facts.main is not None and self._rule.takes(facts.main) else None

    def _group(self, key: ThreadKey) -> Within | None:
        """The living group of a thread, maybe of itself alone; None where the thread is dead."""
        if key not in self._found:
            self._found[key] = self._grouped(key)
        return self._found[key]

    def _grouped(self, key: ThreadKey) -> Within | None:
        anchor = self._alive(key)
        if anchor is None or anchor.main is None or anchor.span is None:
            return None
        alive = [facts for k in self._once(key) if (facts := self._alive(k)) is not None and facts.span is not None]
        seen = {self._rule.detector_of(anchor.main)}
        others = []
        for facts in sorted(alive, key=_order):
            detector = "" if facts.main is None else self._rule.detector_of(facts.main)
            if detector not in seen and self._follows(_order(anchor), _order(facts)):
                seen.add(detector)
                others.append(facts)
        return Within(anchor, tuple(others), frozenset(each.key for each in (anchor, *others)))

    def _above(self, key: ThreadKey) -> ThreadKey | None:
        """The earliest thread whose group holds all of this thread's group."""
        group = self._group(key)
        if group is None:
            return None
        start = _order(group.anchor)[0]
        near = [self._group(k) for k in self._near(key, start - self._rule.window_us, start) if k != key]
        holding = [each for each in near if each is not None and group.keys < each.keys]
        return min((_order(each.anchor)[1] for each in holding), key=self._start_of, default=None)

    def _start_of(self, key: ThreadKey) -> tuple[int, ThreadKey]:
        return _order(self._scene.view.facts(key))

    def _below(self, group: Within) -> tuple[str, ...]:
        """Records of later threads whose groups this one holds."""
        held = [
            facts.key
            for facts in group.others
            if self._once(facts.key) and (inner := self._group(facts.key)) is not None and inner.keys < group.keys
        ]
        return tuple(sorted(self._id(key) for key in held))

    def _pair(self, start: int, other: Facts, once_us: int, score: Significance) -> Pair:
        time = once_us if other.span is None else other.span[0]
        partner = member(other, *self._scene.event_of(other.key), (time, time))
        return Pair(partner=partner, dt_s=(time - start) / 1e6, significance=score)

    def _score(self, seen: int) -> Significance:
        rule = self._rule
        if seen > rule.detectors:
            return _no_number(f"no number: {seen} detectors saw it, the rule counts {rule.detectors}")
        rate = accidental_rate(rule.detectors, seen, rule.rate_hz, rule.window_us / 1e6)
        by_chance = math.comb(rule.detectors - 1, seen - 1) * (rule.rate_hz * rule.window_us / 1e6) ** (seen - 1)
        return Significance(
            null="noise_pair",
            method=METHOD,
            far_budget_hz=rule.far_budget_hz,
            expected_by_chance=by_chance,
            expected_in_time=by_chance,
            rate_hz=rate,
            joint_far_hz=rate,
            partner_rate_hz=rule.rate_hz,
            rate_source=f"cited: {rule.rate_source}",
            far_budget_total_hz=self._scene.far_budget_total_hz,
            tried=(rule.name,),
            null_reason="each detector is taken as noise at its published rate",
        )


def _order(facts: Facts) -> tuple[int, ThreadKey]:
    return (0 if facts.span is None else facts.span[0]), facts.key


def _no_number(why: str) -> Significance:
    return Significance(null="noise_pair", method=METHOD, validity=why)
