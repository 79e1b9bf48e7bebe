"""A command that follows a broker: it waits where there is none yet, and says so in one line."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import typer

T = TypeVar("T")

_AGAIN_S: Final = 0.3
"""Between two looks whether there is a broker by now: nothing tells when one begins (ours)."""


def say(line: str) -> None:
    """One line for the person at the terminal, on standard error."""
    from nuncius.broker.services.lines import printable

    typer.echo(f"nuncius: {printable(line)}", err=True)


def once_there(begin: Callable[[], T], is_over: Callable[[], bool]) -> T:
    """What ``begin`` returns once there is a broker.

    Parameters
    ----------
    begin
        Tried again and again.
    is_over
        Whether it is of no use to wait.

    Raises
    ------
    NoBrokerError
        If there is none, and it is over.
    """
    from nuncius.consumers.opening import NoBrokerError

    waited = False
    while True:
        try:
            return begin()
        except NoBrokerError as error:
            if is_over():
                raise
            if not waited:
                say(f"{error}; waiting for it")
            waited = True
            time.sleep(_AGAIN_S)
