"""The one place that reads the wall clock."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, aware UTC."""
    return datetime.now(UTC)  # noqa: TID251  the one place that may
