"""The end of a replay or a demo: JSON Lines for scripts, tables for people."""

import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import orjson
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from nuncius.broker.services.lines import cleaned, disputes, in_words
from nuncius.broker.services.outcome import Outcome
from nuncius.schemas import CandidateList, Coincidence, ToORequest, ToOStatus

_WIDTH: Final = 100
"""Columns where no terminal and no $COLUMNS tells."""

_SHOWN: Final = 12
_STATES: Final = {"proposed": 0, "cancelled": 1}
"""Requests of these states first."""
_BEST: Final = 5
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)

Names = Mapping[str, str]


def print_outcome(found: Outcome, *, json: bool, names: Names | None = None) -> None:
    """Print the final state on standard output; ``names`` are what people call threads."""
    if json:
        for row in found.as_json():
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_UTC_Z) + b"\n")
        sys.stdout.flush()
        return
    console = Console(highlight=False, markup=False, emoji=False)
    report = Group(*_report(cleaned(found), names or {}))
    if console.is_terminal:
        console.print(report)
        return
    text = io.StringIO()
    width = int(columns) if (columns := os.environ.get("COLUMNS", "")).isdecimal() else _WIDTH
    Console(file=text, width=width, highlight=False, markup=False, emoji=False).print(report)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))
    sys.stdout.flush()


def _report(found: Outcome, names: Names) -> Iterable[RenderableType]:
    coincidences = sorted(found.coincidences, key=lambda v: (v.rule, v.anchor.event_id))
    requests = sorted(found.requests, key=lambda v: (v.issued_time or _EARLIEST, v.request_id))
    yield from _coincidences(coincidences, names)
    for value in found.lists:
        yield from _candidates(value, names)
    yield from _requests(requests, found.statuses, names)
    yield from _quarantine(found)
    yield from _summary(found)


def _coincidences(values: Sequence[Coincidence], names: Names) -> Iterable[RenderableType]:
    yield _title("Coincidences", values)
    if not values:
        return
    table = _table("", "rule and events", "state", "dt [s]", "overlap", "level", "null: chance")
    for number, value in enumerate(values, 1):
        more = f"\nand {len(value.others)} more" if value.others else ""
        score = value.significance
        rate = score.joint_far_hz if score.null == "noise_pair" else score.expected_by_chance
        unit = " Hz" if score.null == "noise_pair" else ""
        table.add_row(
            str(number),
            f"{value.rule}\n{value.anchor.event_id}\n{' = '.join(value.partner.threads)}{more}",
            f"{value.state}\n{value.reality}",
            f"{value.dt_s:+.2f}",
            _short(value.overlap),
            _short(value.credible_level),
            f"{score.null}\n" + ("no number" if rate is None else f"{rate:.2e}{unit}"),
        )
    yield table
    yield Text()
    for number, value in enumerate(values, 1):
        pair = f"{_name(value.anchor.event_id, names)} and {_name(value.partner.event_id, names)}"
        told = "; ".join(filter(None, (in_words(value.significance), disputes(value))))
        yield _item(str(number), f"{pair}: {told}.")
    yield _note(
        "dt: partner minus anchor. overlap: 1 where the positions say nothing, more where they agree. level: credible "
        "level of the anchor's map at a partner that is a point. active: as first found; revised: more than one notice "
        "of a member counts; retracted: a member was taken back. Tests and injections are matched among themselves."
    )


