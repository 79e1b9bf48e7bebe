from nuncius.broker.transport.topics import TOPICS


def test_the_topics_of_the_design() -> None:
    """DESIGN 4: names and partitions; events are kept for ever, streams are compacted."""
    assert {topic.name: topic.partitions for topic in TOPICS} == {
        "nuncius.inbox": 8,
        "nuncius.raw.events": 1,
        "nuncius.raw.candidates": 1,
        "nuncius.raw.other": 1,
        "nuncius.maps": 1,
        "nuncius.events": 1,
        "nuncius.candidates": 64,
        "nuncius.counterparts": 1,
        "nuncius.coincidences": 1,
        "nuncius.quarantine": 1,
        "nuncius.heartbeats": 1,
        "nuncius.streams": 1,
        "nuncius.too.requests": 1,
        "nuncius.too.status": 1,
        "nuncius.observations": 1,
    }
    kept = {topic.name for topic in TOPICS if topic.retention is None}
    assert {"nuncius.events", "nuncius.maps", "nuncius.coincidences", "nuncius.too.requests"} <= kept
    assert [topic.name for topic in TOPICS if topic.compacted] == ["nuncius.streams"]
