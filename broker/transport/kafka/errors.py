"""What an error of Kafka means to the caller: try again, change the settings, or end."""

from typing import Final

from confluent_kafka import KafkaError, KafkaException

from nuncius.broker.transport.port import Fenced
from nuncius.schemas.errors import LimitExceeded, NunciusError, Retry, SettingsError, Stop


class Refused(SettingsError):  # noqa: N818  named as the errors it belongs to
    """The cluster does not let us in, or not do this: a password is wrong, or a right is missing."""


_FENCED: Final = frozenset(
    (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH),
)
_REFUSED: Final = frozenset(
    (
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ),
)
_ABSENT: Final = frozenset(
    (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION),
)
LEADERLESS: Final = frozenset(
    (
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError._NOENT,  # no leader found
    ),
)
"""A partition is just getting its leader, as in the first moments of a topic and after a broker has died."""

_SILENT: Final = frozenset((KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT))
"""Nobody answers, or hangs up on us: as a broker does that expects another protocol."""

_BROKEN: Final = frozenset((KafkaError._INVALID_ARG, KafkaError._NOT_IMPLEMENTED, KafkaError._CONFLICT))
"""A call of ours was wrong. Every other error has to do with the cluster, and a cluster comes back."""


def explain(error: KafkaException | KafkaError, where: str) -> NunciusError:
    """The error of ours that a Kafka error stands for.

    ``where`` names the cluster, and what was being done.
    """
    known = error if isinstance(error, KafkaError) else error.args[0]
    if not isinstance(known, KafkaError):
        return Stop(f"{where}: {known}")
    code, text = known.code(), known.str()
    if code in _FENCED:
        return Fenced(f"{where}: {text}")
    if code in _REFUSED:
        return Refused(f"{where}: refused: {text}; look at [kafka] in the settings and at the rights there")
    if code == KafkaError._SSL:
        hint = "look at ca_file in the settings, and whether the certificate is for this host"
        return SettingsError(f"{where}: no secure connection: {text}; {hint}")
    if code in _ABSENT:
        return Retry(
            f"{where}: {text}; a broker that comes back learns its topics, and nuncius up makes those that lack"
        )
    if code == KafkaError.MSG_SIZE_TOO_LARGE:
        return LimitExceeded(f"{where}: {text}; nuncius doctor shows what sizes the cluster takes")
    if code in _BROKEN:
        return Stop(f"{where}: {text} ({known.name()}); please report it")
    hint = "; is it up, and is security_protocol right?" if code in _SILENT else ""
    return Retry(f"{where}: {text} ({known.name()}){hint}")
