"""A record that cannot be read, as others may put one on any topic, ends no service and changes nothing."""

from contextlib import closing
from datetime import timedelta

import pytest
from road import history, memory, night, now, put, records, services
from too_cases import request
from too_log import lay, lay_bytes

from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.services.carrying import carrying
from nuncius.broker.services.exchange import Exchanging
from nuncius.broker.services.outcome import outcome
from nuncius.broker.services.reports import Reporting
from nuncius.broker.services.runner import drain
from nuncius.broker.services.too_book import book
from nuncius.broker.services.worker import Worker
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas.codec import encode

READ = (
    topics.EVENTS,
    topics.CANDIDATES,
    topics.COUNTERPARTS,
    topics.COINCIDENCES,
    topics.TOO_REQUESTS,
    topics.TOO_STATUS,
    topics.OBSERVATIONS,
)
STRANGE = (b'{"state": "accepted"}', encode(request())[:40], b"\xc3\x01of another version")
OUT = (topics.COUNTERPARTS, topics.COINCIDENCES, topics.TOO_REQUESTS)


def worked_through(*, strange: bool) -> Log:
    log = memory()

    def disturb() -> None:
        for topic in READ if strange else ():
            lay_bytes(log, topic.name, *STRANGE)

    for alerts, batch in ((history()[:2], None), (history()[2:4], night())):
        disturb()
        put(log, alerts, batch)
        disturb()
        exchange = Exchanging(log, (), now, lambda _: None)
        workers = (*services(log), carrying(log, now), Worker(log, Reporting(shipped().telescopes)), exchange)
        drain(workers)  # those that come next fold all of this
        for worker in workers:
            worker.close()
    return log


def test_what_cannot_be_read_is_passed_over_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with closing(worked_through(strange=False)) as clean, closing(worked_through(strange=True)) as log:
        for topic in OUT:
            found = [record.value for record in records(log, topic.name)]
            assert [one for one in found if one not in STRANGE] == [one.value for one in records(clean, topic.name)]
        assert list(outcome(log).as_json()) == list(outcome(clean).as_json())
        lay(log, request(expires=now() + timedelta(hours=1)))
        assert len(book(log)) == len(book(clean)) + 1
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == len(set(said))
    assert {one.partition("/")[0] for one in said} == {topic.name for topic in READ}
    assert all("cannot be read and is passed over" in one for one in said)
