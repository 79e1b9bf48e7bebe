"""``nuncius too follow`` and ``answer``: a telescope's own side of a request."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuncius.broker.cli.opened import opened
from nuncius.broker.cli.options import Config, Json, settings_of
from nuncius.broker.cli.waiting import once_there, say

if TYPE_CHECKING:
    from nuncius.broker.planning.restraint import Restraint
    from nuncius.broker.settings import Settings
    from nuncius.consumers.desk.answers import Answer
    from nuncius.consumers.desk.following import Following
    from nuncius.consumers.desk.task import Task
    from nuncius.consumers.desk.task_command import TaskCommand
    from nuncius.schemas import ToOStatus

Broker = Annotated[
    str | None,
    typer.Option(
        "--broker",
        "--url",
        metavar="ADDRESS",
        help="The log: local:DIR | kafka://HOST:PORT[/NAME] | kafka:local; or https://HOST, with the facility's token "
        "in $NUNCIUS_DESK_TOKEN or in the file that $NUNCIUS_DESK_TOKEN_FILE names. Default: $NUNCIUS_BROKER, the "
        "settings, else your data folder.",
    ),
]


def follow(
    *,
    facility: Annotated[str, typer.Option("--facility", metavar="NAME", help="Whose requests, as policies name it.")],
    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            help="Run it for each task, which it gets as JSON on standard input; no shell. What it writes is the "
            'answer, as {"state": "accepted", "reference": "OB-17"}; nothing is none yet. It ends the run if it fails, '
            "and the task comes again at the next start.",
        ),
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Go on where the command fails.")] = False,
    until_end: Annotated[
        bool, typer.Option("--until-end/--follow", help="Stop where nothing is due now, or go on for ever.")
    ] = False,
    broker: Broker = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """What a telescope is to do, as it becomes due; only what is real, live, unexpired and approved.

    Each revision comes once, and a task to take back where its cause is gone. Answer with `nuncius too answer`, or from
    the command; what was not answered comes again at the next start. A newer run for a facility ends the older.
    """
    from nuncius.broker.services.lines import printable
    from nuncius.consumers.desk.task_command import TaskCommand, task_json

    run = None if command is None else TaskCommand(command)
    with _following(facility, settings_of(config, broker), until_end=until_end) as tasks:
        for task in tasks:
            if json:
                sys.stdout.buffer.write(task_json(task))
                sys.stdout.buffer.flush()
            else:
                typer.echo(printable(_line(task)))
            if run is not None:
                _run(run, tasks, task, keep_going=keep_going)


def answer(
    ident: Annotated[str, typer.Argument(metavar="ID", help="The beginning of a request's id, as `list` shows it.")],
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE",
            help="accepted, rejected, scheduled, observed or cancelled; of what is to be taken back cancelled or "
            "not_cancelled.",
        ),
    ],
    *,
    reference: Annotated[str, typer.Option(metavar="NAME", help="The telescope's own name for it.")] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why, or what people should know.")] = "",
    revision: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Which one. Default: the one handed over last.")
    ] = None,
    facility: Annotated[
        str | None, typer.Option("--facility", metavar="NAME", help="Whose request it is; over HTTP it must be said.")
    ] = None,
    broker: Broker = None,
    config: Config = None,
) -> None:
    """Say for a telescope what became of a request. Said twice it is written once; what cannot be is refused."""
    from nuncius.broker.transport.address import HttpAddress, parse_address
    from nuncius.consumers.desk.answers import ANSWERS
    from nuncius.schemas import SettingsError

    said = next((one for one in ANSWERS if one == state), None)
    if said is None:
        raise SettingsError(f"no such answer: {state}; there are {', '.join(ANSWERS)}")
    words = _Words(ident, said, revision, reference, note)
    address = parse_address(settings_of(config, broker).broker or "")
    if isinstance(address, HttpAddress):
        if not facility:
            raise SettingsError(f"{address.url}: over HTTP say whose request it is: --facility NAME")
        now, target = _answered_over_http(address.url, facility, words)
    else:
        now, target = _answered_on_log(broker, config, facility, words)
    typer.echo(f"{now.facility} {now.state} {now.request_id} (revision {now.revision}): {target}")


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of which request."""

    ident: str
    said: "Answer"
    revision: int | None
    reference: str
    note: str


def _answered_on_log(
    broker: str | None, config: Path | None, facility: str | None, words: _Words
) -> "tuple[ToOStatus, str]":
    from nuncius.broker.services.too_book import book, named
    from nuncius.consumers.desk.desk import Desk

    with opened(broker, config) as log:
        asked = named([one for one in book(log) if facility in (None, one.latest.facility)], words.ident).latest
        desk = Desk(log, asked.facility, slot=f"nuncius-answer-{os.getpid()}", say=say)
        try:
            now = desk.answer(
                asked.request_id, words.said, revision=words.revision, reference=words.reference, note=words.note
            )
        finally:
            desk.close()
    return now, asked.target_name


def _answered_over_http(url: str, facility: str, words: _Words) -> "tuple[ToOStatus, str]":
    import uuid

    from nuncius.consumers.desk.over_http import open_desk

    desk = open_desk(url, facility, uuid.uuid4().hex, os.environ)
    try:
        return desk.answered(
            words.ident.partition("/")[0],
            words.said,
            revision=words.revision,
            reference=words.reference,
            note=words.note,
        )
    finally:
        desk.close()


def _following(facility: str, settings: "Settings", *, until_end: bool) -> "Following":
    """The tasks; where there is no log yet, of the broker that will be."""
    from nuncius.broker.connection import connection_of
    from nuncius.broker.transport.address import node_folder
    from nuncius.consumers.desk.following import follow_requests

    def begin() -> "Following":
        return follow_requests(
            facility,
            broker=settings.broker,
            until_end=until_end,
            restraints=_restraints(settings),
            connection=connection_of(settings),
            folder_of_node=None if settings.data_folder is None else node_folder(settings.data_folder),
            on_wait=say,
        )

    return once_there(begin, is_over=lambda: until_end)


def _restraints(settings: "Settings") -> "Mapping[str, Restraint]":
    """Quotas and quiet hours of the policies that the settings name; of the shipped ones where they name none."""
    from nuncius.broker.planning.policies_toml import load_policies, shipped
    from nuncius.broker.settings_files import read_with

    policies = shipped() if settings.policies is None else read_with(settings.policies, load_policies)
    return {policy.name: policy.restraint for policy in policies.active}


def _run(command: "TaskCommand", tasks: "Following", task: "Task", *, keep_going: bool) -> None:
    from nuncius.consumers.desk.answers import AnswerError
    from nuncius.consumers.own_command import CommandError

    try:
        word = command.run(task)
        if word is not None:
            tasks.answer(task, word.state, reference=word.reference, note=word.note)
    except (CommandError, AnswerError) as error:
        if not keep_going:
            raise
        say(str(error))


def _line(task: "Task") -> str:
    from nuncius.broker.services.too_book import SHORT
    from nuncius.broker.services.too_words import headline

    what = "OBSERVE" if task.action == "observe" else "TAKE BACK"
    until = "" if task.request.expires is None else f", until {task.request.expires:%Y-%m-%d %H:%M} UTC"
    named = f" [{task.reference}]" if task.reference else ""
    again = " (again)" if task.again else ""
    about = f"{task.request.request_id[:SHORT]} revision {task.request.revision}{named}{again}"
    return f"{what:<9} {about}  {headline(task.request)}{until if task.action == 'observe' else ''}"
