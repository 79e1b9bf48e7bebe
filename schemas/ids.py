"""Identifiers that follow from content: the same input gives the same id on every machine and in every run."""

from hashlib import sha256
from uuid import UUID, uuid5

NAMESPACE = UUID("5e1d9e5f-7a1c-5a57-9a4e-6e756e636975")
"""Root of every Nuncius UUIDv5; chosen once, never to change."""


def digest(data: bytes) -> str:
    """sha256 of the bytes, in hexadecimal."""
    return sha256(data).hexdigest()


def alert_id(native_id: str, raw_sha256: str) -> str:
    """Id of an alert: UUIDv5 of its native id and the sha256 of the record's bytes (DESIGN 3)."""
    return str(uuid5(NAMESPACE, f"alert/{native_id}/{raw_sha256}"))


def coincidence_id(rule: str, anchor: str) -> str:
    """Id of what a rule finds around an anchor (a thread or event id)."""
    return str(uuid5(NAMESPACE, f"coincidence/{rule}/{anchor}"))


def candidate_list_id(rule: str, anchor: str) -> str:
    """Id of the ranked list a rule makes for an event."""
    return str(uuid5(NAMESPACE, f"candidates/{rule}/{anchor}"))


def request_id(policy: str, facility: str, cause_id: str) -> str:
    """Id of what a policy asks of a facility because of a cause: one request a triple, revised, never doubled."""
    return str(uuid5(NAMESPACE, f"too/{policy}/{facility}/{cause_id}"))
