"""The fields of a coincidence and of a candidate list, which share a topic."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, get_args

from nuncius.filters.fields import FieldInfo, Seen, age_s, attribute
from nuncius.schemas.coincidence import CandidateList, Coincidence
from nuncius.schemas.vocabulary import Null, Reality, RunMode, State


def _either(of_pair: str, of_list: str) -> Callable[[Seen], Any]:
    """One attribute of a coincidence, another of a candidate list; empty for none."""
    pair, ranked = attribute(of_pair or "_"), attribute(of_list or "_")
    return lambda seen: (ranked if isinstance(seen.record, CandidateList) else pair)(seen)


def _type(seen: Seen) -> str:
    return "candidate_list" if isinstance(seen.record, CandidateList) else "coincidence"


def _members(seen: Seen) -> int:
    record = seen.record
    return 1 + len(record.candidates) if isinstance(record, CandidateList) else 2 + len(record.others)


def _best(name: str) -> Callable[[Seen], Any]:
    def read(seen: Seen) -> Any:
        ranked = getattr(seen.record, "candidates", ())
        return getattr(ranked[0], name) if ranked else None

    return read


def _time(seen: Seen) -> datetime | None:
    record = seen.record
    return record.anchor.time if isinstance(record, Coincidence) else None


def _has_map(seen: Seen) -> bool:
    return getattr(seen.record, "combined_map", None) is not None


_CHANCE: Final = _either("significance.expected_by_chance", "expected_by_chance")

COINCIDENCE_FIELDS: Final = (
    FieldInfo("type", "text", "", "Which of the two", _type, ("coincidence", "candidate_list")),
    FieldInfo("id", "text", "", "Coincidence or list id", _either("coincidence_id", "list_id")),
    FieldInfo("revision", "number", "", "Count of changes", attribute("revision")),
    FieldInfo("state", "text", "", "Whether it holds", attribute("state"), get_args(State)),
    FieldInfo("rule", "text", "", "Name of the rule", attribute("rule")),
    FieldInfo("reality", "text", "", "Of the least real member", attribute("reality"), get_args(Reality)),
    FieldInfo("run_mode", "text", "", "Of the members", attribute("run_mode"), get_args(RunMode)),
    FieldInfo(
        "anchor",
        "text",
        "",
        "Event id of the anchor, or thread of the list",
        _either("anchor.event_id", "event_thread"),
    ),
    FieldInfo("partner", "text", "", "Event id of the best partner", _either("partner.event_id", "")),
    FieldInfo("anchor_facility", "text", "", "Who saw the anchor", _either("anchor.facility", "")),
    FieldInfo("partner_facility", "text", "", "Who saw the partner", _either("partner.facility", "")),
    FieldInfo("anchor_class", "text", "", "Event class of the anchor", _either("anchor.event_class", "")),
    FieldInfo("partner_class", "text", "", "Event class of the partner", _either("partner.event_class", "")),
    FieldInfo("members", "number", "", "Events, or the event and its listed candidates", _members),
    FieldInfo("time", "time", "UTC", "Of the anchor", _time),
    FieldInfo("dt_s", "number", "s", "Partner time minus anchor time", _either("dt_s", "")),
    FieldInfo("overlap", "number", "", "Overlap integral", _either("overlap", "")),
    FieldInfo(
        "credible_level",
        "number",
        "",
        "Of the anchor at the partner, or at the best candidate",
        _either("credible_level", ""),
    ),
    FieldInfo("separation_deg", "number", "deg", "Between best positions", _either("separation_deg", "")),
    FieldInfo(
        "null_kind", "text", "", "Which question the numbers answer", _either("significance.null", ""), get_args(Null)
    ),
    FieldInfo("method", "text", "", "How the chance was found", _either("significance.method", "expected_method")),
    FieldInfo("chance", "number", "", "Expected number by chance", _CHANCE),
    FieldInfo(
        "rate_hz", "number", "Hz", "How often such a pair happens by chance", _either("significance.rate_hz", "")
    ),
    FieldInfo("joint_far_hz", "number", "Hz", "Joint false-alarm rate", _either("significance.joint_far_hz", "")),
    FieldInfo(
        "within_budget",
        "flag",
        "",
        "Whether the rate is at most the rule's budget",
        _either("significance.within_budget", ""),
    ),
    FieldInfo("trials", "number", "", "Rules tried with the anchor", _either("significance.trials", "")),
    FieldInfo(
        "validity", "text", "", "valid, or why the number must not be used", _either("significance.validity", "")
    ),
    FieldInfo("passed", "number", "", "Objects that passed the cuts of a list", _either("", "passed")),
    FieldInfo("ra", "number", "deg", "Of a list's best candidate, ICRS", _best("ra")),
    FieldInfo("dec", "number", "deg", "Of a list's best candidate, ICRS", _best("dec")),
    FieldInfo("has_map", "flag", "", "Whether there is a combined map", _has_map),
    FieldInfo("issued_time", "time", "UTC", "Latest issue time of the alerts used", attribute("issued_time")),
    age_s(_time),
)
"""In the order of the documentation."""
