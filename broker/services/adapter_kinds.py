"""Whether an adapter is still what it was when it took what stands there."""

from collections.abc import Iterable, Iterator
from typing import Final

from nuncius.broker.services.delivering import Route, group_of
from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.lines import printable
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition

_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)


def changed_kinds(log: Log, routes: Iterable[Route]) -> Iterator[Finding]:
    """Adapters that were of another kind, under their name or a former one, and may hold something from then."""
    for route in routes:
        for name in (route.adapter.name, *sorted(route.formerly)) if route.kind else ():
            at = log.committed(group_of(name), _REQUESTS)
            if at is not None and at.metadata not in {"", route.kind}:
                detail = (
                    f"{name!r} was an adapter of kind {at.metadata}, and {route.adapter.name!r} is one of kind"
                    f" {route.kind}: what stands from then is looked after in the words of another facility; give the"
                    " new one a name of its own"
                )
                yield Finding(f"adapter {printable(route.adapter.name)}", "wrong", printable(detail))
