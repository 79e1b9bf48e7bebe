"""The door that an adapter's settings describe."""

from typing import Protocol

from pydantic import SecretStr

from nuncius.consumers.too.door import Allowance, Door


class Where(Protocol):
    """What every adapter's settings say of its facility's web service."""

    @property
    def name(self) -> str:
        """Of the adapter."""

    @property
    def url(self) -> str:
        """That paths are added to."""

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts that may be asked."""

    @property
    def timeout_s(self) -> float:
        """For one answer."""


def door_to(where: Where, allowance: Allowance, *secrets: SecretStr) -> Door:
    """A door whose answers never show the secrets; errors as `Door`."""
    return Door(
        where.name,
        where.url,
        allowed_hosts=where.allowed_hosts,
        allowance=allowance,
        secrets=tuple(secret.get_secret_value() for secret in secrets),
        timeout_s=where.timeout_s,
    )
