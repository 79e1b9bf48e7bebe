"""A command of the user's, run once a record or task: split as a shell would, never through one."""

import os
import shlex
import subprocess
from collections.abc import Mapping

from nuncius.schemas import NunciusError, SettingsError


class CommandError(NunciusError):
    """The user's command ended with another code than 0, or gave no fit answer."""


class OwnCommand:
    """One command line.

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
        self.name = self._words[0]

    def run(self, line: bytes, said: Mapping[str, str], about: str) -> None:
        """Run it to its end, a line on its standard input and these variables beside those of this process.

        Raises
        ------
        CommandError
            If its exit code is not 0; ``about`` stands in the message.
        SettingsError
            If it cannot be started.
        """
        self._ended(line, said, about, None)

    def asked(self, line: bytes, said: Mapping[str, str], about: str) -> bytes:
        """The same; what it wrote to standard output."""
        return self._ended(line, said, about, subprocess.PIPE) or b""

    def _ended(self, line: bytes, said: Mapping[str, str], about: str, stdout: int | None) -> bytes | None:
        try:
            done = subprocess.run(self._words, input=line, env=os.environ | said, stdout=stdout, check=False)
        except OSError as error:
            raise SettingsError(f"--exec {self.name}: {error.strerror}") from error
        if done.returncode:
            how = f"ended with {done.returncode}" if done.returncode > 0 else f"was ended by signal {-done.returncode}"
            raise CommandError(f"{self.name} {how} on {about}")
        return done.stdout
