"""Reads rules from TOML, strictly: a wrong key or value is an error that names the rule and the key."""

import math
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, Final, get_args

from nuncius.broker.matching.rules import (
    BURST_CLASSES,
    CandidateRule,
    EventRule,
    Method,
    MultiplicityRule,
    Rule,
    Selector,
)
from nuncius.broker.matching.statistics import YEAR_S
from nuncius.schemas.errors import SettingsError
from nuncius.schemas.vocabulary import Band, Messenger

_DAY_US: Final = 86_400_000_000
_MOST_MEASURE_DAYS: Final = 366.0
"""The engine keeps every event of a measured partner for so long."""
_MOST_DAYS: Final = 3660.0
"""Windows reach no farther, ten years: events and candidates are kept for as long."""

DEFAULT_BUDGET_HZ: Final = 1 / (10 * YEAR_S)
"""What a rule gets that states no budget: less than any cited one, so that it cannot carry the total."""

DEFAULT_BUDGET_SOURCE: Final = "our own share: once in ten years, as the rule states none"
_COMMON: Final = ("kind", "enabled", "source", "anchor")
_KEYS: Final = {
    "events": (
        *_COMMON,
        "partner",
        "window_s",
        "method",
        "max_separation_r90",
        "partner_rate_per_year",
        "rate_source",
        "measure_days",
        "real_rate_per_year",
        "real_rate_source",
        "real_rate_classes",
        "anchor_far_max_hz",
        "partner_far_max_hz",
        "far_budget_hz",
        "far_budget_source",
    ),
    "candidates": (
        *_COMMON,
        "window_days",
        "control_days",
        "max_credible_level",
        "cap",
        "min_score",
        "max_star_score",
    ),
    "multiplicity": (
        *_COMMON[:-1],
        "select",
        "window_s",
        "detectors",
        "detectors_source",
        "rate_per_year",
        "rate_source",
        "same_detector",
        "networks",
        "far_budget_hz",
        "far_budget_source",
    ),
}
"""What a rule of each kind may say: looked at first, so that a misspelt key is named and not the one it stands for."""

_SELECTOR_KEYS: Final = ("messengers", "bands", "event_classes", "facilities", "instruments")
_CLOSED: Final = {"messengers": get_args(Messenger), "bands": get_args(Band)}


def shipped_text() -> str:
    """The rules that Nuncius ships, as TOML."""
    return files("nuncius.broker.matching").joinpath("rules.toml").read_text(encoding="utf-8")


def shipped_rules() -> tuple[Rule, ...]:
    """The rules that Nuncius ships, in the order of the file."""
    return load_rules(shipped_text())


def load_rules(*texts: str) -> tuple[Rule, ...]:
    """Rules of one or more TOML texts, in order of first appearance.

    A later text that names a rule of an earlier one changes the keys it gives and keeps the others. A rule without
    ``source`` comes out disabled.

    Raises
    ------
    SettingsError
        If a text is not TOML or a rule has a missing, unknown or impossible value; the message names rule and key.
    """
    merged: dict[str, dict[str, Any]] = {}
    for text in texts:
        for name, entry in _entries(text).items():
            merged[name] = {**merged.get(name, {}), **entry}
    return tuple(_rule(_Entry(name, entry)) for name, entry in merged.items())


def _entries(text: str) -> dict[str, dict[str, Any]]:
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"rules: not TOML: {error}") from error
    tables = document.pop("rule", [])
    if document:
        raise SettingsError(f"rules: unknown table {min(document)!r}: every rule is a [[rule]]")
    if not (isinstance(tables, list) and all(isinstance(table, dict) for table in tables)):
        raise SettingsError("rules: 'rule' must be written as [[rule]]")
    found: dict[str, dict[str, Any]] = {}
    for number, table in enumerate(tables, 1):
        name = table.get("name")
        if not (isinstance(name, str) and name):
            raise SettingsError(f"rule number {number}: key 'name': give the rule a name")
        if name in found:
            raise SettingsError(f"rule {name!r}: key 'name': used twice in one file")
        found[name] = table
    return found


def _rule(entry: "_Entry") -> Rule:
    kind = entry.word("kind", tuple(_KEYS))
    entry.only(_KEYS[kind])
    make: Mapping[str, Callable[[_Entry], Rule]] = {
        "events": _event_rule,
        "candidates": _candidate_rule,
        "multiplicity": _multiplicity_rule,
    }
    rule = make[kind](entry)
    entry.done()
    return rule


