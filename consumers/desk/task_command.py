"""Each task to a command of the telescope's own, and what it answers."""

import os
import shlex
import subprocess
from typing import Final

import orjson

from nuncius.consumers.desk.task import Task
from nuncius.consumers.desk.word import Word, word_of
from nuncius.consumers.record_command import CommandError
from nuncius.schemas import Quarantine, SettingsError
from nuncius.schemas.wire import to_json

_WORDS: Final = ("request_id", "revision", "idempotency_key", "facility", "target_name", "ra", "dec", "exposure_s")
"""Fields that a short shell script gets in its environment."""


def task_json(task: Task) -> bytes:
    """One line of JSON: the action, and the whole request."""
    line = {
        "type": "too_task",
        "action": task.action,
        "again": task.again,
        "reference": task.reference,
        "request": to_json(task.request),
    }
    return orjson.dumps(line, option=orjson.OPT_UTC_Z) + b"\n"


class TaskCommand:
    """Runs a command once a task, one after another, without a shell.

    The task comes as one line of JSON (`task_json`) on its standard input; its environment has ``NUNCIUS_ACTION``,
    ``NUNCIUS_REFERENCE``, ``NUNCIUS_AGAIN`` and the commonest fields, as ``NUNCIUS_RA``. What it writes to standard
    output is its answer (`Word`); nothing there is none yet. Nothing of a task is put into the command line.

    Parameters
    ----------
    command
        Split into words as a shell would, by the rules of POSIX; nothing is expanded.

    Raises
    ------
    SettingsError
        If it cannot be split.
    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SettingsError(f"--exec {command[:80]!r}: {error}") from error
        if not self._words:
            raise SettingsError("--exec names no command")

    def run(self, task: Task) -> Word | None:
        """Run it and wait for its end; its answer, None where it gave none.

        Raises
        ------
        CommandError
            If its exit code is not 0, or what it wrote is no answer.
        SettingsError
            If it cannot be started.
        """
        said = {"ACTION": task.action, "REFERENCE": task.reference, "AGAIN": "yes" if task.again else ""}
        said |= {name.upper(): str(value) for name in _WORDS if (value := getattr(task.request, name)) is not None}
        environ = os.environ | {f"NUNCIUS_{name}": value.replace("\0", "") for name, value in said.items()}
        try:
            done = subprocess.run(self._words, input=task_json(task), env=environ, stdout=subprocess.PIPE, check=False)
        except OSError as error:
            raise SettingsError(f"--exec {self._words[0]}: {error.strerror}") from error
        about = f"{task.action} {task.request.idempotency_key}"
        if done.returncode:
            how = f"ended with {done.returncode}" if done.returncode > 0 else f"was ended by signal {-done.returncode}"
            raise CommandError(f"{self._words[0]} {how} on {about}")
        if not done.stdout.strip():
            return None
        try:
            return word_of(done.stdout)
        except Quarantine as error:
            raise CommandError(f"{self._words[0]}: its answer to {about} cannot be read: {error}") from error
