"""The ``nuncius`` command. Errors become one clear line and an exit code; a traceback never reaches a user."""

import os
import sys
import threading
from types import TracebackType
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit: 0 done, 1 something could not be read or done, 2 wrong option or file."""
    sys.excepthook = say_fault
    threading.excepthook = _say_fault_of_thread
    from nuncius.broker.cli.root import run

    sys.exit(run(sys.argv[1:]))


def _say_fault_of_thread(fault: threading.ExceptHookArgs) -> None:
    if fault.exc_value is not None:
        say_fault(fault.exc_type, fault.exc_value, fault.exc_traceback)


def say_fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """One line for a fault of our own; ``NUNCIUS_TRACEBACK=1`` in the environment shows where it happened."""
    if os.environ.get("NUNCIUS_TRACEBACK"):
        sys.__excepthook__(kind, error, trace)
        return
    what = " ".join(f"{kind.__name__}: {error}".split())
    sys.stderr.write(f"nuncius: a fault in Nuncius, please report it: {what} (NUNCIUS_TRACEBACK=1 shows where)\n")
