"""Whether two revisions of a request ask for the same."""

from dataclasses import replace

from nuncius.schemas.too import ToORequest


def same_order(one: ToORequest, other: ToORequest) -> bool:
    """Whether a facility that has one need not be told the other: all that it acts on is equal, the windows too."""
    return _order(one) == _order(other)


def same_wish(one: ToORequest, other: ToORequest) -> bool:
    """Whether both ask for the same in equal doubt, but for the moments at which it is to be done."""
    return one is other or _wish(one) == _wish(other)


def same_but_doubt(one: ToORequest, other: ToORequest) -> bool:
    """As `same_wish`, however sure it is that the cause stands, and whoever must say yes."""
    return one is other or same_wish(replace(one, doubt=other.doubt, needs_approval=other.needs_approval), other)


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
    """The request without what only people and the log read; a plan says by its fields where to look."""
    return replace(
        request,
        revision=0,
        idempotency_key="",
        reason="",
        team_only=False,
        needs_approval=False,
        doubt="",
        issued_time=None,
        probability=None,
        airmass_min=None,
        follows=(),
        supersedes=(),
        event_class="",
        event_time=None,
        cause_kind="",
        ra=None if request.tiles else request.ra,
        dec=None if request.tiles else request.dec,
        radius_deg=None if request.tiles else request.radius_deg,
        tiles=tuple(replace(tile, probability=0.0, airmass=0.0) for tile in request.tiles),
    )


def _wish(request: ToORequest) -> ToORequest:
    order = _order(request)
    start = order.tiles[0].start if order.tiles else None
    tiles = tuple(replace(t, start=start, stop=start, number=0) for t in order.tiles) if start is not None else ()
    order = replace(
        order,
        team_only=request.team_only,  # a yes to what nobody else reads is none to telling the world
        needs_approval=request.needs_approval,
        doubt=request.doubt,
    )
    return replace(order, window_start=None, window_stop=None, expires=None, site="", tiles=tiles)
