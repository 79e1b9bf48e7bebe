"""``nuncius rules``: what is looked for, at which rates, and how many false alarms that may cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nuncius.broker.cli.options import Config, Json, settings_of

if TYPE_CHECKING:
    from nuncius.broker.matching.rules import CandidateRule, EventRule, MultiplicityRule, Rule

Check = Annotated[
    Path | None,
    typer.Option("--check", metavar="FILE", help="Read this file of your own rules instead of the settings'."),
]


def rules(*, config: Config = None, check: Check = None, json: Json = False) -> None:
    """Every rule with its window, method, rate and budget; last the published total, the sum of the budgets.

    A wrong file is told by rule and key, with exit code 2.
    """
    import orjson

    from nuncius.broker.app import rules_of
    from nuncius.broker.matching.rules import total_far_budget_hz

    settings = settings_of(config)
    found = rules_of(settings if check is None else settings.model_copy(update={"rules": check}))
    total = total_far_budget_hz(found)
    for rule in found:
        row = _row(rule)
        typer.echo(orjson.dumps({"type": "rule", **row}) if json else _lines(row))
    if json:
        typer.echo(orjson.dumps({"type": "total", "rules": len(found), "far_budget_total_hz": total}))
    else:
        typer.echo(f"{len(found)} rules; published total {total:.3g} Hz, {_every(total)}")


def _row(rule: "Rule") -> dict[str, Any]:
    from nuncius.broker.matching.rules import CandidateRule, EventRule

    if isinstance(rule, EventRule):
        return _event_row(rule)
    return _candidate_row(rule) if isinstance(rule, CandidateRule) else _multiplicity_row(rule)


def _common(rule: "Rule", kind: str) -> dict[str, Any]:
    return {"name": rule.name, "kind": kind, "enabled": rule.enabled, "source": rule.source}


def _multiplicity_row(rule: "MultiplicityRule") -> dict[str, Any]:
    return {
        **_common(rule, "multiplicity"),
        "window_s": (0.0, rule.window_us / 1e6),
        "method": f"{rule.detectors} detectors",
        "partner_rate_hz": rule.rate_hz,
        "rate_source": f"cited: {rule.rate_source}",
        "far_budget_hz": rule.far_budget_hz,
        "far_budget_source": rule.far_budget_source,
    }


def _event_row(rule: "EventRule") -> dict[str, Any]:
    return {
        **_common(rule, "events"),
        "window_s": rule.window_s,
        "method": rule.method,
        "partner_rate_hz": rule.partner_rate_hz,
        "rate_source": _rate_source(rule),
        "far_budget_hz": rule.far_budget_hz,
        "far_budget_source": rule.far_budget_source,
    }


def _candidate_row(rule: "CandidateRule") -> dict[str, Any]:
    return {
        **_common(rule, "candidates"),
        "window_s": (rule.low_us / 1e6, rule.high_us / 1e6),
        "method": "ranked list",
        "partner_rate_hz": None,
        "rate_source": f"measured: the same cuts in the {rule.control_us / 86400e6:g} days before"
        if rule.control_us
        else "none",
        "far_budget_hz": None,
        "far_budget_source": "a list claims no coincidence: it states how many are expected by chance",
    }


def _rate_source(rule: "EventRule") -> str:
    if rule.method == "targeted":
        return "the partner's own false-alarm rate"
    if rule.partner_rate_hz is not None:
        return f"cited: {rule.rate_source}"
    if rule.measure_us is not None:
        return f"measured: in the {rule.measure_us / 86400e6:g} days before the anchor"
    return "none: no number is given"


def _lines(row: dict[str, Any]) -> str:
    from nuncius.broker.matching.statistics import YEAR_S

    low, high = row["window_s"]
    rate, budget = row["partner_rate_hz"], row["far_budget_hz"]
    said = [
        f"{row['name']:26} {row['method']:12} [{low:+g}, {high:+g}] s{'' if row['enabled'] else '  DISABLED'}",
        f"    window: {row['source'] or 'no source given: the rule stays disabled'}",
        f"    rate:   {'' if rate is None else f'{rate * YEAR_S:.3g} a year, '}{row['rate_source']}",
        f"    budget: {'' if budget is None else f'{budget:.3g} Hz, {_every(budget)}: '}{row['far_budget_source']}",
    ]
    return "\n".join(said)


def _every(far_hz: float) -> str:
    from nuncius.broker.matching.statistics import YEAR_S

    return "never" if far_hz == 0 else f"once in {1 / far_hz / YEAR_S:.3g} years"
