"""Which request an answer is about, by the beginning of its id: pure."""

from collections.abc import Iterable
from typing import Final

from nuncius.consumers.desk.answers import AnswerError, UnknownRequestError

_SHOWN: Final = 80


def named(known: Iterable[str], beginning: str, facility: str) -> str:
    """The one id that begins so.

    Raises
    ------
    AnswerError
        If several do; `UnknownRequestError` if none does, or nothing was said.
    """
    every = [ident for ident in known if ident.startswith(beginning)] if beginning else []
    if beginning in every:
        return beginning
    if not every:
        said = f"no request {beginning[:_SHOWN]!r} was made of {facility}; see: nuncius too list"
        raise UnknownRequestError(said)
    if len(every) > 1:
        raise AnswerError(f"{len(every)} requests of {facility} begin with {beginning[:_SHOWN]!r}: write more of it")
    return every[0]
