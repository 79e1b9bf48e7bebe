"""What the doctor says of a Kafka cluster, from plain values: each fault is named, with its mending."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from nuncius.broker.app import look_back_of
from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.kafka_brokers_doctor import (
    NEEDS,
    GroupFacts,
    examine_brokers,
    examine_copies,
    examine_group,
    examine_trial,
)
from nuncius.broker.services.kafka_topics_doctor import LookBack, examine_topics
from nuncius.broker.settings import Settings
from nuncius.broker.transport import topics
from nuncius.broker.transport.kafka.errors import Refused
from nuncius.broker.transport.kafka.looking import BrokerFacts, ClusterFacts, TopicFacts
from nuncius.broker.transport.kafka.making import topic_settings
from nuncius.broker.transport.kafka.trial import Trial
from nuncius.broker.transport.kafka_node.properties import BROKER_SETTINGS
from nuncius.broker.transport.topics import Topic

LOOK_BACK = LookBack(window_days=14.0, lateness_days=10.0)
HOUR_MS = "3600000"


def sound(topic: Topic, replicas: int = 3) -> TopicFacts:
    return TopicFacts(topic.name, topic.partitions, replicas, replicas, 0, topic_settings(topic, replicas))


def examined(topic: Topic, facts: TopicFacts | Refused | None, brokers: int = 3) -> list[Finding]:
    return list(examine_topics([topic], {topic.name: facts}, brokers, LOOK_BACK, "k:9092"))


def with_setting(topic: Topic, name: str, value: str) -> list[Finding]:
    facts = sound(topic)
    return examined(topic, replace(facts, settings={**(facts.settings or {}), name: value}))


def wrong(found: list[Finding]) -> list[str]:
    return [one.detail for one in found if one.verdict == "wrong"]


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("brokers", [1, 3])
def test_a_topic_as_we_make_it_is_sound(topic: Topic, brokers: int) -> None:
    (found,) = examined(topic, sound(topic, brokers), brokers)
    assert (found.what, found.verdict) == (topic.name, "ok")
    assert ("kept for ever" in found.detail) == (topic.retention is None and not topic.compacted)


def test_a_fresh_cluster_is_worth_a_note_and_a_lost_topic_is_wrong() -> None:
    none: dict[str, TopicFacts | Refused | None] = {topic.name: None for topic in topics.TOPICS}
    (fresh,) = examine_topics(topics.TOPICS, none, 1, LOOK_BACK, "k:9092")
    assert (fresh.verdict, "nuncius up or any service makes them" in fresh.detail) == ("note", True)
    some = {**none, topics.MAPS.name: sound(topics.MAPS)}
    lost, maps = examine_topics(topics.TOPICS, some, 1, LOOK_BACK, "k:9092")
    assert (lost.verdict, maps.verdict) == ("wrong", "ok")
    assert topics.EVENTS.name in lost.detail
    assert topics.MAPS.name not in lost.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max.message.bytes", "1048576"),
        ("message.timestamp.type", "CreateTime"),
        ("cleanup.policy", "compact"),
        ("retention.ms", HOUR_MS),
        ("retention.bytes", "1000000"),
    ],
)
@pytest.mark.parametrize(
    "topic", [topics.EVENTS, topics.RAW_EVENTS, topics.MAPS, topics.COINCIDENCES], ids=lambda t: t.name
)
def test_every_setting_that_differs_is_named_with_its_mending(topic: Topic, name: str, value: str) -> None:
    (found,) = with_setting(topic, name, value)
    assert (found.what, found.verdict) == (topic.name, "wrong")
    assert f"{name}={value}" in found.detail
    assert "any service sets it when it starts: nuncius up" in found.detail


def test_room_for_larger_records_is_no_fault() -> None:
    assert wrong(with_setting(topics.EVENTS, "max.message.bytes", "99999999")) == []


def test_records_kept_longer_are_worth_a_note() -> None:
    found = with_setting(topics.HEARTBEATS, "retention.ms", "-1")
    assert [one.verdict for one in found] == ["note", "ok"]
    assert "kept for ever, not 1 day" in found[0].detail


@pytest.mark.parametrize(
    ("kept_days", "look_back", "verdict"),
    [
        (30, LookBack(14.0, 16.0), "ok"),
        (30, LookBack(14.0, 16.1), "note"),
        (30, LookBack(30.0, 0.0), "ok"),
        (30, LookBack(30.1, 0.0), "wrong"),
    ],
)
def test_candidates_are_kept_as_long_as_rules_look_back(kept_days: int, look_back: LookBack, verdict: str) -> None:
    topic = topics.CANDIDATES
    facts = replace(sound(topic), settings={"retention.ms": str(kept_days * 86_400_000)})
    found = list(examine_topics([topic], {topic.name: facts}, 1, look_back, "k:9092"))
    assert {one.verdict for one in found if one.what == topic.name and "rules" in one.detail} == ({verdict} - {"ok"})


def test_the_look_back_is_that_of_the_longest_rule_on_candidates() -> None:
    found = look_back_of(Settings.model_validate({"lateness_days": 5.0}))
    assert found == LookBack(28.0, 5.0)


def test_another_number_of_partitions_is_wrong() -> None:
    (detail,) = wrong(examined(topics.CANDIDATES, replace(sound(topics.CANDIDATES), partitions=8)))
    assert detail.startswith("8 partitions, not 64")
    assert "another namespace" in detail


def test_fewer_copies_than_there_could_be_are_wrong() -> None:
    (detail,) = wrong(examined(topics.EVENTS, sound(topics.EVENTS, 1), brokers=3))
    assert "1 of 3 copies on 3 brokers" in detail
    assert "kafka-reassign-partitions.sh --bootstrap-server k:9092" in detail


def test_copies_out_of_sync_are_told_from_too_few_to_write() -> None:
    facts = sound(topics.EVENTS)
    assert [one.verdict for one in examined(topics.EVENTS, replace(facts, in_sync=2))] == ["note", "ok"]
    (detail,) = wrong(examined(topics.EVENTS, replace(facts, in_sync=1)))
    assert detail.startswith("1 copies in sync, 2 must be")


@pytest.mark.parametrize(("least", "verdict"), [("1", "wrong"), ("3", "note"), ("4", "wrong")])
def test_copies_that_must_be_in_sync(least: str, verdict: str) -> None:
    found = with_setting(topics.EVENTS, "min.insync.replicas", least)
    (told,) = (one for one in found if "--alter --add-config min.insync.replicas=2" in one.detail)
    assert told.verdict == verdict


def test_a_partition_without_a_leader_is_wrong() -> None:
    (detail,) = wrong(examined(topics.EVENTS, replace(sound(topics.EVENTS), leaderless=1)))
    assert "no leader" in detail


def test_missing_rights_are_named() -> None:
    (unseen,) = wrong(examined(topics.EVENTS, Refused("no")))
    assert "--operation Describe --topic nuncius.events" in unseen
    (unset,) = wrong(examined(topics.EVENTS, replace(sound(topics.EVENTS), settings=None)))
    assert "--operation DescribeConfigs --topic nuncius.events" in unset


def cluster(settings: Mapping[str, str] | None, count: int = 1) -> ClusterFacts:
    return ClusterFacts(tuple(BrokerFacts(n, f"k{n}:9092", settings) for n in range(1, count + 1)), 1)


def test_a_node_of_ours_has_nothing_wrong() -> None:
    found = list(examine_brokers(cluster(BROKER_SETTINGS)))
    assert {one.verdict for one in found} == {"ok"}
    assert found[0].detail == "1: k1:9092; controller: 1"


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("offsets.retention.minutes", "10080", "note"),
        ("message.max.bytes", "1048588", "note"),
        ("socket.request.max.bytes", "1000000", "wrong"),
        ("transaction.max.timeout.ms", "9999", "wrong"),
        ("group.min.session.timeout.ms", "6001", "wrong"),
        ("group.max.session.timeout.ms", "5999", "wrong"),
    ],
)
def test_every_setting_of_a_broker_is_held_to_its_bound(name: str, value: str, verdict: str) -> None:
    found = list(examine_brokers(cluster({**BROKER_SETTINGS, name: value})))
    (told,) = (one for one in found if one.what == name)
    assert told.verdict == verdict
    assert f"set {name}={NEEDS[name].suggested} in server.properties" in told.detail
    need = NEEDS[name]
    for mending in (need.suggested, need.least or need.most):
        mended = {**BROKER_SETTINGS, name: str(mending)}
        assert {one.verdict for one in examine_brokers(cluster(mended))} == {"ok"}


def test_the_version_is_told_only_from_what_was_seen() -> None:
    def told(settings: Mapping[str, str]) -> Finding:
        return next(one for one in examine_brokers(cluster(settings)) if one.what == "kafka")

    assert told({"process.roles": "broker"}).detail.startswith("4.0 or newer")
    assert told({"process.roles": "broker", "zookeeper.connect": ""}).detail.startswith("older than 4.0")
    assert told({"cloud": "1"}).detail.startswith("no version told")


def test_brokers_that_do_not_tell_their_settings_are_worth_a_note() -> None:
    found = list(examine_brokers(cluster(None)))
    assert [one.verdict for one in found] == ["ok", "note"]
    assert "--operation DescribeConfigs --cluster" in found[1].detail


def test_one_broker_is_no_durability_and_three_must_hold_three_copies() -> None:
    own = TopicFacts("__consumer_offsets", 50, 1, 1)
    (one,) = examine_copies(1, {own.name: own})
    assert (one.verdict, "no durability beyond its disk" in one.detail) == ("note", True)
    (three,) = examine_copies(3, {own.name: own, "__transaction_state": None})
    assert (three.what, three.verdict) == (own.name, "wrong")
    assert list(examine_copies(3, {own.name: replace(own, replicas=3)})) == []


@pytest.mark.parametrize(
    ("ahead_s", "within_s", "verdict"),
    [(0.0, 0.01, "ok"), (-1.0, 0.01, "ok"), (1.02, 0.01, "wrong"), (-1.02, 0.01, "wrong"), (1.02, 0.5, "ok")],
)
def test_the_clock_is_wrong_beyond_a_second_that_is_certain(ahead_s: float, within_s: float, verdict: str) -> None:
    works, clock = examine_trial(Trial(0.05, ahead_s, within_s))
    assert works.detail == "one record committed in 50 ms and read back"
    assert clock.verdict == verdict
    assert ("NTP" in clock.detail) == (verdict == "wrong")


def test_a_record_with_its_senders_time_tells_no_clock() -> None:
    _, clock = examine_trial(Trial(0.05, None, 0.01))
    assert (clock.verdict, "LogAppendTime" in clock.detail) == ("wrong", True)


def test_groups_nobody_works_in_are_worth_a_note() -> None:
    found = examine_group("nuncius-match", GroupFacts("match", 0, 12), "kafka://k:9092")
    assert found.verdict == "note"
    assert "up to 12 records to read: start it with nuncius match --broker kafka://k:9092" in found.detail
    assert examine_group("g", GroupFacts("match", 2, 0), "a") == Finding("g", "ok", "2 members, nothing left to read")
