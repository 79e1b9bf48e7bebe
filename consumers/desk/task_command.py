"""Each task to a command of the telescope's own, and what it answers."""

from typing import Final

import orjson

from nuncius.consumers.desk.task import Task
from nuncius.consumers.desk.wire import plain_task
from nuncius.consumers.desk.word import Word, word_of
from nuncius.consumers.own_command import CommandError, OwnCommand
from nuncius.schemas import Quarantine

_WORDS: Final = ("request_id", "revision", "idempotency_key", "facility", "target_name", "ra", "dec", "exposure_s")
"""Fields that a short shell script gets in its environment."""


def task_json(task: Task) -> bytes:
    """One line of JSON: the action, and the whole request."""
    return orjson.dumps(plain_task(task), option=orjson.OPT_UTC_Z) + b"\n"


class TaskCommand:
    """Runs a command once a task, one after another, without a shell.

    The task comes as one line of JSON (`task_json`) on its standard input; its environment has ``NUNCIUS_ACTION``,
    ``NUNCIUS_REFERENCE``, ``NUNCIUS_AGAIN`` and the commonest fields, as ``NUNCIUS_RA``. What it writes to standard
    output is its answer (`Word`); nothing there is none yet. Nothing of a task is put into the command line.

    Parameters
    ----------
    command
        As `OwnCommand` takes it.
    """

    def __init__(self, command: str) -> None:
        self._command = OwnCommand(command)

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
        environ = {f"NUNCIUS_{name}": value.replace("\0", "") for name, value in said.items()}
        about = f"{task.action} {task.request.idempotency_key}"
        written = self._command.asked(task_json(task), environ, about)
        if not written.strip():
            return None
        try:
            return word_of(written)
        except Quarantine as error:
            raise CommandError(f"{self._command.name}: its answer to {about} cannot be read: {error}") from error
