"""How many examples a property is tried on: as many as it says, ten times as many by the profile ``soak``."""

from typing import Final

from hypothesis import settings

USUAL: Final = 100
"""Of hypothesis where a test names no number."""


def examples(usual: int) -> int:
    """So many, or as many more as the loaded profile wants; a test asks while it is imported."""
    return usual * settings().max_examples // USUAL
