"""The jars and the Java of this machine, for tests that need a real Apache Kafka."""

import os
from pathlib import Path

import pytest

from nuncius.broker.transport.kafka_node.jars import cache_folder, jars, java
from nuncius.schemas.errors import SettingsError


def kafka_jars() -> tuple[Path, str]:
    """Folder of jars, and Java; skips where they cannot be had, fails instead under ``NUNCIUS_REQUIRE_KAFKA=1``."""
    try:
        program = java(os.environ)
        return jars(cache_folder(os.environ), os.environ, print), program
    except SettingsError as error:
        if os.environ.get("NUNCIUS_REQUIRE_KAFKA"):
            pytest.fail(f"NUNCIUS_REQUIRE_KAFKA is set: {error}", pytrace=False)
        pytest.skip(str(error))
