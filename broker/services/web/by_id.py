"""What lies on the log under an id: the alerts of a thread, the revisions of a coincidence."""

from typing import Any

from fastapi import APIRouter, Response

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.schemas import Alert
from nuncius.schemas.codec import decode, encode_json, kind_of


def archive_routes(archive: Archive) -> APIRouter:
    """``GET /threads/…`` and ``/coincidences/…``."""
    router = APIRouter()

    @router.get("/threads/{thread_id}", responses={200: {"model": list[Alert]}, **says(404, 422, 503)})
    def get_thread(thread_id: str) -> Response:
        """Every alert of a thread: notices of one event by one facility, in the order of the log."""
        records = archive.thread(thread_id)
        if not records:
            raise RefusedError(404, f"no thread {thread_id[:80]!r} on this log; a thread is named as in lvk:S190425z")
        return _list([encode_json(decode_alert(record.value or b"")) for record in records])

    @router.get("/coincidences/{coincidence_id}", responses={200: {"model": list[dict[str, Any]]}, **says(404, 503)})
    def get_coincidence(coincidence_id: str) -> Response:
        """Every revision of a coincidence or a candidate list, in order; the last one holds."""
        records = archive.coincidence(coincidence_id)
        if not records:
            raise RefusedError(404, f"no coincidence {coincidence_id[:80]!r} on this log; GET /coincidences lists them")
        return _list([encode_json(decode(kind_of(r.value or b""), r.value or b"")) for r in records])

    return router


def _list(items: list[bytes]) -> Response:
    return Response(b"[" + b",".join(items) + b"]", media_type="application/json")
