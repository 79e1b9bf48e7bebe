"""The HTTP service keeps what its OpenAPI document promises, whatever is asked."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from road import history, memory
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web_here import app_on

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas.codec import encode

# positive_data_acceptance: a filter is a language of its own, which JSON Schema cannot say
PATIENT = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]


@pytest.fixture(scope="module")
def filled() -> Iterator[Log]:
    log = memory()
    writer = log.writer("test")
    with writer.transaction() as tx:
        for one in history():
            tx.send(topics.EVENTS.name, encode(one), key=one.thread_id.encode())
    writer.close()
    yield log
    log.close()


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")
@pytest.mark.parametrize("examples", [4, pytest.param(300, marks=pytest.mark.soak)], ids=["few", "many"])
def test_every_answer_is_one_that_the_document_has(filled: Log, examples: int) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app_on(filled))
    seen = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.method == "post":  # packets are tried with the facilities
            continue
        seen.add(operation.path)

        @given(case=operation.as_strategy())
        @settings(max_examples=examples, deadline=None, suppress_health_check=PATIENT, database=None)
        def holds(case: schemathesis.Case[Any]) -> None:
            if case.path.endswith("/stream"):
                case.query = {**case.query, "until_end": "true"}
            case.call_and_validate(excluded_checks=[positive_data_acceptance])

        holds()
    assert len(seen) > 10
