"""What benches share: a place to leave their numbers. ``make bench JSON=1`` keeps them in build/bench.json."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Measured = Callable[..., None]


@pytest.fixture(scope="session")
def _numbers() -> Iterator[dict[str, dict[str, float]]]:
    kept: dict[str, dict[str, float]] = {}
    yield kept
    target = os.environ.get("NUNCIUS_BENCH_JSON")
    if target:
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


@pytest.fixture
def measured(request: pytest.FixtureRequest, _numbers: dict[str, dict[str, float]]) -> Measured:
    """Call it with numbers by name, the unit in the name: they are printed, and kept where JSON=1 asks for it."""

    def keep(**numbers: float) -> None:
        _numbers.setdefault(request.node.name, {}).update(numbers)
        print(request.node.name, *(f"{name}={value:.4g}" for name, value in numbers.items()))

    return keep
