"""Server-sent events out of bytes, with every field a broker writes; most readers drop what they do not know."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

MOST_BYTES: Final = 64 * 2**20
"""Of one event: far above the largest record as JSON; what goes on for longer is no stream of events."""


class Event(NamedTuple):
    """One event.

    Parameters
    ----------
    name
        ``message`` where it has none.
    data
        Its lines joined; empty where it has none.
    fields
        The last value of every field but ``data``: ``id``, ``event``, ``taken``, …
    """

    name: str
    data: bytes
    fields: Mapping[str, str]


def events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Events as they become whole; one that is cut off at the end is none.

    Lines end with LF or CR LF, as brokers and proxies write them.

    Raises
    ------
    ValueError
        If an event has more than `MOST_BYTES`.
    """
    rest = bytearray()
    data: list[bytes] = []
    fields: dict[str, str] = {}
    held = 0
    for chunk in chunks:
        rest += chunk
        if len(rest) > MOST_BYTES:
            raise ValueError(f"no server-sent events: more than {MOST_BYTES} bytes without the end of a line")
        if b"\n" not in chunk:
            continue
        *lines, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        for line in lines:
            word = line.removesuffix(b"\r")
            if word:
                _take(word, data, fields)
                held += 0 if word.startswith(b":") else len(word)
                if held > MOST_BYTES:
                    raise ValueError(f"no server-sent events: one of more than {MOST_BYTES} bytes")
                continue
            if data or fields:
                yield Event(fields.get("event", "message"), b"\n".join(data), fields)
            data, fields, held = [], {}, 0


def _take(line: bytes, data: list[bytes], fields: dict[str, str]) -> None:
    name, _, value = line.partition(b":")
    value = value.removeprefix(b" ")
    if name == b"data":
        data.append(value)
    elif name:  # a line that begins with a colon is a comment
        fields[name.decode(errors="replace")] = value.decode(errors="replace")
