"""One picture at a time: matplotlib's style is one for the whole process, and several threads draw."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

import matplotlib as mpl

_DRAWING: Final = Lock()


@contextmanager
def styled(style: Mapping[Any, Any]) -> Iterator[None]:
    """Draws in a style of matplotlib's; others wait until it is done."""
    with _DRAWING, mpl.rc_context(dict(style)):
        yield
