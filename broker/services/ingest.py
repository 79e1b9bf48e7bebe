"""Ingest: readings in, one transaction out. What is acked here is never lost."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from nuncius.broker.services.fates import HEADER, SOURCE, STREAM, Fate, to_header
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.seen import Seen
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Headers, Log, Transaction, Writer
from nuncius.schemas import Alert, CandidateBatch, Localization, Quarantine, SkyMapRef, ids
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode
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

    def accept(self, readings: Sequence[Reading]) -> tuple[tuple[Fate, ...], ...]:
        """Write readings in one transaction; returns the fates of each once they are durable.

        Raises
        ------
        Retry
            If the log cannot take them now; nothing was written, or (`CommitUnknown`) it is unknown.
        """
        self.seen.catch_up()
        with self._writer.transaction() as tx:
            fresh = self._only_new(readings)
            fates = tuple(
                self._put(tx, reading) if new else _raw(tx, topics.RAW_OTHER.name, reading, (Fate("duplicate"),), b"")
                for reading, new in zip(readings, fresh, strict=True)
            )
            self._put_rows(tx, [reading for reading, new in zip(readings, fresh, strict=True) if new])
        return fates

    def reopen(self) -> None:
        """Take a new writer, after a transaction whose end is unknown."""
        self._writer.close()
        self._writer = self._log.writer(self._slot)

    def close(self) -> None:
        """Give the writer's slot back."""
        self._writer.close()

    def _only_new(self, readings: Sequence[Reading]) -> list[bool]:
        known = set[str]()
        fresh = []
        for reading in readings:
            fresh.append(reading.sha256 not in self.seen.hashes and reading.sha256 not in known)
            known.add(reading.sha256)
        return fresh

    def _put(self, tx: Transaction, reading: Reading) -> tuple[Fate, ...]:
        if reading.fault is not None:
            fate = (Fate("quarantined", reading.fault.reason),)
            headers = _headers(reading, fate)
            tx.send(topics.QUARANTINE.name, encode(reading.fault), key=reading.sha256.encode(), headers=headers)
            return fate
        if reading.rows is not None:
            return _row_fates(reading.rows)
        for alert in reading.alerts:
            tx.send(topics.EVENTS.name, encode(self._without_maps(tx, alert)), key=alert.thread_id.encode())
        fates = tuple(Fate("alert", f"{a.kind}:{a.reality}") for a in reading.alerts)
        fates += tuple(Fate("not_an_alert", other.reason) for other in reading.non_alerts)
        topic = topics.RAW_EVENTS if reading.alerts else topics.RAW_OTHER
        return _raw(tx, topic.name, reading, fates, reading.packet.payload)

    def _put_rows(self, tx: Transaction, readings: Sequence[Reading]) -> None:
        """Survey packets and, pointing at them, their slim rows."""
        surveys = [(reading, reading.rows) for reading in readings if reading.rows is not None]
        if not surveys:
            return
        before = len(tx.flush())
        for reading, batch in surveys:
            _raw(tx, topics.RAW_CANDIDATES.name, reading, _row_fates(batch), reading.packet.payload)
        offsets = tx.flush()[before:]
        for (_, batch), offset in zip(surveys, offsets, strict=True):
            pointed = replace(batch, raw_offset=np.full(len(batch), offset, np.int64))
            for row in rows(pointed, self._run_mode):
                tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())

    def _without_maps(self, tx: Transaction, alert: Alert) -> Alert:
        """The alert with its maps' bytes on their own topic; a map that does not read is left out and named."""
        if not any(isinstance(item.shape, SkyMapRef) and item.shape.data for item in alert.localizations):
            return alert
        kept: list[Localization] = []
        faults: list[str] = []
        for localization in alert.localizations:
            shape = localization.shape
            if not isinstance(shape, SkyMapRef) or shape.data is None:
                kept.append(localization)
                continue
            try:
                self._check_map(shape.data)
            except Quarantine as error:
                faults.append(str(error))
                continue
            key = ids.digest(shape.data)
            if key not in self.seen.maps:
                tx.send(topics.MAPS.name, shape.data, key=key.encode())
            kept.append(replace(localization, shape=replace(shape, sha256=key, data=None)))
        noted = {**alert.properties, "skymap_error": "; ".join(faults)} if faults else alert.properties
        return replace(alert, localizations=tuple(kept), properties=noted)


def _row_fates(batch: CandidateBatch) -> tuple[Fate, ...]:
    kinds = ("initial" if n <= 1 else "subsequent" for n in batch.detections.tolist())
    return tuple(Fate("alert", f"{kind}:{reality}") for kind, reality in zip(kinds, batch.reality, strict=True))


def _raw(tx: Transaction, topic: str, reading: Reading, fates: tuple[Fate, ...], value: bytes) -> tuple[Fate, ...]:
    tx.send(topic, value, key=reading.sha256.encode(), headers=_headers(reading, fates))
    return fates


def _headers(reading: Reading, fates: tuple[Fate, ...]) -> Headers:
    packet = reading.packet
    headers: Headers = ((HEADER, to_header(fates)), (SOURCE, packet.source.encode()))
    return (*headers, (STREAM, packet.stream.encode())) if packet.stream else headers
