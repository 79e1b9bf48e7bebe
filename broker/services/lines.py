"""Records as one line, and significances as one sentence, that a person can read."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nuncius.schemas import (
    Alert,
    CandidateList,
    Coincidence,
    Quarantined,
    Significance,
    StreamRow,
    ToORequest,
    ToOStatus,
)

if TYPE_CHECKING:
    from nuncius.filters.hits import Hit

T = TypeVar("T")

_YEAR_S: Final = 365 * 86400.0
_NO_NUMBER: Final = "no number"


def printable(text: str) -> str:
    """The text with what a terminal would obey or hide, line ends too, as escapes: senders choose ids and labels."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cleaned(value: T) -> T:
    """The record with every text in it `printable`."""
    plain: Any = value
    if isinstance(plain, str):
        plain = printable(plain)
    elif isinstance(plain, tuple):
        plain = tuple(map(cleaned, plain))
    elif is_dataclass(plain) and not isinstance(plain, type):
        plain = replace(plain, **{field.name: cleaned(getattr(plain, field.name)) for field in fields(plain)})
    found: T = plain
    return found


def as_text(value: object) -> str:
    """One line for any record of the output topics, fit for a terminal."""
    return printable(_as_text(value))


def _as_text(value: object) -> str:
    match value:
        case Coincidence():
            return _coincidence(value)
        case CandidateList():
            chance = value.expected_by_chance
            expected = "" if chance is None else f", {chance:.3g} expected by chance"
            doubt = f"; IN DOUBT: {value.doubt}" if value.doubt else ""
            return f"candidates {_news(value)} {value.rule}: {value.event_thread} has {value.passed}{expected}{doubt}"
        case Alert():
            when = "no time" if value.time_start is None else f"{value.time_start:%Y-%m-%d %H:%M:%S}"
            return f"alert {value.facility} {value.event_class} {value.kind} ({value.reality}) {value.thread_id} {when}"
        case ToORequest():
            return f"too {value.state} {value.policy} ({value.reality}): {value.target_name}: {value.reason}"
        case ToOStatus():
            return f"too-status {value.state} {value.facility} through {value.adapter}: {value.detail}"
        case Quarantined():
            return f"quarantine {value.source} ({value.nbytes} bytes): {value.reason}: {value.detail}"
        case StreamRow():
            return _stream_row(value)
        case _:
            return str(value)


def _stream_row(row: StreamRow) -> str:
    what = f"stream {row.stream} revision {row.revision}"
    if row.kind != "row":
        return f"{what}: {row.kind}{f': {row.detail}' if row.detail else ''}"
    place = "" if row.ra is None or row.dec is None else f" at {row.ra:.5f} {row.dec:+.5f}"
    when = "" if row.time is None else f" {row.time:%Y-%m-%d %H:%M:%S}"
    included = "".join(f", {name} {value}" for name, value in row.fields.items())
    return f"{what} #{row.sequence}: {row.thread_id}{place}{when}{included}"


def near(hits: "Sequence[Hit]") -> str:
    """The targets of watchlists that a record is near, as the end of its line; empty where there are none."""
    return "".join(f"; near {hit.target} ({_apart(hit.separation_arcsec)}, {hit.region})" for hit in hits)


def _apart(arcsec: float) -> str:
    return f"{arcsec:.3g} arcsec" if arcsec < 1000 else f"{arcsec / 3600:.3g} deg"


def chance(significance: Significance) -> str:
    """The number and its null in a few words."""
    if significance.null == "noise_pair":
        far = significance.joint_far_hz
        noise = "both noise" if _is_targeted(significance) else "anchor noise"
        return f"{_NO_NUMBER}, {noise}" if far is None else f"joint FAR {far:.2e} Hz, {noise}"
    expected = significance.expected_by_chance
    return f"{_NO_NUMBER}, both real" if expected is None else f"{expected:.2e} by chance, both real"


def in_words(significance: Significance) -> str:
    """Which question the number answers, with which rate, and what is missing."""
    number = significance.joint_far_hz if significance.null == "noise_pair" else significance.expected_by_chance
    if number is None:
        return f"{significance.null}: {significance.validity}"
    said = [_question(significance, number)]
    if significance.partner_rate_hz is not None:
        rate = f"partner rate {significance.partner_rate_hz * _YEAR_S:.3g} a year"
        said.append(f"{rate} ({significance.rate_source})" if significance.rate_source else rate)
    if significance.trials > 1:
        said.append(f"before trials: {significance.trials} rules were tried with the anchor")
    if significance.validity != "valid":
        said.append(significance.validity)
    return "; ".join(said)


def disputes(value: Coincidence) -> str:
    """Who took a member back without owning it, or owns it and said later that it stands; empty where nobody did."""
    members = (value.anchor, value.partner)
    said = [f"{who} retracts {m.event_id}, which it does not own: not obeyed" for m in members for who in m.disputed_by]
    all_members = (*members, *(pair.partner for pair in value.others))
    return "; ".join((*said, *(f"IN DOUBT, {m.event_id}: {m.doubt}" for m in all_members if m.doubt)))


def _question(significance: Significance, number: float) -> str:
    if significance.null == "noise_pair":
        every = f", once in {1 / number / _YEAR_S:.2g} years" if number > 0 else ""
        noise = "both are noise" if _is_targeted(significance) else "the anchor is noise and the partner unrelated"
        return f"noise_pair, if {noise}: such a pair at {number:.2e} Hz{every}"
    where = "in this window" if significance.expected_in_time == number else "in this window and region"
    return f"unrelated_real, if both are real: {number:.2e} unrelated partners expected {where}"


def _is_targeted(significance: Significance) -> bool:
    """Whether the partner, too, is a noise candidate: an untargeted partner's rate is that of real events."""
    return significance.method.startswith("targeted")


def _news(value: Coincidence | CandidateList) -> str:
    """``new`` for the first record of an id, else its state."""
    return "new" if value.revision == 1 and value.state != "retracted" else value.state


def _coincidence(value: Coincidence) -> str:
    sky = "" if value.overlap is None else f", overlap {value.overlap:.4g}"
    disputed = f"; {disputes(value)}" if disputes(value) else ""
    return (
        f"coincidence {_news(value)} {value.rule} ({value.reality}): {value.anchor.event_id} + "
        f"{value.partner.event_id}, {value.dt_s:+.2f} s{sky}; {chance(value.significance)}{disputed}"
    )
