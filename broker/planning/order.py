"""Whether two revisions of a request ask for the same."""

from dataclasses import replace

from nuncius.schemas.too import ToORequest


def same_order(one: ToORequest, other: ToORequest) -> bool:
    """Whether a facility that has one need not be told the other: all that it acts on is equal, the windows too."""
    return _order(one) == _order(other)


def same_wish(one: ToORequest, other: ToORequest) -> bool:
    """Whether a person's word on one holds for the other: equal but for the moments at which it is to be done."""
    return _wish(one) == _wish(other)


def same_wish_elsewhere(one: ToORequest, other: ToORequest) -> bool:
    """As `same_wish`, of two requests of one policy and facility whose causes are different records of one event."""
    return same_wish(
        replace(
            one,
            request_id=other.request_id,
            cause_id=other.cause_id,
            target_name=other.target_name,
            event_thread=other.event_thread,
        ),
        other,
    )


def _order(request: ToORequest) -> ToORequest:
    """The request without what only people and the log read."""
    return replace(
        request,
        revision=0,
        idempotency_key="",
        reason="",
        team_only=False,
        issued_time=None,
        probability=None,
        airmass_min=None,
        follows=(),
        supersedes=(),
        event_class="",
        event_time=None,
        cause_kind="",
        tiles=tuple(replace(tile, probability=0.0, airmass=0.0) for tile in request.tiles),
    )


def _wish(request: ToORequest) -> ToORequest:
    order = _order(request)
    start = order.tiles[0].start if order.tiles else None
    tiles = tuple(replace(t, start=start, stop=start, number=0) for t in order.tiles) if start is not None else ()
    order = replace(order, team_only=request.team_only)  # a yes to what nobody else reads is none to telling the world
    return replace(order, window_start=None, window_stop=None, expires=None, site="", tiles=tiles)
