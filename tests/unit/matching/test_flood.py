"""A flood of bursts that come one by one: how often two of them are compared."""

import pytest
from matching_alerts import NOW, cone, grb, gw

from nuncius.broker.matching import Associate, rejoining, shipped_rules
from nuncius.broker.matching.identity import Agree, Aliased, Rank, edge
from nuncius.broker.matching.threads import Facts


def compared(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Of so many bursts within a second, by four instruments, around a gravitational wave."""
    asked = []

    def counted(first: Facts, second: Facts, agree: Agree, aliased: Aliased) -> Rank | None:
        asked.append(first.key)
        return edge(first, second, agree, aliased)

    monkeypatch.setattr(rejoining, "edge", counted)
    engine = Associate(shipped_rules(), combine=None)
    engine.apply(engine.step((gw(localizations=cone(197.0, -23.0)),), (), {}, NOW).delta)
    for number in range(count):
        name = "ABCD"[number % 4]
        one = grb(f"{name}:{number}", seconds=1.0 + number / 128, facility=name, localizations=cone(197.0, -23.0))
        engine.apply(engine.step((one,), (), {}, NOW).delta)
    assert len(engine.bursts()) == count // 4
    return len(asked)


def test_twice_as_many_cost_four_times_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """To compare all with all at every step would be eight times as much."""
    assert 0 < compared(96, monkeypatch) < 5 * compared(48, monkeypatch)
