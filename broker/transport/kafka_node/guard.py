"""Runs a program for as long as its own starter lives: ``guard LOCK PROGRAM ARGUMENT...``.

The starter holds the other end of the guard's standard input. However the starter ends, the kernel closes it, and the
guard ends the program: SIGTERM, and SIGKILL after `STOP_S`. The same on SIGTERM. SIGINT and SIGHUP are for the starter.
``LOCK`` is the number of an inherited descriptor that the program keeps open too, so that what is locked by it stays so
until both are gone. The program's process id is written to standard output; the guard ends with its exit code.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

STOP_S = 30.0
"""How long the program may take to end."""

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> int:
    """Run, guard, and return the exit code."""
    lock, command = int(arguments[0]), arguments[1:]
    news = _signals()
    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=(lock,),
        preexec_fn=_end_with_parent(),  # noqa: PLW1509  this process has one thread
    )
    with suppress(BrokenPipeError):  # the starter is gone already, as its end of standard input will tell
        os.write(sys.stdout.fileno(), b"%d\n" % program.pid)
    while program.poll() is None:
        readable, _, _ = select.select([sys.stdin, news], [], [])
        if sys.stdin in readable or signal.SIGTERM in os.read(news, 4096):
            return _stop(program)
    return _exit_code(program)


def _stop(program: "subprocess.Popen[bytes]") -> int:
    program.terminate()
    try:
        program.wait(STOP_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
    return _exit_code(program)


def _signals() -> int:
    """A descriptor from which the numbers of SIGTERM and SIGCHLD can be read as they come."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return reading


def _end_with_parent() -> Callable[[], None] | None:
    """Called in the program's process, asks Linux to end it should the guard itself be killed. No other system can."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask


def _exit_code(program: "subprocess.Popen[bytes]") -> int:
    """As a shell tells it: 128 and the signal's number where one ended it."""
    code = program.returncode
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
