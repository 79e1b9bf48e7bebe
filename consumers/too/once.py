"""What went out from here to a facility that takes no key, and of which nobody can ask what it has begun."""

from nuncius.consumers.adapter import Adapter, answer
from nuncius.consumers.too.placed import NEEDS_A_POSITION, unplaced
from nuncius.schemas.too import ToORequest, ToOStatus


class Once:
    """By request, in this process alone; the log remembers for others (`nuncius.consumers.adapter.Unsure`)."""

    def __init__(self) -> None:
        self._out: dict[str, ToOStatus | None] = {}
        """What came of a request; None where nobody knows."""
        self._clear: set[str] = set()

    def may_stand(self, request: ToORequest, standing: str) -> bool:
        """Whether some revision of it stands there, or may."""
        return bool(standing) or request.request_id in self._out

    def is_clear(self, request: ToORequest) -> bool:
        """Whether certainly nothing of it stands there."""
        return request.request_id in self._clear

    def said(self, request: ToORequest) -> ToOStatus | None:
        """The status by which a revision of it was taken; None where there is none."""
        return self._out.get(request.request_id)

    def reference(self, request: ToORequest, standing: str) -> str:
        """The facility's name for what it took from here, else for what the log says that stands; empty for neither."""
        said = self.said(request)
        return standing if said is None else said.reference

    def doubt(self, request: ToORequest) -> None:
        """The log says that it may have gone out; that does not count where nothing stands for certain."""
        if not self.is_clear(request):
            self._out.setdefault(request.request_id, None)

    def clear(self, request: ToORequest) -> None:
        """Nothing of it stands there."""
        self._out.pop(request.request_id, None)
        self._clear.add(request.request_id)

    def goes_out(self, request: ToORequest) -> None:
        """From now on nobody knows, until it is said."""
        self._out[request.request_id] = None
        self._clear.discard(request.request_id)

    def stands(self, request: ToORequest, status: ToOStatus) -> None:
        """It was taken."""
        self._out[request.request_id] = status
        self._clear.discard(request.request_id)

    def unplaced(self, adapter: Adapter, request: ToORequest, standing: str) -> ToOStatus | None:
        """As `nuncius.consumers.too.placed.unplaced`; nothing is taken back where nothing may stand."""
        if self.may_stand(request, standing):
            return unplaced(adapter, request, standing)
        return None if request.position is not None else answer(request, "rejected", adapter.name, NEEDS_A_POSITION)
