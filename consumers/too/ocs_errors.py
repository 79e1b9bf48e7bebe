"""What a portal finds wrong with a request group, as Django REST framework tells it."""

from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from nuncius.consumers.too.door import said

_DEEP: Final = 16
"""So deep do the portal's errors lie at most (ours; of an exposure time they lie ten levels deep)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    non_field_errors: tuple[str, ...] = ()


class _Parts(BaseModel):
    model_config = ConfigDict(extra="forbid")

    requests: tuple[_Part, ...]


_READER: Final = TypeAdapter(_Parts)


def unseen(errors: object) -> frozenset[int]:
    """Places of the fields that cannot be observed there, where others can; empty where anything else is wrong.

    The portal says of a request as a whole that its target is never, or not long enough, visible in its window.
    """
    try:
        parts = _READER.validate_python(errors).requests
    except ValidationError:
        return frozenset()
    places = frozenset(place for place, part in enumerate(parts) if part.non_field_errors)
    return places if len(places) < len(parts) else frozenset()


def words(errors: object) -> str:
    """The errors for people: each once, with its place."""
    return "; ".join(dict.fromkeys(said(errors, depth=_DEEP)))
