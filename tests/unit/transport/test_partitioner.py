import pytest

from nuncius.broker.transport.partitioner import murmur2, partitions_of

# Signed results: Apache Kafka, clients, UtilsTest.testMurmur2. Unsigned ones: librdkafka, rdmurmur2.c, made with Java.
PUBLISHED = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
    b"kafka": 0xD067CF64,
    b"giberish123456789": 0x8F552B0C,
    b"1234": 0x9FC97B14,
    b"234": 0xE7C009CA,
    b"34": 0x873930DA,
    b"4": 0x5A4B5CA1,
    b"PreAmbleWillBeRemoved,ThePrePartThatIs": 0x78424F1C,
    b"": 0x106E08D9,
}


@pytest.mark.parametrize(("key", "expected"), PUBLISHED.items())
def test_agrees_with_java(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


def test_agrees_with_java_in_columns() -> None:
    """Enough copies of each key that whole columns are hashed."""
    keys = list(PUBLISHED) * 20
    positive = [PUBLISHED[key] & 0x7FFFFFFF for key in keys]
    assert partitions_of(keys, 64) == [value % 64 for value in positive]
    assert partitions_of(keys, 17) == [value % 17 for value in positive]


def test_one_partition_takes_all() -> None:
    assert partitions_of([b"a", b"b", b""], 1) == [0, 0, 0]


def test_no_keys_no_partitions() -> None:
    assert partitions_of([], 64) == []