def _candidates(value: CandidateList, names: Names) -> Iterable[RenderableType]:
    chance = "no number" if value.expected_by_chance is None else f"{value.expected_by_chance:.3g}"
    if value.expected_low is not None and value.expected_high is not None:
        chance += f" ({value.expected_low:.2g} to {value.expected_high:.2g})"
    event = _name(value.event_thread, names)
    yield Text(f"\nCandidates of {event}, {value.rule} ({value.state})", style="bold")
    yield Text(f"{value.passed} passed the cuts, {chance} expected by chance: {value.expected_method}", style="dim")
    if value.doubt:
        yield Text(f"IN DOUBT: {value.doubt}", style="bold")
    if not value.candidates:
        return
    table = _table("", "best first", "RA", "Dec", "mag", "level", "first seen (UTC)")
    best = value.candidates[:_BEST]
    for rank, row in enumerate(best, 1):
        place = [f"{row.ra:.4f}", f"{row.dec:+.4f}", _short(row.mag), _short(row.credible_level)]
        table.add_row(str(rank), row.thread_id, *place, f"{row.first_time:%Y-%m-%d %H:%M}")
    yield table
    for rank, row in enumerate(best, 1):
        if row.thread_id in names:
            yield _item(str(rank), f"is {names[row.thread_id]}.")


def _requests(values: Sequence[ToORequest], statuses: Sequence[ToOStatus], names: Names) -> Iterable[RenderableType]:
    if not values:
        return
    yield _title("ToO requests", values)
    table = _table("", "state", "request")
    became = {status.request_id: status.detail.partition(":")[0] for status in statuses}
    ranked = sorted(values, key=lambda value: _STATES.get(value.state, len(_STATES)))
    for number, value in enumerate(ranked[:_SHOWN], 1):
        lines = [f"{value.policy} asks {value.facility} for {_name(value.target_name, names)}"]
        if value.state == "proposed":
            lines.append(_where(value))
        lines.append(f"because {value.reason}" if value.state == "proposed" else value.reason)
        lines += [became[value.request_id]] if value.request_id in became else []
        table.add_row(str(number), value.state, "\n".join(lines))
    yield table
    if len(values) > _SHOWN:
        yield _note(f"{len(values) - _SHOWN} more; --json lists all.")
    yield _note(
        "proposed: wanted, and can be observed. rejected: the policy looked at it and does not want it. cancelled: "
        "was wanted until its cause was taken back. A window is told whole, also where it has begun."
    )


def _where(value: ToORequest) -> str:
    area = f", 90 % within {value.radius_deg:.3g} deg" if value.radius_deg else ""
    how = f"airmass {_short(value.airmass_min)} at best, {value.exposure_s:g} s {value.filter}".rstrip()
    return f"RA {value.ra:.3f} Dec {value.dec:+.3f}{area}; {how}"


def _quarantine(found: Outcome) -> Iterable[RenderableType]:
    if not found.quarantined:
        return
    yield Text(f"\nQuarantined: {len(found.quarantined)}", style="bold")
    table = _table("source", "bytes", "reason", "what is wrong, and where")
    for value in found.quarantined[:_SHOWN]:
        table.add_row(value.source, str(value.nbytes), value.reason, value.detail)
    yield table
    if len(found.quarantined) > _SHOWN:
        yield _note(f"{len(found.quarantined) - _SHOWN} more; --json lists all.")


def _summary(found: Outcome) -> Iterable[RenderableType]:
    tally = found.tally.as_json()
    fates = ("alerts", "non_alerts", "duplicates", "quarantined")
    sums = " + ".join(f"{tally[name]} {name.replace('_', '-')}" for name in fates)
    yield Text("\nSummary", style="bold")
    yield Text(f"{tally['packets']} packets in {tally['files']} files = {sums}")
    for name, value in tally.items():
        if isinstance(value, dict) and value:
            yield Text(f"{name.replace('_', ' ')}: {', '.join(f'{k} {n}' for k, n in value.items())}")


def _title(what: str, values: Sequence[Coincidence] | Sequence[ToORequest]) -> Text:
    states = Counter(value.state for value in values)
    counts = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    return Text(f"\n{what}: {len(values)}" + (f" ({counts})" if values else ""), style="bold")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="underline")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _item(mark: str, text: str) -> RenderableType:
    row = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    row.add_row(mark, text)
    return row


def _note(text: str) -> RenderableType:
    return Padding(Text(text, style="dim"), (0, 0, 0, 3))


def _name(thread: str, names: Names) -> str:
    return f"{names[thread]} ({thread})" if thread in names else thread


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
