"""Definitions of named streams over HTTP."""

from typing import Any, Final

import httpx
import orjson

from nuncius.consumers.defining import check_name
from nuncius.consumers.opening import NoBrokerError
from nuncius.schemas import Quarantine, Retry, SettingsError, StreamDefinition
from nuncius.schemas.codec import decode_json
from nuncius.schemas.wire import to_json

_SENT: Final = ("table", "filter", "include", "owner", "description", "state", "since", "quota_per_s")
_TIMEOUT_S: Final = 30.0


class HttpDesk:
    """Definitions at a broker's HTTP service.

    Parameters
    ----------
    url
        ``http://HOST:PORT``.
    token
        What the broker asks of those who change streams; empty for none.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        secure = url.startswith("https:")  # $HTTP_PROXY would read the token of an open call
        self._client = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, verify=secure, trust_env=secure)

    def last(self, name: str) -> StreamDefinition | None:
        """The definition that holds."""
        answer = self._ask("GET", name)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        view = self._read(answer)
        if not isinstance(view, dict) or "definition" not in view:
            raise SettingsError(f"{self._url}: {view!r:.80} is no stream: is that a Nuncius broker?")
        if view["definition"] is None:
            raise SettingsError(f"{name}: {view.get('detail') or 'its definition cannot be read by that broker'}")
        found = self._decoded(orjson.dumps(view["definition"]))
        return None if found.state == "deleted" else found

    def write(self, definition: StreamDefinition, before: StreamDefinition | None) -> StreamDefinition:
        """Write the next one."""
        name = definition.name
        based = {"revision": 0 if before is None else before.revision}
        if definition.state == "deleted":
            return self._definition(self._ask("DELETE", name, params=based))
        told: dict[str, Any] = to_json(definition)
        body = {field: told[field] for field in _SENT if told.get(field) is not None} | based
        answer = self._put(name, body)
        if before is None and answer.status_code == httpx.codes.CONFLICT and self.last(name) is None:
            body.pop("revision")  # one of that name was deleted
            answer = self._put(name, body)
        return self._definition(answer)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _put(self, name: str, body: dict[str, Any]) -> httpx.Response:
        content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
        return self._ask("PUT", name, content=content, headers={"Content-Type": "application/json"})

    def _ask(self, method: str, name: str, **more: Any) -> httpx.Response:
        check_name(name)
        try:
            return self._client.request(method, f"/streams/{name}", **more)
        except httpx.TransportError as error:
            raise NoBrokerError(f"no broker answers at {self._url}: {error}") from error

    def _definition(self, answer: httpx.Response) -> StreamDefinition:
        self._read(answer)
        return self._decoded(answer.content)

    def _decoded(self, data: bytes) -> StreamDefinition:
        try:
            return decode_json(StreamDefinition, data)
        except Quarantine as error:
            raise SettingsError(f"{self._url}: {error}: is that a Nuncius broker of this version?") from error

    def _read(self, answer: httpx.Response) -> Any:
        """The answer's JSON; what the broker refuses is said in its own words."""
        try:
            found = answer.json()
        except ValueError as error:
            raise SettingsError(f"{self._url}: HTTP {answer.status_code}: is that a Nuncius broker?") from error
        if answer.is_success:
            return found
        said = found.get("error") if isinstance(found, dict) else None
        words = f"{self._url}: {said or f'HTTP {answer.status_code}'}"
        if answer.status_code == httpx.codes.FORBIDDEN:
            words += "; put it into $NUNCIUS_HTTP_TOKEN here"
        raise Retry(words) if answer.is_server_error else SettingsError(words)
