"""An adapter that has another name now: what was said under the old one counts as said under the new."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from nuncius.broker.planning.told import AT, SEEN, TELL
from nuncius.schemas.too import ToOStatus

FORMERLY: Final = "formerly: "
"""How the detail of an adapter's ``proposed`` begins by which it takes over what stands under the name behind it."""


def under_new_names(statuses: tuple[ToOStatus, ...]) -> tuple[ToOStatus, ...]:
    """The statuses of one request, each under the name that its adapter has by what they say."""
    names = {one.detail.removeprefix(FORMERLY): one.adapter for one in statuses if one.detail.startswith(FORMERLY)}
    return tuple(_renamed(one, names) for one in statuses) if names else statuses


def newest(name: str, names: Mapping[str, str]) -> str:
    """The name that an adapter has after all renamings; a circle of them ends where it began."""
    seen = {name}
    while (following := names.get(name)) is not None and following not in seen:
        name = following
        seen.add(name)
    return name


def _renamed(one: ToOStatus, names: Mapping[str, str]) -> ToOStatus:
    """Also a person's word about the adapter, and what people were told of it."""
    if one.adapter.startswith(SEEN):
        return replace(one, adapter=f"{SEEN}{newest(one.adapter.removeprefix(SEEN), names)}")
    if one.adapter.startswith(TELL):
        subject, slash, state = one.reference.rpartition("/")
        return replace(one, reference=f"{_about(subject, (AT, SEEN), names)}{slash}{state}")
    return replace(one, adapter=newest(one.adapter, names))


def _about(subject: str, beginnings: Iterable[str], names: Mapping[str, str]) -> str:
    for begins in beginnings:
        if subject.startswith(begins):
            return f"{begins}{newest(subject.removeprefix(begins), names)}"
    return subject
