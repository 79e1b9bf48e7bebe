"""Reads ahead: one thread unpacks the next packets while another parses these."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], chunk: int = 64) -> Iterator[T]:
    """The items in their order, ``chunk`` of them taken in a second thread while the chunk before is worked on.

    Unpacking releases the interpreter, so that it costs no time where a second core is free. An error of ``items``
    comes out in place of the chunk it happened in.
    """
    with ThreadPoolExecutor(1, "nuncius-ahead") as pool:
        coming = pool.submit(_take, items, chunk)
        while taken := coming.result():
            coming = pool.submit(_take, items, chunk)
            yield from taken


def _take(items: Iterator[T], count: int) -> list[T]:
    return list(islice(items, count))
