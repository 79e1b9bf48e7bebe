"""The end of a replay or a demo: JSON Lines for scripts, tables for people."""

import sys

import orjson
from rich.console import Console
from rich.table import Table

from nuncius.broker.services.lines import chance
from nuncius.broker.services.outcome import Outcome
from nuncius.schemas import CandidateList, Coincidence


def print_outcome(found: Outcome, *, json: bool) -> None:
    """Print the final state on standard output."""
    if json:
        for row in found.as_json():
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_UTC_Z) + b"\n")
        sys.stdout.flush()
        return
    console = Console()
    if found.coincidences:
        console.print(_coincidences(found.coincidences))
    if found.lists:
        console.print(_lists(found.lists))
    if found.requests:
        console.print(_requests(found))
    if found.quarantined:
        console.print(_quarantine(found))
    console.print(_summary(found))


def _coincidences(values: tuple[Coincidence, ...]) -> Table:
    table = Table(title="Coincidences", title_justify="left")
    for name in ("rule", "state", "reality", "anchor", "partner", "dt [s]", "overlap", "level", "chance"):
        table.add_column(name)
    for value in sorted(values, key=lambda v: (v.rule, v.anchor.event_id)):
        table.add_row(
            value.rule,
            value.state,
            value.reality,
            value.anchor.event_id,
            " = ".join(value.partner.threads) + (f" (+{len(value.others)})" if value.others else ""),
            f"{value.dt_s:+.2f}",
            _short(value.overlap),
            _short(value.credible_level),
            f"{chance(value.significance)}\n{value.significance.null}"
            + ("" if value.significance.validity == "valid" else f"; {value.significance.validity}"),
        )
    return table


def _lists(values: tuple[CandidateList, ...]) -> Table:
    table = Table(title="Candidates, ranked", title_justify="left")
    for name in ("rule", "event", "state", "rank", "candidate", "RA", "Dec", "mag", "level", "passed", "by chance"):
        table.add_column(name)
    for value in values:
        for rank, row in enumerate(value.candidates[:5], 1):
            first = rank == 1
            table.add_row(
                value.rule if first else "",
                value.event_thread if first else "",
                value.state if first else "",
                str(rank),
                row.thread_id,
                f"{row.ra:.5f}",
                f"{row.dec:+.5f}",
                _short(row.mag),
                _short(row.credible_level),
                str(value.passed) if first else "",
                _short(value.expected_by_chance) if first else "",
            )
        if not value.candidates:
            table.add_row(value.rule, value.event_thread, value.state, *[""] * 6, "0", _short(value.expected_by_chance))
    return table


def _requests(found: Outcome) -> Table:
    became = {status.request_id: f"{status.state}: {status.detail}" for status in found.statuses}
    table = Table(title="ToO requests", title_justify="left")
    for name in ("policy", "facility", "state", "target", "RA", "Dec", "window (UTC)", "airmass", "what became of it"):
        table.add_column(name)
    for value in found.requests:
        window = ""
        if value.window_start is not None and value.window_stop is not None:
            window = f"{value.window_start:%Y-%m-%d %H:%M} to {value.window_stop:%H:%M}"
        table.add_row(
            value.policy,
            value.facility,
            value.state,
            value.target_name,
            f"{value.ra:.4f}",
            f"{value.dec:+.4f}",
            window,
            _short(value.airmass_min),
            became.get(value.request_id, ""),
        )
    return table


def _quarantine(found: Outcome) -> Table:
    shown = 20
    table = Table(title=f"Quarantined: {len(found.quarantined)}", title_justify="left")
    for name in ("source", "bytes", "reason", "what and where"):
        table.add_column(name)
    for value in found.quarantined[:shown]:
        table.add_row(value.source, str(value.nbytes), value.reason, value.detail)
    if len(found.quarantined) > shown:
        table.add_row("…", "", "", f"{len(found.quarantined) - shown} more; --json lists all")
    return table


def _summary(found: Outcome) -> Table:
    table = Table(title="Summary", title_justify="left", show_header=False)
    for name, value in found.tally.as_json().items():
        text = ", ".join(f"{k} {n}" for k, n in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name, text)
    return table


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
