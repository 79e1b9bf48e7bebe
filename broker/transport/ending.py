"""Brings a transaction to its end whose end was lost: a Kafka broker that is killed can leave one open for ever."""

from collections.abc import Iterable

from nuncius.broker.transport.port import Log, TopicPartition, Writer


def end_what_is_open(log: Log, writer: Writer, partitions: Iterable[TopicPartition]) -> None:
    """Where readers do not get on now, a record without a value is committed: its mark ends what was open before, too.

    That holds for transactions of the writer's own slot. To commit is right where the end that was lost is one that the
    writer was told of; what it was not told of is work that is done again, and known by its keys.

    Parameters
    ----------
    log
        Where.
    writer
        Just taken.
    partitions
        Where its slot writes.
    """
    held = [tp for tp in partitions if not _is_read_up(log, tp)]
    if held:
        with writer.transaction() as tx:
            for tp in held:
                tx.send(tp.topic, None, partition=tp.partition)


def _is_read_up(log: Log, tp: TopicPartition) -> bool:
    reader = log.reader({tp: log.end(tp)})
    try:
        return reader.caught_up()
    finally:
        reader.close()
