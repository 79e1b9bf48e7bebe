"""Publishing over HTTP: ``POST /alerts`` of a broker elsewhere."""

from collections.abc import Iterator
from typing import Final

import httpx
import orjson

from nuncius.broker.services.packets import Packet
from nuncius.broker.services.publishing import Line
from nuncius.schemas import Retry, SettingsError

_TIMEOUT_S: Final = 60.0


def post(url: str, packets: Iterator[Packet], stream: str, *, json: bool) -> Iterator[Line]:
    """Post each packet; the line comes when the broker has it.

    Raises
    ------
    SettingsError
        If nothing listens there.
    Retry
        If the broker cannot take it now.
    """
    with httpx.Client(base_url=url, timeout=_TIMEOUT_S) as client:
        for packet in packets:
            try:
                answer = client.post("/alerts", params={"stream": stream}, content=packet.payload)
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
    refused = answer.status_code != httpx.codes.ACCEPTED
    if json:
        return Line(orjson.dumps({"file": packet.source, **said}).decode(), refused)
    words = said.get("error") if refused else ", ".join(said.get("fates", ()))
    return Line(f"{packet.source}: {'refused: ' if refused else ''}{words}", refused)
