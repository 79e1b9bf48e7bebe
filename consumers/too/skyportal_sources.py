"""Where a source of a SkyPortal lies: what it posts names the source, and no place."""

from typing import Annotated, Final

from pydantic import BaseModel, Field, SecretStr

from nuncius.consumers.too.door import Allowance, Door
from nuncius.schemas.errors import MalformedAlert, Retry

_ALLOWANCE: Final = Allowance(calls=10, within_s=2.0)
"""``rate_limit`` 5 a second, ``burst`` 10, of SkyPortal's own default configuration."""
_TIMEOUT_S: Final = 10.0
_NOT_THERE: Final = frozenset({400, 404})
"""How it answers for a source that it does not have, or that the account may not see."""


class _Place(BaseModel):
    ra: Annotated[float, Field(ge=0.0, le=360.0, allow_inf_nan=False)]
    dec: Annotated[float, Field(ge=-90.0, le=90.0, allow_inf_nan=False)]


class _Source(BaseModel):
    data: _Place


class SkyPortalSources:
    """Looks sources up.

    Parameters
    ----------
    url
        Of the SkyPortal.
    allowed_hosts
        Hosts that may be asked.
    token
        Of an account that may see the sources.
    """

    def __init__(self, url: str, allowed_hosts: frozenset[str], token: SecretStr) -> None:
        secret = token.get_secret_value()
        self._who = {"Authorization": f"token {secret}"}
        self._door = Door(
            "skyportal",
            url,
            allowed_hosts=allowed_hosts,
            allowance=_ALLOWANCE,
            secrets=(secret,),
            timeout_s=_TIMEOUT_S,
        )

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def place(self, obj_id: str) -> tuple[float, float]:
        """Right ascension and declination of a source, ICRS degrees; the name as `read_follow_up` lets through.

        Raises
        ------
        MalformedAlert
            If there is no such source.
        Retry
            If it does not answer, or not in its own words.
        """
        found = self._door.ask("GET", f"/api/sources/{obj_id}", headers=self._who)
        if found.code in _NOT_THERE:
            raise MalformedAlert(f"obj_id: SkyPortal has no source {obj_id} for us: {found.words}", "obj_id")
        if not found.good:
            raise Retry(f"skyportal: source {obj_id} cannot be looked up: {found.code}: {found.words}")
        there = found.read(_Source).data
        return there.ra % 360.0, there.dec
