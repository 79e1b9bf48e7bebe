"""HTML out of values: all text is escaped, whoever wrote it; only what `tag` made is taken for markup."""

import html
from typing import Final

from nuncius.broker.services.lines import printable

_VOID: Final = frozenset({"meta", "link", "img"})


class Html(str):
    """Markup, made by `tag` and `joined` only."""

    __slots__ = ()


def tag(name: str, *parts: str, **attributes: str) -> Html:
    """An element. Text becomes text; underscores behind an attribute's name are left off, as in ``class_``."""
    said = "".join(f' {key.rstrip("_")}="{_escaped(value)}"' for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{joined(*parts)}</{name}>")


def joined(*parts: str) -> Html:
    """Elements and text, one after the other."""
    return Html("".join(part if isinstance(part, Html) else _escaped(part) for part in parts))


def _escaped(text: str) -> str:
    return html.escape(printable(text), quote=True)
