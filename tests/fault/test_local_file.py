"""A file that is broken, foreign, full or locked; a disk that fails while committing."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from transport_logs import everything, ticking, values, write

from nuncius.broker.transport import local_store
from nuncius.broker.transport.file_lock import FileLock
from nuncius.broker.transport.local import LocalLog, open_local
from nuncius.broker.transport.port import Fenced, TopicPartition
from nuncius.broker.transport.topics import Topic
from nuncius.schemas.errors import CommitUnknown, LogDamaged, Retry, SettingsError, Stop

TOPIC = Topic(name="t")
TP = TopicPartition("t", 0)


def open_log(folder: Path) -> LocalLog:
    log = open_local(folder, ticking())
    log.create([TOPIC])
    return log


def write_database(folder: Path, *statements: str) -> None:
    """Change the file behind the log's back."""
    with sqlite3.connect(folder / "log.sqlite") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(b"SIMPLE  =                    T" * 1000)
    with pytest.raises(LogDamaged, match=r"log\.sqlite.* put back a copy"):
        open_local(tmp_path, ticking())


def test_a_database_of_another_program(tmp_path: Path) -> None:
    write_database(tmp_path, "CREATE TABLE stars (ra, dec)")
    with pytest.raises(SettingsError, match="another program"):
        open_local(tmp_path, ticking())
    write_database(tmp_path, "PRAGMA application_id = 42")
    with pytest.raises(SettingsError, match="another program"):
        open_local(tmp_path, ticking())


