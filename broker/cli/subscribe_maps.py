"""Sky maps by their sha256, from whatever broker the records come from."""

from collections.abc import Callable

from nuncius.broker.settings import Settings
from nuncius.broker.transport.address import HttpAddress, parse_address


def map_reader(settings: Settings) -> Callable[[str], bytes | None]:
    """Reads the FITS file of a map, as received; it answers None where the broker does not keep that one.

    Raises
    ------
    SettingsError
        If there is no broker.
    """
    address = parse_address(settings.broker or "")
    return _over_http(address.url) if isinstance(address, HttpAddress) else _on_a_log(settings)


def _on_a_log(settings: Settings) -> Callable[[str], bytes | None]:
    from nuncius.broker.app import open_log
    from nuncius.broker.services.maps import MapShelf

    shelf = MapShelf(open_log(settings, settings.broker))
    return lambda sha256: shelf.bytes_of(sha256) if sha256 in shelf else None


def _over_http(url: str) -> Callable[[str], bytes | None]:
    import httpx

    from nuncius.schemas import Retry, ids

    def read(sha256: str) -> bytes | None:
        try:
            answer = httpx.get(f"{url}/skymaps/{sha256}", params={"format": "fits"}, timeout=60.0)
        except httpx.TransportError as error:
            raise Retry(f"{url}: no sky map: {type(error).__name__}: {error}") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise Retry(f"{url}: no sky map: HTTP {answer.status_code}")
        if ids.digest(answer.content) != sha256:
            raise Retry(f"{url}: what came as the sky map {sha256} is something else; is that a Nuncius broker?")
        return answer.content

    return read
