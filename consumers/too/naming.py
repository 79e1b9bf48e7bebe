"""How a request is told from others where a facility has no idempotency key: by its own key in a name or comment."""

from nuncius.schemas.too import ToORequest


def revision_in(text: str, request: ToORequest) -> int | None:
    """The revision whose key (``<request id>/<revision>``) the text is, or ends with; None where it is another's."""
    before, _, rest = text.rpartition(f"{request.request_id}/")
    if not rest.isdecimal() or len(rest) > 9 or not text.endswith(f"{request.request_id}/{rest}"):
        return None
    return int(rest) if not before or before[-1].isspace() else None