def test_a_log_of_another_version(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    write_database(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(SettingsError, match="layout 99"):
        open_local(tmp_path, ticking())


def test_pages_overwritten_with_noise_are_found_when_they_are_read(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    write(log.writer("w"), "t", [b"%d" % number + bytes(3000) for number in range(200)])
    log.close()
    path = tmp_path / "log.sqlite"
    data = bytearray(path.read_bytes())
    data[5 * 16384 :] = b"\x5a" * (len(data) - 5 * 16384)
    path.write_bytes(data)
    log = open_local(tmp_path, ticking())
    with pytest.raises(LogDamaged, match=r"log\.sqlite"):
        everything(log, "t")
    log.close()


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nuncius"])
def test_a_place_where_no_folder_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="name another"):
        open_local(tmp_path / place, ticking())


def test_a_position_beyond_the_end_is_damage(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(LogDamaged, match="beyond its end 0"):
        log.reader({TP: 1})
    log.close()


def test_a_full_disk_is_tried_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    writer = log.writer("w")
    ((pages,),) = log._store._connection.execute("PRAGMA page_count").fetchall()
    log._store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    write(writer, "t", [b"small"])
    with pytest.raises(Retry, match="disk is full"):
        write(writer, "t", [b"kept?", bytes(200_000)], offset=(TP, 1))
    log._store._connection.execute("PRAGMA max_page_count = 1000000")
    write(writer, "t", [b"after"])
    assert values(everything(log, "t")) == [b"small", b"after"]
    assert log.committed("group", TP) is None
    log.close()


def test_a_lock_that_is_never_given_back_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(tmp_path)
    writer = log.writer("w")
    monkeypatch.setattr(local_store, "WAIT_S", 0.05)
    other = FileLock(tmp_path / "write.lock")
    assert other.try_acquire()
    with pytest.raises(Retry, match="locked"):
        write(writer, "t", [b"not now"])
    other.close()
    write(writer, "t", [b"now"])
    assert values(everything(log, "t")) == [b"now"]
    log.close()


def test_a_thread_that_holds_the_turn_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_local(None, ticking())
    log.create([TOPIC])
    writer = log.writer("w")
    monkeypatch.setattr(local_store, "WAIT_S", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with log._store.alone():
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    with pytest.raises(Retry, match="another thread"):
        write(writer, "t", [b"given up"])
    done.set()
    thread.join()
    write(writer, "t", [b"now"])
    assert values(everything(log, "t")) == [b"now"]
    log.close()


class FailingDisk:
    """A connection whose COMMIT fails once, before or after the records are on the disk."""

    def __init__(self, connection: sqlite3.Connection, *, after: bool) -> None:
        self._connection = connection
        self._after = after
        self._armed = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        if statement == "COMMIT" and self._armed:
            self._armed = False
            if self._after:
                self._connection.execute("COMMIT")
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return self._connection.execute(statement, *parameters)


@pytest.mark.parametrize("after", [False, True])
def test_a_disk_that_fails_while_committing_leaves_the_outcome_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    log = open_log(tmp_path)
    writer = log.writer("w")
    monkeypatch.setattr(log._store, "_connection", FailingDisk(log._store._connection, after=after))
    with pytest.raises(CommitUnknown):
        write(writer, "t", [b"a", b"b"], offset=(TP, 2))
    assert values(everything(log, "t")) == ([b"a", b"b"] if after else [])
    assert (log.committed("group", TP) is not None) == after
    write(log.writer("w"), "t", [b"c"])
    assert values(everything(log, "t"))[-1] == b"c"
    log.close()


def test_a_closed_log_says_so(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    writer, reader, member = log.writer("w"), log.reader({TP: 0}), log.member("group", ["t"])
    log.close()
    with pytest.raises(Stop, match="closed"):
        write(writer, "t", [b"x"])
    with pytest.raises(Stop, match="closed"):
        reader.poll(1, 0.0)
    with pytest.raises(Stop, match="left"):
        member.poll(1, 0.0)
    with pytest.raises(Stop, match="closed"):
        log.end(TP)


def test_the_wal_stays_small_while_readers_work(tmp_path: Path) -> None:
    """A reader in the middle of a topic holds no cursor: 100 MB written behind it do not pile up in the WAL."""
    log = open_log(tmp_path)
    writer = log.writer("w")
    reader = log.reader({TP: 0})
    write(writer, "t", [b"%d" % number for number in range(10)])
    reader.poll(5, 1.0)
    largest = 0
    for _ in range(100):
        write(writer, "t", [bytes(100_000)] * 10)
        reader.poll(1, 0.0)
        largest = max(largest, (tmp_path / "log.sqlite-wal").stat().st_size)
    assert largest < 2 * local_store.CHECKPOINT_BYTES
    log.close()


def test_commits_of_many_threads_share_one_transaction(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    writers = [log.writer(f"w{number}") for number in range(8)]
    before = log._store.changes()
    with log._store.alone():
        threads = [threading.Thread(target=write, args=(writer, "t", [b"x"])) for writer in writers]
        for thread in threads:
            thread.start()
        while len(log._committer._queue) < 8:
            pass
    for thread in threads:
        thread.join()
    assert len(everything(log, "t")) == 8
    assert log._store.changes() == before + 1
    log.close()


def test_one_fenced_writer_does_not_spoil_the_commit_it_shares(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    older, good = log.writer("slot"), log.writer("good")
    log.writer("slot")
    failures: list[Exception] = []

    def fenced() -> None:
        try:
            write(older, "t", [b"fenced"])
        except Stop as error:
            failures.append(error)

    with log._store.alone():
        threads = [threading.Thread(target=fenced), threading.Thread(target=write, args=(good, "t", [b"good"]))]
        for thread in threads:
            thread.start()
        while len(log._committer._queue) < 2:
            pass
    for thread in threads:
        thread.join()
    assert len(failures) == 1
    assert values(everything(log, "t")) == [b"good"]
    log.close()


def test_a_failed_flush_that_is_ignored_commits_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    older = log.writer("slot")
    log.writer("slot")

    def ignore_it() -> None:
        with older.transaction() as transaction:
            transaction.send("t", b"x")
            with pytest.raises(Fenced):
                transaction.flush()

    with pytest.raises(Retry, match="flush failed"):
        ignore_it()
    assert everything(log, "t") == []
    log.close()


def test_a_temporary_log_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    log = open_local(None, ticking())
    log.create([TOPIC])
    write(log.writer("w"), "t", [b"x"])
    assert list(tmp_path.iterdir()) != []
    log.close()
    assert list(tmp_path.iterdir()) == []


def at(days: float) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days)


def test_retention_drops_what_is_older_and_nothing_else() -> None:
    now = [at(0)]
    log = open_local(None, lambda: now[0])
    log.create([Topic(name="t", retention=timedelta(days=7)), Topic(name="kept")])
    writer = log.writer("w")
    for day in range(20):
        now[0] = at(day)
        write(writer, "t", [b"%d" % day])
        write(writer, "kept", [b"%d" % day])
    log.expire(at(17))
    assert values(everything(log, "t")) == [b"%d" % day for day in range(10, 20)]
    assert len(everything(log, "kept")) == 20
    stale = log.reader({TP: 0})
    assert stale.poll(1, 0.0)[0].value == b"10"
    assert log.offset_at(TP, at(0)) == log.start(TP)
    log.expire(at(100))
    assert everything(log, "t") == []
    write(writer, "t", [b"new"])
    assert values(everything(log, "t")) == [b"new"]
    log.close()


def test_compaction_keeps_the_last_of_each_key() -> None:
    now = [at(0)]
    log = open_local(None, lambda: now[0])
    log.create([Topic(name="t", compacted=True)])
    with log.writer("w").transaction() as transaction:
        for key, value in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"b", None), (b"c", b"4")):
            transaction.send("t", value, key=key)
        transaction.send("t", b"keyless")
    log.expire(at(0.5))
    kept = [(record.key, record.value) for record in everything(log, "t")]
    assert kept == [(b"a", b"3"), (b"b", None), (b"c", b"4"), (None, b"keyless")]
    log.expire(at(2))
    kept = [(record.key, record.value) for record in everything(log, "t")]
    assert kept == [(b"a", b"3"), (b"c", b"4"), (None, b"keyless")]
    log.close()