def _event_rule(entry: "_Entry") -> EventRule:
    low, high = entry.window("window_s")
    anchor = entry.selector("anchor")
    if "photon" in (anchor.messengers or ("photon",)) and (
        not anchor.event_classes or not BURST_CLASSES.isdisjoint(anchor.event_classes)
    ):
        raise entry.wrong(
            "anchor",
            "may not take gamma-ray bursts, whose event id changes as instruments report: make them the partner",
        )
    source = entry.text("source")
    budget_hz, budget_source = _budget(entry)
    rule = EventRule(
        name=entry.name,
        enabled=entry.flag("enabled", default=True) and bool(source),
        source=source,
        anchor=anchor,
        partner=entry.selector("partner"),
        low_us=round(low * 1e6),
        high_us=round(high * 1e6),
        method=entry.word("method", get_args(Method), "untargeted"),
        max_separation_r90=entry.number("max_separation_r90"),
        partner_rate_hz=_per_year(entry.number("partner_rate_per_year")),
        rate_source=entry.text("rate_source"),
        measure_us=_measure_us(entry),
        real_rate_hz=_per_year(entry.number("real_rate_per_year")),
        real_rate_source=entry.text("real_rate_source"),
        real_rate_classes=entry.words("real_rate_classes"),
        anchor_far_max_hz=entry.number("anchor_far_max_hz"),
        partner_far_max_hz=entry.number("partner_far_max_hz"),
        far_budget_hz=budget_hz,
        far_budget_source=budget_source,
    )
    for key, value, origin in (
        ("rate_source", rule.partner_rate_hz, rule.rate_source),
        ("real_rate_source", rule.real_rate_hz, rule.real_rate_source),
    ):
        if value is not None and not origin:
            raise entry.wrong(key, "a rate needs its source")
    if rule.method == "targeted" and (rule.anchor_far_max_hz is None or rule.partner_far_max_hz is None):
        raise entry.wrong("method", "targeted needs anchor_far_max_hz and partner_far_max_hz")
    if rule.method == "targeted" and (rule.measure_us is not None or rule.partner_rate_hz is not None):
        key = "partner_rate_per_year" if rule.measure_us is None else "measure_days"
        raise entry.wrong(key, "targeted takes the partner's own false-alarm rate: leave it out")
    return rule


def _measure_us(entry: "_Entry") -> int | None:
    days = entry.number("measure_days")
    if days is None:
        return None
    if not 0 < days <= _MOST_MEASURE_DAYS:
        raise entry.wrong("measure_days", f"must lie in (0, {_MOST_MEASURE_DAYS:g}]")
    return round(days * _DAY_US)


def _budget(entry: "_Entry") -> tuple[float, str]:
    """The rule's budget, Hz, and its source."""
    budget, source = entry.number("far_budget_hz"), entry.text("far_budget_source")
    if budget is None and source:
        raise entry.wrong("far_budget_source", "there is no far_budget_hz that it is the source of")
    if budget is None:
        return DEFAULT_BUDGET_HZ, DEFAULT_BUDGET_SOURCE
    if not source:
        raise entry.wrong("far_budget_source", "a budget needs its source")
    return budget, source


def _candidate_rule(entry: "_Entry") -> CandidateRule:
    low, high = entry.window("window_days", 86400.0)
    if low < 0:
        raise entry.wrong("window_days", "starts before the event, where the control window lies")
    level = entry.number("max_credible_level", 0.95)
    if level is None or not 0 < level <= 1:
        raise entry.wrong("max_credible_level", "must lie in (0, 1]")
    control_days = entry.number("control_days", 0.0) or 0.0
    if control_days > _MOST_DAYS:
        raise entry.wrong("control_days", f"reaches farther than {_MOST_DAYS:g} days")
    cap = entry.number("cap")
    if cap is None or cap < 1 or cap != int(cap):
        raise entry.wrong("cap", "a rule on candidates needs a whole number >= 1")
    source = entry.text("source")
    return CandidateRule(
        name=entry.name,
        enabled=entry.flag("enabled", default=True) and bool(source),
        source=source,
        anchor=entry.selector("anchor"),
        low_us=round(low * _DAY_US),
        high_us=round(high * _DAY_US),
        control_us=round(control_days * _DAY_US),
        max_credible_level=level,
        cap=int(cap),
        min_score=entry.number("min_score"),
        max_star_score=entry.number("max_star_score"),
    )


