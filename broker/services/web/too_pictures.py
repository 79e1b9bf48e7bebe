"""``GET /too/{id}/plan.png`` and ``/too/{id}/together.png``: what a request asks for, and all of its event."""

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, Response

from nuncius.broker.services.plan_found import PlanFinder
from nuncius.broker.services.plan_picture import draw, draw_together
from nuncius.broker.services.plan_together import siblings, together
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.web.answers import RefusedError
from nuncius.broker.services.web.pictures import Drawings
from nuncius.broker.services.web.too_shelf import Shelf
from nuncius.schemas import SettingsError


def too_picture_routes(shelf: Shelf, finder: PlanFinder) -> APIRouter:
    """The pictures.

    Parameters
    ----------
    shelf
        The requests.
    finder
        Finds their plans.
    """
    router = APIRouter(include_in_schema=False)
    drawings = Drawings()

    @router.get("/too/{request_id}/plan.png")
    def get_plan(request_id: str) -> Response:
        """One request's fields, or its window."""
        entry = _known(shelf, request_id)
        return _png(drawings, f"plan {_state(entry)}", lambda path: draw(finder.plan(entry), path))

    @router.get("/too/{request_id}/together.png")
    def get_together(request_id: str) -> Response:
        """All that is asked for the same event."""
        entry = _known(shelf, request_id)
        every = siblings((one.entry for one in sorted(shelf.standings(), key=lambda one: one.number)), entry)
        key = "together " + " ".join(map(_state, every))
        return _png(drawings, key, lambda path: draw_together(together(finder, every), path))

    return router


def _known(shelf: Shelf, request_id: str) -> Entry:
    entry = shelf.entry(request_id)
    if entry is None:
        raise RefusedError(404, f"no request {request_id[:SHORT]} on this log; GET /too lists them")
    return entry


def _state(entry: Entry) -> str:
    """A request as it stands now."""
    return f"{entry.latest.request_id}/{entry.latest.revision}/{entry.state}"


def _png(drawings: Drawings, key: str, drawn: Callable[[Path], None]) -> Response:
    try:
        data = drawings.png(key, drawn)
    except SettingsError as error:
        raise RefusedError(404, str(error)) from error
    return Response(data, media_type="image/png", headers={"Cache-Control": "no-store"})
