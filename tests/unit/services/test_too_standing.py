"""How requests stand, and in which order and pages a person sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from road import memory
from too_cases import request
from too_log import lay, lay_bytes

from nuncius.broker.services.too_standing import MOST_UNREAD, Group, Page, Standing, Standings, page_of, standings
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import encode

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER, BEFORE = NOW + timedelta(hours=3), NOW - timedelta(hours=3)

ASKED = request(expires=LATER)
WAITING = request(expires=LATER, needs_approval=True)
GONE = replace(ASKED, revision=2, state="cancelled", idempotency_key="2")
TAKEN = answer(ASKED, "accepted", "scope")
STUCK = answer(GONE, "not_cancelled", "scope")
SEEN = replace(answer(GONE, "recorded", "seen-scope"), who="Ana")
NO = answer(WAITING, "rejected", "person")
YES = answer(WAITING, "approved", "person")


def group_of(*records: ToORequest | ToOStatus) -> Group:
    log = memory()
    lay(log, *records)
    (one,) = standings(log).standings()
    log.close()
    return one.group(NOW)


@pytest.mark.parametrize(
    ("records", "group"),
    [
        pytest.param([WAITING], Group.WAITS, id="nobody answered"),
        pytest.param([replace(WAITING, expires=NOW)], Group.REST, id="nobody answered in time"),
        pytest.param([replace(WAITING, run_mode="replay")], Group.STANDS, id="a replay waits for nobody"),
        pytest.param([WAITING, YES], Group.STANDS, id="somebody said yes"),
        pytest.param([WAITING, NO], Group.REST, id="somebody said no"),
        pytest.param([ASKED], Group.STANDS, id="not asked yet"),
        pytest.param([ASKED, TAKEN], Group.STANDS, id="accepted"),
        pytest.param([ASKED, answer(ASKED, "sent", "scope")], Group.STANDS, id="no answer yet"),
        pytest.param([replace(ASKED, expires=NOW), TAKEN], Group.REST, id="over"),
        pytest.param([ASKED, TAKEN, answer(ASKED, "observed", "scope")], Group.REST, id="done"),
        pytest.param([ASKED, answer(ASKED, "rejected", "scope")], Group.REST, id="refused"),
        pytest.param([replace(ASKED, state="rejected")], Group.REST, id="not wanted"),
        pytest.param([ASKED, TAKEN, GONE], Group.TO_BE_TAKEN_BACK, id="taken back, not confirmed"),
        pytest.param([WAITING, YES, TAKEN, NO], Group.TO_BE_TAKEN_BACK, id="declined after it went out"),
        pytest.param([ASKED, TAKEN, GONE, answer(GONE, "cancelled", "scope")], Group.REST, id="taken back"),
        pytest.param([ASKED, TAKEN, GONE, STUCK], Group.TO_BE_TAKEN_BACK, id="would not be cancelled"),
        pytest.param([ASKED, TAKEN, GONE, STUCK, SEEN], Group.REST, id="somebody sees to it"),
        pytest.param([replace(ASKED, expires=BEFORE), TAKEN, GONE, STUCK], Group.TO_BE_TAKEN_BACK, id="even when over"),
    ],
)
def test_what_is_to_be_done_about_a_request(records: Sequence[ToORequest | ToOStatus], group: Group) -> None:
    assert group_of(*records) == group


def numbered(number: int, records: Sequence[ToORequest | ToOStatus]) -> Iterator[ToORequest | ToOStatus]:
    for one in records:
        yield replace(one, request_id=f"r{number}")


KINDS: list[list[ToORequest | ToOStatus]] = [
    [WAITING],
    [ASKED, TAKEN, GONE],
    [ASKED, TAKEN],
    [replace(ASKED, state="rejected")],
]


def laid(log: Log, kinds: Sequence[int]) -> None:
    lay(log, *(one for number, kind in enumerate(kinds) for one in numbered(number, KINDS[kind])))


def lying(kinds: Sequence[int]) -> list[Record]:
    """The same as the two topics have it, one after the other: a log an example would take most of the time."""
    every = [one for number, kind in enumerate(kinds) for one in numbered(number, KINDS[kind])]
    every.sort(key=lambda one: isinstance(one, ToOStatus))
    return [
        Record(
            topic=topics.TOO_STATUS.name if isinstance(one, ToOStatus) else topics.TOO_REQUESTS.name,
            partition=0,
            offset=offset,
            key=one.request_id.encode(),
            value=encode(one),
            headers=(),
            time=NOW,
        )
        for offset, one in enumerate(every)
    ]


def turned(found: Sequence[Standing], most: int) -> list[Page]:
    pages = [page_of(found, NOW, most)]
    while (after := pages[-1].after) is not None:
        pages.append(page_of(found, NOW, most, after))
    return pages


@given(kinds=st.lists(st.integers(0, 3), max_size=25), most=st.integers(1, 9))
def test_pages_hold_every_request_once_the_most_urgent_and_newest_first(kinds: list[int], most: int) -> None:
    held = Standings()
    held.read(lying(kinds))
    pages = turned(held.standings(), most)
    shown = [(one.group(NOW), one.number) for page in pages for one in page.shown]
    assert shown == sorted(((Group(kind), n) for n, kind in enumerate(kinds)), key=lambda at: (at[0], -at[1]))
    assert all(len(page.shown) == most for page in pages[:-1])
    assert pages[0].counts == {group: kinds.count(group) for group in Group}


def test_what_moves_up_while_pages_are_turned_is_on_the_first_one_by_then() -> None:
    log = memory()
    laid(log, [2, 2, 2, 2])
    held = standings(log)
    first = page_of(held.standings(), NOW, 2)
    held.read(read_all(log, topics.TOO_REQUESTS.name))  # nothing new
    lay(log, replace(GONE, request_id="r0"))
    held.read(read_all(log, topics.TOO_REQUESTS.name))
    again = page_of(held.standings(), NOW, 2)
    assert [one.number for one in first.shown] == [3, 2]
    assert [one.number for one in page_of(held.standings(), NOW, 2, first.after).shown] == [1]
    assert [one.number for one in again.shown] == [0, 3]
    log.close()


@given(kinds=st.lists(st.integers(0, 3), max_size=8), cuts=st.lists(st.integers(1, 5), max_size=12))
def test_read_bit_by_bit_they_stand_as_read_at_once(kinds: list[int], cuts: list[int]) -> None:
    records = lying(kinds)
    once, bits = Standings(), Standings()
    once.read(records)
    for cut in (*cuts, len(records)):
        bits.read(records[:cut])
        bits.standings()
        records = records[cut:]
    by_number = sorted(bits.standings(), key=lambda one: one.number)
    assert by_number == sorted(once.standings(), key=lambda one: one.number)


def test_a_record_that_cannot_be_read_hides_no_other() -> None:
    log = memory()
    lay_bytes(log, topics.TOO_REQUESTS.name, b"of another version")
    lay(log, WAITING)
    found = standings(log)
    assert [one.group(NOW) for one in found.standings()] == [Group.WAITS]
    assert [(one.record.topic, one.record.offset) for one in found.unread] == [(topics.TOO_REQUESTS.name, 0)]
    log.close()


def test_of_many_records_that_cannot_be_read_the_last_are_kept_and_all_are_counted() -> None:
    log = memory()
    lay_bytes(log, topics.TOO_STATUS.name, *(b"of another version" for _ in range(MOST_UNREAD + 2)))
    found = standings(log)
    log.close()
    assert found.unread_count == MOST_UNREAD + 2
    assert [one.record.offset for one in found.unread] == list(range(2, MOST_UNREAD + 2))
