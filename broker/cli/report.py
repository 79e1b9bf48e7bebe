"""The end of a replay or a demo: JSON Lines for scripts, tables for people."""

import sys
from collections.abc import Sequence

import orjson
from rich import box
from rich.console import Console
from rich.table import Table

from nuncius.broker.services.lines import chance
from nuncius.broker.services.outcome import Outcome
from nuncius.schemas import CandidateList, Coincidence, ToORequest

_WIDTH = 132
_SHOWN = 12
_BEST = 5


def print_outcome(found: Outcome, *, json: bool) -> None:
    """Print the final state on standard output."""
    if json:
        for row in found.as_json():
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_UTC_Z) + b"\n")
        sys.stdout.flush()
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    _coincidences(console, sorted(found.coincidences, key=lambda v: (v.rule, v.anchor.event_id)))
    _lists(console, found.lists)
    _requests(console, found)
    _quarantine(console, found)
    _summary(console, found)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _coincidences(console: Console, values: Sequence[Coincidence]) -> None:
    if not values:
        console.print("No coincidences.\n")
        return
    table = _table("Coincidences", "#", "rule", "state", "sky", "anchor", "partner", "dt [s]", "overlap", "level")
    for number, value in enumerate(values, 1):
        more = f" (+{len(value.others)} more)" if value.others else ""
        table.add_row(
            str(number),
            value.rule,
            value.state,
            value.reality,
            value.anchor.event_id,
            " = ".join(value.partner.threads) + more,
            f"{value.dt_s:+.2f}",
            _short(value.overlap),
            _short(value.credible_level),
        )
    console.print(table)
    for number, value in enumerate(values, 1):
        console.print(f"  {number}  {chance(value.significance)} ({value.significance.null}).")
        if value.significance.validity != "valid":
            console.print(f"     [dim]{value.significance.validity}[/]")
    console.print()


def _lists(console: Console, values: Sequence[CandidateList]) -> None:
    if not values:
        return
    table = _table(
        "Candidates, ranked", "event", "passed", "by chance", "rank", "candidate", "RA", "Dec", "mag", "level"
    )
    for value in values:
        head = [
            f"{value.event_thread} ({value.rule}, {value.state})",
            str(value.passed),
            _short(value.expected_by_chance),
        ]
        for rank, row in enumerate(value.candidates[:_BEST], 1):
            place = [f"{row.ra:.5f}", f"{row.dec:+.5f}", _short(row.mag), _short(row.credible_level)]
            table.add_row(*(head if rank == 1 else ["", "", ""]), str(rank), row.thread_id, *place)
        if not value.candidates:
            table.add_row(*head)
    console.print(table)


def _requests(console: Console, found: Outcome) -> None:
    if not found.requests:
        return
    table = _table("ToO requests", "#", "policy", "asked of", "state", "target", "RA", "Dec", "window (UTC)", "airmass")
    for number, value in enumerate(found.requests, 1):
        table.add_row(
            str(number),
            value.policy,
            value.facility,
            value.state,
            value.target_name,
            f"{value.ra:.3f}",
            f"{value.dec:+.3f}",
            _window(value),
            _short(value.airmass_min),
        )
    console.print(table)
    became = {status.request_id: status.detail for status in found.statuses}
    for number, value in enumerate(found.requests, 1):
        console.print(f"  {number}  {value.reason}")
        if value.request_id in became:
            console.print(f"     [dim]{became[value.request_id]}[/]")
    console.print()


def _window(value: ToORequest) -> str:
    if value.window_start is None or value.window_stop is None:
        return ""
    return f"{value.window_start:%Y-%m-%d %H:%M} to {value.window_stop:%H:%M}"


def _quarantine(console: Console, found: Outcome) -> None:
    if not found.quarantined:
        return
    table = _table(f"Quarantined: {len(found.quarantined)}", "source", "bytes", "reason", "what is wrong, and where")
    for value in found.quarantined[:_SHOWN]:
        table.add_row(value.source, str(value.nbytes), value.reason, value.detail)
    if len(found.quarantined) > _SHOWN:
        table.add_row("…", "", "", f"{len(found.quarantined) - _SHOWN} more; --json lists all")
    console.print(table)


def _summary(console: Console, found: Outcome) -> None:
    table = _table("Summary", "", "")
    table.show_header = False
    for name, value in found.tally.as_json().items():
        if value not in (0, {}):
            text = ", ".join(f"{k} {n}" for k, n in value.items()) if isinstance(value, dict) else str(value)
            table.add_row(name.replace("_", " "), text)
    console.print(table)


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
