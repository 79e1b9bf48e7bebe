"""A calibration in words, and as rows for scripts."""

from typing import Final

from nuncius.broker.services.calibrating import PASS_P, Calibration, Result

_DAY_S: Final = 86400.0


def as_rows(one: Calibration) -> list[dict[str, object]]:
    """One row a rule and null; one with ``null`` None where no slide made a pair."""
    common = {
        "type": "calibration",
        "rule": one.rule,
        "anchors": one.anchors,
        "partners": one.partners,
        "slides": one.slides,
        "livetime_s": one.livetime_s,
        "pairs": one.pairs,
        "unstated": one.unstated,
        "passed": one.passed,
        "note": one.note,
    }
    if not one.results:
        return [{**common, "null": None}]
    return [
        {
            **common,
            "null": result.null,
            "side": result.verdict.side,
            "p_value": result.verdict.p_value,
            "observed": result.verdict.observed,
            "expected": result.verdict.expected,
            "complete_hz": result.verdict.complete_hz,
            "floor_hz": result.verdict.floor_hz,
            "overlap_mean": None if result.overlaps is None else result.overlaps.mean,
            "overlap_error": None if result.overlaps is None else result.overlaps.error,
            "overlap_p_value": None if result.overlaps is None else result.overlaps.p_value,
        }
        for result in one.results
    ]


def as_text(one: Calibration) -> str:
    """A few lines for a person."""
    lines = [
        f"{one.rule}: {one.anchors} anchors, {one.partners} partners (threads), {one.slides} slides, "
        f"livetime {one.livetime_s / _DAY_S:.6g} days; {one.pairs} chance pairs"
        + (f", {one.unstated} more state no rate" if one.unstated else "")
    ]
    if one.note:
        lines.append(f"  {one.note}")
    for result in one.results:
        lines += _result(result)
    return "\n".join(lines)


def _result(result: Result) -> list[str]:
    verdict = result.verdict
    wanted = "at most " if verdict.side == "not_above" else ""
    counts = (
        f"{verdict.observed} pairs state at most {verdict.complete_hz:.3g} Hz, {wanted}{verdict.expected:.4g} expected"
    )
    said = [f"  {result.null}: {counts}; global {_p(verdict.p_value)}; floor {verdict.floor_hz:.3g} Hz"]
    if result.overlaps is not None:
        mean = result.overlaps
        said.append(f"  mean overlap {mean.mean:.3g} ± {mean.error:.2g}, 1 expected: {_p(mean.p_value)}")
    return said


def _p(value: float | None) -> str:
    if value is None:
        return "too few pairs to test"
    return f"p = {value:.3g}, {'passed' if value >= PASS_P else 'FAILED'}"
