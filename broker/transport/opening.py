"""Opening the log that an address names, whatever keeps it."""

import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nuncius.broker.transport.address import Address, HttpAddress, KafkaAddress, KafkaLocalAddress, LocalAddress
from nuncius.broker.transport.kafka.cluster import Cluster, Connection, Registry
from nuncius.broker.transport.kafka.wire import Framing, no_framing
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.schemas.errors import SettingsError


class NotRunning(SettingsError):  # noqa: N818  named as the errors it belongs to
    """Nothing runs at the address (yet); a broker that is just starting will."""


def open_address(
    address: Address, clock: Callable[[], datetime], connection: Connection, node_folder: Path | None
) -> Log:
    """The log at an address, as it is: topics are not made.

    Parameters
    ----------
    address
        What was asked for.
    clock
        Aware UTC.
    connection
        How to connect, where it is a Kafka cluster.
    node_folder
        Where the Kafka node of ``kafka:local`` lies.

    Raises
    ------
    NotRunning
        For ``kafka:local`` where no node runs.
    SettingsError
        For an address that holds no log, or one that cannot be opened.
    Retry
        If the cluster does not answer now.
    """
    match address:
        case LocalAddress(folder):
            return open_local(folder, clock)
        case KafkaLocalAddress():
            return _open_cluster(KafkaAddress(running_node(node_folder)), clock, connection)
        case KafkaAddress():
            return _open_cluster(address, clock, connection)
        case HttpAddress(url):
            raise SettingsError(f"{url}: a log is needed here; give local:DIR or kafka://HOST:PORT")


def running_node(folder: Path | None) -> str:
    """``HOST:PORT`` of the node of ``kafka:local``; `NotRunning` where none runs."""
    from nuncius.broker.transport.kafka_node.ours import find_ours

    found = None if folder is None else find_ours(folder)
    if found is None:
        raise NotRunning("kafka:local: no Kafka of ours runs here; start it with: nuncius up --broker kafka:local")
    return found


def _open_cluster(address: KafkaAddress, clock: Callable[[], datetime], connection: Connection) -> Log:
    from nuncius.broker.transport.kafka.log import KafkaLog

    cluster = Cluster(address.servers, address.namespace, connection)
    return KafkaLog(cluster, clock, _framing(connection.registry))


def _framing(registry: Registry | None) -> Framing:
    if registry is None:
        return no_framing()
    try:
        with warnings.catch_warnings(record=True):  # authlib prefers another httpx, and says so to users
            from nuncius.broker.transport.kafka.registry import registry_framing
    except ModuleNotFoundError as error:
        raise SettingsError("schema_registry in [kafka] needs more: pip install 'nuncius[registry]'") from error
    return registry_framing(registry)
