"""What a telescope's loop needs of a desk, wherever that is."""

from typing import Protocol

from nuncius.consumers.desk.answers import Answer
from nuncius.consumers.desk.task import Task
from nuncius.schemas import ToOStatus


class Handing(Protocol):
    """A desk: tasks in the order in which they are due, each once; answers back to the log."""

    @property
    def poll_s(self) -> float:
        """How long one call may wait for a task."""
        ...

    def next_task(self, timeout_s: float = 0.0) -> Task | None:
        """The next thing to do; None where none is due within ``timeout_s``.

        Raises
        ------
        Retry
            While the desk is away; see `reopen`.
        Fenced
            If a newer desk of this facility hands out its tasks.
        """
        ...

    def answer(
        self, request_id: str, said: Answer, *, revision: int | None = None, reference: str = "", note: str = ""
    ) -> ToOStatus:
        """Say what became of a request; durable when this returns, and written once however often it is said.

        Raises
        ------
        AnswerError
            If the answer cannot be about anything that was handed over.
        Retry
            While the desk is away; the same answer may be given again.
        """
        ...

    def doubt(self) -> str:
        """One line where nothing was ever asked of a facility of that name, which may be wrong; else empty."""
        ...

    def reopen(self) -> None:
        """Begin anew after a `Retry`; what was handed out is remembered."""
        ...

    def close(self) -> None:
        """Give it back. Twice is allowed."""
        ...
