"""A month of the world's alerts through the whole road: nothing lost, bursts recognised, realities kept apart."""

import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import nuncius
from lxml import etree
from road import now, records

from nuncius.broker.matching import Associate
from nuncius.broker.matching.rules_toml import load_rules
from nuncius.broker.services.associating import Associating
from nuncius.broker.services.fates import SOURCE
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.seen import PACKET_TOPICS
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import Alert, Coincidence
from nuncius.schemas.codec import decode

pytestmark = [pytest.mark.alerts, pytest.mark.long, pytest.mark.timeout(600)]

PACKETS = 29_233
ARCHIVE = "2019-05.001.tar.bz2"
PREFIXES = {
    "AGILE": "agile-mcal:",
    "CALET": "calet-gbm:",
    "Fermi": "fermi-gbm:",
    "INTEGRAL": "integral:",
    "KONUS": "konus:",
    "SWIFT": "swift-bat:",
}
"""Sources of the independent reading, and our threads of their bursts. IPN numbers none of its: it goes by time."""

EXCEPTIONS: Mapping[str, str] = {}
"""Bursts (by the time of their first notice) that do not come out as one event, and why."""

WIDE = """
[[rule]]
name = "anything-within-a-day"
kind = "events"
source = "a test: whatever could be mixed up, is near"
anchor = { messengers = ["gravitational_wave"] }
partner = { messengers = ["photon", "neutrino"], event_classes = ["grb", "sub_grb", "neutrino_track"] }
window_s = [-86400.0, 86400.0]
"""


@dataclass(frozen=True)
class Month:
    """What came out: the printed rows, and the log."""

    rows: list[dict[str, Any]]
    log: Log
    alerts: tuple[Alert, ...]
    bursts: dict[str, str]
    """Thread -> event."""

    @property
    def summary(self) -> dict[str, Any]:
        return self.rows[-1]


