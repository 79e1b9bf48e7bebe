"""Ingest: readings in, one transaction out. What is acked here is never lost."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from nuncius.broker.services.entries import Entry, Plan, packet_entry
from nuncius.broker.services.fates import Fate
from nuncius.broker.services.reading import Reading, refused
from nuncius.broker.services.seen import Seen
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Transaction, Writer
from nuncius.schemas import Alert, CandidateBatch, LimitExceeded, Localization, Quarantine, SkyMapRef, ids
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode
from nuncius.schemas.limits import MAX_PACKET_BYTES
from nuncius.schemas.vocabulary import RunMode

SLOT: Final = "nuncius-ingest"


class Ingest:
    """Writes readings to the log: bytes as received, alerts, rows, maps, and what could not be read.

    Parameters
    ----------
    log
        Where to.
    check_map
        Raises a `Quarantine` for sky-map bytes that do not read; such a map is left out of its alert, which says so.
    run_mode
        Written into every candidate row; alerts carry their own.
    slot
        Name of the writer; a second one of the same name fences this one.
    """

    def __init__(self, log: Log, check_map: Callable[[bytes], object], run_mode: RunMode, slot: str = SLOT) -> None:
        self._log = log
        self._slot = slot
        self._writer: Writer = log.writer(slot)
        self._check_map = check_map
        self._run_mode: RunMode = run_mode
        self.seen = Seen(log)

    def accept(
        self,
        readings: Sequence[Reading],
        also: Callable[[Transaction], object] = lambda _: None,
    ) -> tuple[tuple[Fate, ...], ...]:
        """Write readings in one transaction; returns the fates of each once they are durable.

        Parameters
        ----------
        readings
            In the order they are to be written.
        also
            Adds what belongs to the same transaction, such as the offsets of what was read.

        Raises
        ------
        Retry
            If the log cannot take them now; nothing was written, or (`CommitUnknown`) it is unknown.
        """
        self.seen.catch_up()
        hashes, maps = set[str](), set[str]()
        plans = []
        for reading in readings:
            known = reading.sha256 in hashes or self._knows(reading)
            plans.append(_duplicate(reading) if known and not _cut(reading) else self._plan(reading, maps))
            hashes.add(reading.sha256)
        with self._writer.transaction() as tx:
            for plan in plans:
                if plan.batch is None:
                    for entry in plan.entries:
                        entry.send(tx)
            self._put_surveys(tx, [plan for plan in plans if plan.batch is not None])
            also(tx)
        return tuple(plan.fates for plan in plans)

    def reopen(self) -> None:
        """Take a new writer, after a transaction whose end is unknown."""
        self._writer.close()
        self._writer = self._log.writer(self._slot)

    def close(self) -> None:
        """Give the writer's slot back."""
        self._writer.close()

    def _knows(self, reading: Reading) -> bool:
        """Whether the log has it; what was quarantined and reads now (a schema was supplied, a fault mended) is new."""
        return reading.sha256 in (self.seen.readable if reading.fault is None else self.seen.hashes)

    def _plan(self, reading: Reading, maps: set[str]) -> Plan:
        """What to write for a packet; one that the log cannot hold is quarantined in its place."""
        if reading.fault is not None:
            fates = (Fate("quarantined", reading.fault.reason),)
            return Plan(fates, (packet_entry(topics.QUARANTINE.name, reading, fates, encode(reading.fault)),))
        plan = self._event_plan(reading, maps) if reading.rows is None else _survey_plan(reading, reading.rows)
        if not plan.too_large:
            maps.update(entry.key for entry in plan.entries if entry.topic == topics.MAPS.name)
            return plan
        reason = LimitExceeded(plan.too_large).reason
        return self._plan(refused(reading.packet, reading.sha256, reason, plan.too_large), maps)

    def _event_plan(self, reading: Reading, maps: set[str]) -> Plan:
        fates = tuple(Fate("alert", f"{a.kind}:{a.reality}") for a in reading.alerts)
        fates += tuple(Fate("not_an_alert", other.reason) for other in reading.non_alerts)
        shelf: dict[str, bytes] = {}
        slim = [self._without_maps(alert, shelf, maps) for alert in reading.alerts]
        entries = [
            Entry(topics.MAPS.name, key, data)
            for key, data in shelf.items()
            if key not in self.seen.maps and key not in maps
        ]
        entries += [Entry(topics.EVENTS.name, alert.thread_id, encode(alert)) for alert in slim]
        topic = topics.RAW_EVENTS if reading.alerts else topics.RAW_OTHER
        return Plan(fates, (*entries, packet_entry(topic.name, reading, fates, reading.packet.payload)))

    def _put_surveys(self, tx: Transaction, plans: Sequence[Plan]) -> None:
        """Survey packets and, pointing at them, their slim rows."""
        if not plans:
            return
        before = len(tx.flush())
        for plan in plans:
            for entry in plan.entries:
                entry.send(tx)
        for plan, offset in zip(plans, tx.flush()[before:], strict=True):
            batch = CandidateBatch.empty() if plan.batch is None else plan.batch
            pointed = replace(batch, raw_offset=np.full(len(batch), offset, np.int64))
            for row in rows(pointed, self._run_mode):
                tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())

    def _without_maps(self, alert: Alert, shelf: dict[str, bytes], maps: set[str]) -> Alert:
        """The alert with its maps on the shelf, by hash; one that does not read, or is not here, is left out and named.

        A packet may name a map that it does not bring, as a VOEvent of another broker does.
        """
        if not any(isinstance(item.shape, SkyMapRef) for item in alert.localizations):
            return alert
        kept: list[Localization] = []
        faults: list[str] = []
        for localization in alert.localizations:
            shape = localization.shape
            if not isinstance(shape, SkyMapRef):
                kept.append(localization)
                continue
            if shape.data is None:
                if not shape.sha256 or shape.sha256 in self.seen.maps or shape.sha256 in maps:
                    kept.append(localization)
                    continue
                faults.append(f"the sky map {shape.sha256[:64]!r} did not come with the alert, and is not on this log")
                if shape.url:
                    kept.append(replace(localization, shape=replace(shape, sha256="", nbytes=0)))
                continue
            try:
                self._check_map(shape.data)
            except Quarantine as error:
                faults.append(str(error))
                continue
            key = ids.digest(shape.data)
            shelf[key] = shape.data
            kept.append(replace(localization, shape=replace(shape, sha256=key, data=None)))
        noted = {**alert.properties, "skymap_error": "; ".join(faults)} if faults else alert.properties
        return replace(alert, localizations=tuple(kept), properties=noted)


def _cut(reading: Reading) -> bool:
    """Whether only the head of the packet was read: two with the same head need not be the same packet."""
    return reading.fault is not None and reading.fault.nbytes > MAX_PACKET_BYTES


def _duplicate(reading: Reading) -> Plan:
    fates = (Fate("duplicate"),)
    return Plan(fates, (packet_entry(topics.RAW_OTHER.name, reading, fates, b""),))


def _survey_plan(reading: Reading, batch: CandidateBatch) -> Plan:
    kinds = ("initial" if n <= 1 else "subsequent" for n in batch.detections.tolist())
    fates = tuple(Fate("alert", f"{kind}:{reality}") for kind, reality in zip(kinds, batch.reality, strict=True))
    return Plan(fates, (packet_entry(topics.RAW_CANDIDATES.name, reading, fates, reading.packet.payload),), batch)
