"""What is to be done about a request, its policy's quotas and quiet hours heeded: pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from nuncius.broker.planning.lifecycle import Held, Life, Move, Submit, next_move
from nuncius.broker.planning.restraint import FREE, Restraint, held, quiet_until


def restrained_move(life: Life, others: Iterable[Life], restraints: Mapping[str, Restraint], now: datetime) -> Move:
    """As `next_move`, and held back as long as a policy lets nothing out.

    Parameters
    ----------
    life
        The request's.
    others
        All lives at the same adapter.
    restraints
        By policy; one that is not named holds nothing back.
    now
        UTC.
    """
    move = next_move(life, now=now)
    if not isinstance(move, Submit):
        return move
    restraint = restraints.get(life.latest.policy, FREE)
    stop = held(restraint, life.latest, others, now)
    quiet = quiet_until(restraint, now)
    if stop is None and quiet is not None and (life.word is None or life.word.state != "approved"):
        stop = Held("quiet hours: it goes out by a person's yes, or after them", quiet)
    return next_move(life, now=now, held=stop)