@pytest.fixture(scope="module")
def month(alerts_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    home = tmp_path_factory.mktemp("may")
    archive = alerts_dir / "archive" / ARCHIVE
    run = nuncius("replay", "--json", archive, "--broker", "local:log", home=home, patience_s=500)
    with closing(open_local(home / "log", utc_now)) as log:
        stepper = Associating((), 30.0, MapShelf(log))
        events = TopicPartition(topics.EVENTS.name, 0)
        stepper.restore(log, {events: log.end(events)})
        bursts = {thread: event for event, threads in stepper.bursts() for thread in threads}
        alerts = tuple(decode(Alert, r.value) for r in records(log, topics.EVENTS.name) if r.value is not None)
        yield Month(run.rows(), log, alerts, bursts)


@pytest.fixture(scope="module")
def clusters(alerts_dir: Path) -> list[list[dict[str, Any]]]:
    read: dict[str, list[list[dict[str, Any]]]] = json.loads(
        (alerts_dir / "archive" / "2019-05.same-burst.json").read_text()
    )
    return read["clusters"]


def test_the_summary_accounts_for_every_packet(month: Month) -> None:
    said = month.summary
    assert said["packets"] == said["files"] == PACKETS
    assert said["alerts"] + said["non_alerts"] + said["duplicates"] + said["quarantined"] == PACKETS
    assert sum(said["alerts_by_kind"].values()) == sum(said["alerts_by_reality"].values()) == said["alerts"]
    assert sum(said["non_alerts_by_reason"].values()) == said["non_alerts"]
    assert sum(said["quarantined_by_reason"].values()) == said["quarantined"]
    assert said["alerts"] == len(month.alerts)
    assert said["too_late"] == 0


def test_every_file_of_the_archive_left_one_record(month: Month, alerts_dir: Path) -> None:
    with tarfile.open(alerts_dir / "archive" / ARCHIVE) as archive:
        members = Counter(f"{ARCHIVE}!{member.name.removeprefix('./')}" for member in archive if member.isfile())
    kept = Counter(
        dict(record.headers)[SOURCE].decode() for topic in PACKET_TOPICS for record in records(month.log, topic)
    )
    assert kept == members


def test_only_what_no_one_can_read_is_quarantined(month: Month, alerts_dir: Path) -> None:
    set_aside = {row["source"].partition("!")[2] for row in month.rows if row["type"] == "quarantined"}
    assert len(set_aside) == month.summary["quarantined"]
    readable = []
    with tarfile.open(alerts_dir / "archive" / ARCHIVE) as archive:
        for member in archive if set_aside else ():
            if member.name.removeprefix("./") in set_aside and (content := archive.extractfile(member)) is not None:
                try:
                    etree.fromstring(content.read())
                except etree.XMLSyntaxError:
                    continue
                readable.append(member.name)
    assert readable == []


def test_one_burst_of_several_instruments_is_one_event(month: Month, clusters: list[list[dict[str, Any]]]) -> None:
    torn = []
    for cluster in clusters:
        threads = [PREFIXES[m["source"]] + m["trigger"] for m in cluster if m["source"] != "IPN"]
        found = {month.bursts.get(thread) for thread in threads}
        if len(found) != 1 or None in found:
            torn.append(cluster[0]["time"])
    assert len(clusters) == 12
    assert set(torn) <= set(EXCEPTIONS)
    assert len(torn) <= 2


def test_no_event_swallows_two_bursts(month: Month, clusters: list[list[dict[str, Any]]]) -> None:
    events = [month.bursts[PREFIXES[m["source"]] + m["trigger"]] for c in clusters for m in c[:1]]
    assert len(set(events)) == len(clusters)
    own = Counter((event, thread.partition(":")[0]) for thread, event in month.bursts.items())
    assert [pair for pair, n in own.items() if n > 1] == []


def test_bursts_that_are_one_event_have_one_reality(month: Month) -> None:
    realities: dict[str, set[str]] = {}
    for alert in month.alerts:
        if alert.thread_id in month.bursts:
            realities.setdefault(month.bursts[alert.thread_id], set()).add(alert.reality)
    assert [event for event, found in realities.items() if len(found) > 1] == []


def test_mock_events_are_not_real(month: Month) -> None:
    mock = [a for a in month.alerts if a.thread_id.startswith(("lvk:MS", "lvk:M"))]
    assert len(mock) > 100
    assert {alert.reality for alert in mock} == {"test"}
    real = {a.thread_id for a in month.alerts if a.messenger == "gravitational_wave" and a.reality == "real"}
    assert {"lvk:S190510g", "lvk:S190521g", "lvk:S190521r"} <= real
    assert not [thread for thread in real if thread.startswith("lvk:M")]


def test_nothing_found_mixes_realities(month: Month) -> None:
    reality = {alert.alert_id: alert.reality for alert in month.alerts}
    for row in month.rows:
        if row["type"] == "coincidence":
            used = [*row["anchor"]["alert_ids"], *row["partner"]["alert_ids"]]
            assert {reality[alert_id] for alert_id in used} == {row["reality"]}


def test_whatever_is_near_in_time_realities_are_not_mixed(month: Month) -> None:
    engine, crowd = Associate(load_rules(WIDE), 3000.0), Counter[str]()
    near = []
    for alert in month.alerts:
        crowd[alert.facility] += 1
        if alert.facility != "Swift" or crowd["Swift"] % 20 == 0:  # Swift's sub-threshold positions are thousands
            near.append(alert)
    engine.apply(engine.step(tuple(near), (), MapShelf(month.log), now()).delta)
    found = [record for record in engine.published() if isinstance(record, Coincidence)]
    reality = {alert.alert_id: alert.reality for alert in month.alerts}
    assert Counter(record.reality for record in found)["real"] >= 5
    assert Counter(record.reality for record in found)["test"] >= 5
    for record in found:
        members = [record.anchor, record.partner, *(pair.partner for pair in record.others)]
        assert {reality[alert_id] for m in members for alert_id in m.alert_ids} == {record.reality}
