"""Publishing over HTTP: ``POST /alerts`` of a broker elsewhere."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import orjson

from nuncius.broker.services.packets import Packet
from nuncius.broker.services.publishing import Line
from nuncius.schemas import Retry, SettingsError
from nuncius.schemas.limits import MAX_PACKET_BYTES

_TIMEOUT_S: Final = 60.0


def post(url: str, packets: Iterator[Packet], *, json: bool) -> Iterator[Line]:
    """Post each packet; the line comes when the broker has it.

    Raises
    ------
    SettingsError
        If nothing listens there.
    Retry
        If the broker cannot take it now.
    """
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=url.startswith("https:")) as client:
        for packet in packets:
            if max(packet.nbytes, len(packet.payload)) > MAX_PACKET_BYTES:
                yield _refused(packet, {"error": f"packet is over {MAX_PACKET_BYTES} bytes; not sent"}, json=json)
                continue
            try:
                answer = client.post("/alerts", params={"stream": packet.stream}, content=packet.payload)
            except httpx.ConnectError as error:
                raise SettingsError(f"no broker answers at {url}: {error}") from error
            except httpx.HTTPError as error:
                raise Retry(f"{url}: {error}; {packet.source} may or may not be stored, publish it again") from error
            yield _line(packet, answer, json=json)


def _line(packet: Packet, answer: httpx.Response, *, json: bool) -> Line:
    try:
        said = answer.json()
    except ValueError:
        said = {"error": f"HTTP {answer.status_code}: not a Nuncius broker"}
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise Retry(f"{packet.source}: {said.get('error', 'the broker is away')}")
    if answer.status_code != httpx.codes.ACCEPTED:
        return _refused(packet, said, json=json)
    words = orjson.dumps({"file": packet.source, **said}).decode() if json else _words(packet, said)
    return Line(words, quarantined=False)


def _words(packet: Packet, said: dict[str, Any]) -> str:
    return f"{packet.source}: {', '.join(said.get('fates', ()))}"


def _refused(packet: Packet, said: dict[str, Any], *, json: bool) -> Line:
    words = f"{packet.source}: refused: {said.get('error', 'no reason given')}"
    return Line(orjson.dumps({"file": packet.source, **said}).decode() if json else words, quarantined=True)
