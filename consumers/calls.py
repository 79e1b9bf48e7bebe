"""Calls to the outside that may never come back: each in a thread of its own, which can be left behind.

A vendor's client, or a folder on a file server that is gone, may hold a call for ever. It holds up nothing but the same
request: nobody is asked twice at one time for one thing, and what the call says in the end is not lost.
"""

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Final, Generic, TypeVar

from nuncius.schemas.errors import Retry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is waited for, in seconds.

    Parameters
    ----------
    held_s
        So long it holds up what else is to be asked there.
    unknown_s
        After so long in all its outcome counts as unknown.
    most
        Calls that may be under way before another is made. As many more may be where something is taken back.
    """

    held_s: float = 5.0
    unknown_s: float = 120.0
    most: int = 8


PATIENCE: Final = Patience()
"""All three are ours. An adapter makes several exchanges a call, each within its own ``timeout_s``."""


class Slow(Retry):
    """The call goes on by itself; `Calls.late` has what it says."""


class UnderWay(Retry):
    """Nothing was asked: earlier calls have not come back."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    future: "Future[T]"
    began: float


class Calls(Generic[T]):
    """The calls to one place, at most one at a time about each thing; used by one thread.

    Parameters
    ----------
    name
        Of the place, for messages and threads.
    patience
        How long they are waited for.
    """

    def __init__(self, name: str, patience: Patience) -> None:
        self._name = name
        self._patience = patience
        self._left: dict[str, _Call[T]] = {}

    def make(self, about: str, call: Callable[[], T], most: int) -> T:
        """What the call returns or raises, where that comes soon enough.

        Parameters
        ----------
        about
            What it is about.
        call
            What is done.
        most
            How many calls may be under way before it.

        Raises
        ------
        Slow
            If it takes longer.
        UnderWay
            See `hindrance`.
        """
        if hindrance := self.hindrance(about, most):
            raise UnderWay(hindrance)
        future: Future[T] = Future()
        made = _Call(future, monotonic())
        Thread(target=_run, args=(future, call), name=f"call to {self._name}", daemon=True).start()
        if not wait((future,), self._patience.held_s).done:
            self._left[about] = made
            raise Slow(f"no answer in {self._patience.held_s:g} s; it is waited for")
        return future.result()

    def hindrance(self, about: str, most: int) -> str:
        """Why no call can be made about it now; empty where one can."""
        if about in self._left:
            return "the call before has not come back"
        if sum(not one.future.done() for one in self._left.values()) >= most:
            return f"{most} calls to {self._name} have not come back"
        return ""

    def late(self, about: str) -> "Future[T] | None":
        """The end of an earlier call that took long; None where there is none, or it has not come back."""
        left = self._left.get(about)
        return left.future if left is not None and left.future.done() else None

    def forget(self, about: str) -> None:
        """What `late` gave is known by now."""
        self._left.pop(about, None)

    def under_way(self, about: str) -> bool:
        """Whether an earlier call about it has not come back, or nobody knows yet what it said."""
        return about in self._left

    def overdue(self, about: str) -> bool:
        """Whether it has not come back for so long that its outcome counts as unknown."""
        left = self._left.get(about)
        return left is not None and monotonic() - left.began >= self._patience.unknown_s


class _Into:
    """Takes what is raised within over to the thread that asks for the result, whatever it is."""

    def __init__(self, future: "Future[T]") -> None:
        self._future = future

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        if error is not None:
            self._future.set_exception(error)
        return True


def _run(future: "Future[T]", call: Callable[[], T]) -> None:
    with _Into(future):
        future.set_result(call())