def _multiplicity_rule(entry: "_Entry") -> MultiplicityRule:
    low, high = entry.window("window_s")
    if low != 0:
        raise entry.wrong("window_s", "starts with the first detector: write [0, seconds]")
    detectors = entry.number("detectors")
    if detectors is None or detectors < 2 or detectors != int(detectors):
        raise entry.wrong("detectors", "needs a whole number >= 2")
    rate = _per_year(entry.number("rate_per_year"))
    if rate is None:
        raise entry.wrong("rate_per_year", "needs the false alarms of one detector a year")
    pairs = [
        (other.strip(), name.strip())
        for word in entry.words("same_detector")
        for other, _, name in [word.partition("=")]
    ]
    if not all(other and name for other, name in pairs):
        raise entry.wrong("same_detector", "must be a list of 'other name = name'")
    source = entry.text("source")
    budget_hz, budget_source = _budget(entry)
    rule = MultiplicityRule(
        name=entry.name,
        enabled=entry.flag("enabled", default=True) and bool(source),
        source=source,
        select=entry.selector("select"),
        window_us=round(high * 1e6),
        detectors=int(detectors),
        detectors_source=entry.text("detectors_source"),
        rate_hz=rate,
        rate_source=entry.text("rate_source"),
        same_detector=tuple(pairs),
        networks=entry.words("networks"),
        far_budget_hz=budget_hz,
        far_budget_source=budget_source,
    )
    for key, origin in (("rate_source", rule.rate_source), ("detectors_source", rule.detectors_source)):
        if not origin:
            raise entry.wrong(key, "a number needs its source")
    return rule


def _per_year(rate: float | None) -> float | None:
    return None if rate is None else rate / YEAR_S


def _finite(value: object) -> float | None:
    """A finite number as such; None for anything else, an integer that no double holds included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class _Entry:
    """One table, taken key by key, so that what is left over is an error."""

    def __init__(self, name: str, table: Mapping[str, Any]) -> None:
        self.name = name
        self._left = {key: value for key, value in table.items() if key != "name"}

    def wrong(self, key: str, why: str) -> SettingsError:
        return SettingsError(f"rule {self.name!r}: key {key!r}: {why}")

    def only(self, known: tuple[str, ...]) -> None:
        unknown = self._left.keys() - set(known)
        if unknown:
            key = min(unknown)
            near = get_close_matches(key, known, 1)
            raise self.wrong(key, "unknown key for this kind of rule" + (f"; is it {near[0]!r}?" if near else ""))

    def done(self) -> None:
        if self._left:
            raise self.wrong(min(self._left), "unknown key for this kind of rule")

    def text(self, key: str) -> str:
        value = self._left.pop(key, "")
        if not isinstance(value, str):
            raise self.wrong(key, f"must be text, not {value!r}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"must be true or false, not {value!r}")
        return value

    def word(self, key: str, allowed: tuple[Any, ...], default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if value not in allowed:
            raise self.wrong(key, f"must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def number(self, key: str, default: float | None = None) -> float | None:
        value = self._left.pop(key, default)
        if value is None:
            return None
        number = _finite(value)
        if number is None or number < 0:
            raise self.wrong(key, f"must be a finite number >= 0, not {str(value)[:40]}")
        return number

    def window(self, key: str, unit_s: float = 1.0) -> tuple[float, float]:
        value = self._left.pop(key, None)
        low, high = map(_finite, value) if isinstance(value, list) and len(value) == 2 else (None, None)
        if low is None or high is None or low > high:
            found = "missing: write" if value is None else f"{str(value)[:80]} is not"
            raise self.wrong(key, f"{found} [low, high] with low <= high")
        if max(-low, high) * unit_s > _MOST_DAYS * 86400:
            raise self.wrong(key, f"reaches farther than {_MOST_DAYS:g} days")
        return low, high

    def words(self, key: str) -> tuple[str, ...]:
        value = self._left.pop(key, [])
        if not (isinstance(value, list) and all(isinstance(v, str) and v for v in value)):
            raise self.wrong(key, f"must be a list of words, not {value!r}")
        return tuple(value)

    def selector(self, key: str) -> Selector:
        table = self._left.pop(key, None)
        if not (isinstance(table, dict) and table):
            raise self.wrong(key, "needs a table that selects something, as { messengers = [...] }")
        inner = _Entry(self.name, {f"{key}.{name}": value for name, value in table.items()})
        lists = {name: inner.words(f"{key}.{name}") for name in _SELECTOR_KEYS}
        inner.done()
        for name, allowed in _CLOSED.items():
            for word in lists[name]:
                if word not in allowed:
                    raise self.wrong(f"{key}.{name}", f"{word!r} is none of {', '.join(allowed)}")
        return Selector(**lists)
