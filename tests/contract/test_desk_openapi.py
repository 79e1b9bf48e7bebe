"""A telescope's desk over HTTP keeps what its OpenAPI document promises, whatever is asked."""

from typing import Any

import pytest
import schemathesis
from desk_here import room
from desk_served import PATIENT, desk_app
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from too_cases import request

from nuncius.broker.services.http_desks import HttpDesks

# positive_data_acceptance: an answer is about a request, of which JSON Schema cannot say which there are
PATIENCE = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]


def codes(operation: schemathesis.APIOperation[Any, Any, Any, Any], examples: int) -> set[int]:
    """What it answers to whatever is asked."""
    found: set[int] = set()

    @given(case=operation.as_strategy())
    @settings(max_examples=examples, deadline=None, suppress_health_check=PATIENCE, database=None)
    def holds(case: schemathesis.Case[Any]) -> None:
        case.path_parameters["facility"] = "imager"
        case.headers["Host"] = "127.0.0.1"
        if isinstance(case.body, dict) and "wait_s" in case.body:
            case.body["wait_s"] = 0.0
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        found.add(answer.status_code)

    holds()
    return found


@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")
@pytest.mark.parametrize("examples", [4, pytest.param(500, marks=pytest.mark.soak)], ids=["few", "many"])
def test_every_answer_is_one_that_the_document_has(examples: int) -> None:
    with room() as here:
        here.ask(request())
        desks = HttpDesks(here.log, PATIENT, here.clock, here.said.append)
        schema = schemathesis.openapi.from_asgi("/openapi.json", desk_app(desks, {}))
        seen = {}
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            seen[operation.path] = codes(operation, examples)
        assert desks.join(10.0)
    assert {path: 200 in every for path, every in seen.items() if not path.endswith("/answers")} == {
        "/too/desks/{facility}": True,
        "/too/desks/{facility}/next": True,
    }
    assert 403 not in set().union(*seen.values())
