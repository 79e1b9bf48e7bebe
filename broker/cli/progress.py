"""A progress bar on standard error."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


class Bar:
    """Counts packets. Without a terminal it prints nothing while it runs and one line at the end."""

    def __init__(self, title: str) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage(self, title: str, total: int | None = None) -> None:
        """Begin a stage of so many steps."""
        self._progress.update(self._task, description=title, total=total, completed=0)

    def step(self, done: int = 1) -> None:
        """So many steps are done."""
        self._progress.advance(self._task, done)

    def say(self, line: str) -> None:
        """A line above the bar; what does not fit goes on under its first word. Files get it whole."""
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if self._console.is_terminal:
            self._console.print(Padding(Text.from_markup(text), (0, 0, 0, indent)))
        else:
            self._console.print(" " * indent + text, highlight=False, soft_wrap=True)
