"""The one door to code that speaks to the outside: whatever it raises is an unknown outcome of that one call."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from nuncius.consumers.adapter import Adapter
from nuncius.schemas.codec import encode
from nuncius.schemas.errors import Fault, Retry
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

T = TypeVar("T")

_SUBMITTED: Final = frozenset[RequestState]({"accepted", "rejected", "recorded"})
_CANCELLED: Final = frozenset[RequestState]({"cancelled", "not_cancelled", "recorded"})
LOOKED: Final = frozenset[RequestState]({"accepted", "scheduled", "observed", "expired", "rejected", "cancelled"})
"""What `Adapter.look` may say."""

_DETAIL: Final = 4000
_REFERENCE: Final = 500
"""Characters of a facility's words that are kept, and of a name that can be one (ours)."""


def outside(call: Callable[[], T]) -> T:
    """What a call into a vendor's client, a renderer or another program's part returns.

    Such parts raise what nobody foresaw, and one of their calls must not end the broker, so that this is the one place
    where everything is caught; a client that asks this process to exit is not heeded either.

    Raises
    ------
    Retry
        As the call raises it.
    Fault
        For whatever else it raises. The words name the kind and the line, and nothing of the error's text, which may
        hold a secret.
    """
    try:
        return call()
    except Retry:
        raise
    except (Exception, SystemExit) as error:
        raise Fault(f"{_place(error)}, please report it") from error


class Guarded:
    """An adapter behind the door: its calls return what an `Adapter`'s may return, or raise `Retry`.

    Parameters
    ----------
    adapter
        Asked through the door only.
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self.name = adapter.name
        self.real = adapter.real
        self.public = adapter.public

    def submit(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `Adapter.submit`."""
        return outside(lambda: self._checked(request, self._adapter.submit(request, standing), _SUBMITTED))

    def cancel(self, request: ToORequest, standing: str) -> ToOStatus:
        """As `Adapter.cancel`."""
        return outside(lambda: self._checked(request, self._adapter.cancel(request, standing), _CANCELLED))

    def look(self, request: ToORequest, standing: str) -> ToOStatus | None:
        """As `Adapter.look`."""

        def looked() -> ToOStatus | None:
            status = self._adapter.look(request, standing)
            return None if status is None else self._checked(request, status, LOOKED)

        return outside(looked)

    def _checked(self, request: ToORequest, status: ToOStatus, states: frozenset[RequestState]) -> ToOStatus:
        """The status, where it is an answer to this call and can be written to the log."""
        about = (status.request_id, status.revision, status.adapter)
        if about != (request.request_id, request.revision, self.name) or status.state not in states:
            raise ValueError(about)
        if len(status.reference) > _REFERENCE:
            raise ValueError(status.reference)
        kept = replace(status, detail=status.detail[:_DETAIL])
        encode(kept)
        return kept


def _place(error: BaseException) -> str:
    """Kind of an error, and the line that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    kind = type(error).__name__
    return kind if trace is None else f"{kind} at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
