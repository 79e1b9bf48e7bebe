"""The plans of one picture, each with its own colours: a plan alone in those of its order, several in one each."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from nuncius.broker.plots.plan import PlanPicture, shares
from nuncius.broker.plots.plan_style import colours

_COLOURS: Final = ("#f0e442", "#d1549b", "#6fe8c4", "#e8702a", "#ffffff", "#b9a2ff")
"""Told apart with every common colour blindness (after Okabe & Ito 2008, Color Universal Design), bright on dark; the
first three in grey, too: their luma is 0.84, 0.51 and 0.75 (ITU-R BT.601).
"""
_DASHES: Final[tuple[Any, ...]] = ("solid", (0, (5, 1.4)), (0, (1.4, 1.0)), (0, (6, 1.4, 1.4, 1.4)))
"""Told apart in grey."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Lane:
    """One telescope's plan in a picture.

    Parameters
    ----------
    plan
        Its fields.
    colours
        One a field.
    dashes
        Of its outlines, as matplotlib has line styles.
    letter
        Before the numbers of its fields; empty where it is alone.
    """

    plan: PlanPicture
    colours: tuple[Any, ...]
    dashes: Any = "solid"
    letter: str = ""

    @property
    def colour(self) -> Any:
        """Of the whole lane where it has one, else of its last field."""
        return self.colours[-1]

    def mark(self, index: int) -> str:
        """What a field is called in the picture."""
        return f"{self.letter}{self.plan.tiles[index].number}"


def alone(plan: PlanPicture) -> Lane:
    """A plan whose colours run with the order."""
    return Lane(plan=plan, colours=tuple(colours(shares(len(plan.tiles)))))


def side_by_side(plans: Sequence[PlanPicture]) -> tuple[Lane, ...]:
    """Plans of several telescopes: a colour, dashes and a letter each, 26 at most."""
    return tuple(
        Lane(
            plan=plan,
            colours=(_COLOURS[number % len(_COLOURS)],) * len(plan.tiles),
            dashes=_DASHES[number % len(_DASHES)],
            letter=letter,
        )
        for number, (letter, plan) in enumerate(zip(string.ascii_uppercase, plans, strict=False))
    )
