"""``nuncius demo``: two acts of history."""


def demo() -> None:
    """X."""
