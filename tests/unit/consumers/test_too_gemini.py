"""The Gemini adapter against a stand-in for its trigger: one call, no key, no look at what stands there."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.gemini import EMAIL, NOT_ON_HOLD, PASSWORD, PROGRAM, RAPID, TEMPLATE, Database
from fakes.server import running
from pydantic import SecretStr, ValidationError
from too_cases import MERGER, request
from too_tiles import tile

from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import Outbox
from nuncius.consumers.too.door import Allowance
from nuncius.consumers.too.gemini import Gemini
from nuncius.consumers.too.gemini_trigger import GeminiSettings, trigger
from nuncius.schemas import Retry, SettingsError, ToOStatus

NIGHT = MERGER + timedelta(hours=12)


def settings(url: str = "", **changed: Any) -> GeminiSettings:
    known: dict[str, Any] = {
        "url": url,
        "allowed_hosts": ["127.0.0.1"],
        "program": PROGRAM,
        "email": EMAIL,
        "templates": {"r": TEMPLATE},
        "timeout_s": 10.0,
    }
    return GeminiSettings.model_validate(known | changed)


def adapter_for(url: str, **changed: Any) -> Gemini:
    return Gemini(settings(url, **changed), SecretStr(PASSWORD), Allowance(1000, 1.0))


@pytest.fixture
def there() -> Iterator[tuple[Database, Gemini]]:
    database = Database()
    with running(database) as url:
        adapter = adapter_for(url)
        yield database, adapter
        adapter.close()


def test_a_template_is_copied_pointed_and_set_ready_by_one_call(there: tuple[Database, Gemini]) -> None:
    database, adapter = there
    wanted = request(filter="r", max_airmass=2.0, exposure_s=60.2, radius_deg=0.05)
    status = adapter.submit(wanted, "")
    assert (status.state, status.reference) == ("accepted", f"{PROGRAM}-100")
    (call,) = database.seen
    assert (call.method, call.path, call.body) == ("POST", "/too", b"")
    assert dict(call.query) == {
        "prog": PROGRAM,
        "email": EMAIL,
        "password": PASSWORD,
        "obsnum": str(TEMPLATE),
        "target": "AT2017gfo",
        "ra": "197.450354",
        "dec": "-23.381484",
        "posangle": "0",
        "exptime": "61",
        "noteTitle": "Nuncius, request r/1",
        "note": "a test (90 % within 0.05 deg; asked by policy pair)",
        "ready": "true",
        "elevationType": "airmass",
        "elevationMin": "1.0",
        "elevationMax": "2",
        "windowDate": "2017-08-17",
        "windowTime": "23:41",
        "windowDuration": "2",
    }


@pytest.mark.parametrize(("minutes", "hours"), [(1, "1"), (60, "1"), (61, "2"), (600, "10")])
def test_windows_are_whole_hours_that_hold_all_of_it(minutes: int, hours: str) -> None:
    start = request().window_start
    assert start is not None
    told = trigger(request(filter="r", window_stop=start + timedelta(minutes=minutes)), settings())
    assert told["windowDuration"] == hours


def test_what_the_settings_leave_to_the_template_is_not_stated() -> None:
    told = trigger(request(filter="r", window_start=None), settings(exposure="template"))
    assert not {"exptime", "elevationType", "windowDate", "group", "gsra"} & set(told)


def test_the_filter_and_the_haste_choose_the_template() -> None:
    known = settings(templates={"r": TEMPLATE, "": 7}, templates_at_once={"r": RAPID}, group="nuncius")
    numbers = [
        trigger(request(filter=light, preempt=haste), known)["obsnum"]
        for light, haste in (("r", False), ("z", False), ("r", True), ("z", True))
    ]
    assert numbers == [str(TEMPLATE), "7", str(RAPID), "7"]
    assert trigger(request(filter="r"), known)["group"] == "nuncius"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"filter": "z"}, "no template for filter 'z'"),
        ({"filter": "r", "exposure_s": 1200.5}, "at most 1200 s, and 1200.5 s are asked"),
        ({"filter": "r", "tiles": (tile(1, 10.0),)}, "plan of tiles"),
    ],
)
def test_what_no_template_can_take_is_not_asked(
    there: tuple[Database, Gemini], changed: dict[str, Any], why: str
) -> None:
    database, adapter = there
    status = adapter.submit(request(**changed), "")
    assert (status.state, why in status.detail) == ("rejected", True)
    assert database.seen == []


def test_the_services_no_is_final_in_its_words_and_nothing_stands() -> None:
    database = Database()
    with running(database) as url:
        adapter = adapter_for(url, templates={"": NOT_ON_HOLD})
        status = adapter.submit(request(), "")
        assert status.state == "rejected"
        assert "404: " in status.detail
        assert "Template observation is not 'on hold'." in status.detail
        assert "<" not in status.detail
        assert adapter.cancel(request(2), "").state == "cancelled"
        adapter.close()
    assert database.copies == {}


def test_a_copy_may_stay_on_hold_for_a_person() -> None:
    database = Database()
    with running(database) as url:
        adapter = adapter_for(url, ready=False)
        assert "on hold: set it ready" in adapter.submit(request(filter="r"), "").detail
        adapter.close()
    assert database.status[100] == "On Hold"


def test_what_was_triggered_is_for_a_person(there: tuple[Database, Gemini]) -> None:
    database, adapter = there
    standing = adapter.submit(request(filter="r"), "").reference
    restarted = adapter_for(database.url)
    for one in (adapter, restarted):
        later = one.submit(request(2, filter="r"), standing)
        assert (later.state, later.reference) == ("rejected", standing)
        gone = one.cancel(request(3, filter="r"), standing)
        assert (gone.state, gone.reference) == ("not_cancelled", standing)
        assert f"{standing} was triggered" in gone.detail
        assert "ring Gemini" in gone.detail
    restarted.close()
    assert database.executed == ["r/1"]


def nights(url: str, log: list[ToOStatus], *minutes: int, changed: dict[str, Any]) -> list[ToOStatus]:
    """What a new process, with the log alone, does at these minutes."""
    adapter = adapter_for(url)
    outbox = Outbox(adapter)
    outbox.take([request(filter="r", **changed)])
    outbox.learn(log)
    said = [status for minute in minutes for status in outbox.deliver(now=NIGHT + timedelta(minutes=minute))]
    adapter.close()
    return said


@pytest.mark.parametrize("after", ["a crash", "a lost answer"])
def test_after_an_unknown_outcome_nobody_is_asked_again_not_even_by_a_new_process(after: str) -> None:
    database = Database()
    with running(database) as url:
        if after == "a crash":
            log = [answer(request(), "sent", "gemini", "asking")]
        else:
            database.trouble = "lost after"
            log = nights(url, [], 0, changed={})
            database.trouble = ""
        count = len(database.seen)
        log += nights(url, log, 10, changed={})
        assert (log[-1].state, "is not known" in log[-1].detail) == ("rejected", True)
        log += nights(url, log, 20, changed={})
        later = nights(url, log, 30, changed={"revision": 2, "exposure_s": 99.0, "idempotency_key": "r/2"})
        assert (later[-1].state, "is not known" in later[-1].detail) == ("rejected", True)
        gone = nights(url, log, 40, changed={"revision": 3, "state": "cancelled", "idempotency_key": "r/3"})
        assert [status.state for status in gone] == ["not_cancelled"]
        assert "is not known" in gone[-1].detail
        assert len(database.seen) == count


def test_what_certainly_did_nothing_is_asked_again(there: tuple[Database, Gemini]) -> None:
    database, adapter = there
    outbox = Outbox(adapter)
    outbox.take([request(filter="r")])
    database.trouble = "busy"
    assert [one.state for one in outbox.deliver(now=NIGHT)] == ["sent", "sent"]
    database.trouble = ""
    adapter._door._pace.closed_until = 0.0
    assert [one.state for one in outbox.deliver(now=NIGHT + timedelta(minutes=1))] == ["sent", "accepted"]
    assert database.executed == ["r/1"]


def test_an_answer_that_names_no_observation_is_no_yes(there: tuple[Database, Gemini]) -> None:
    database, adapter = there
    database.trouble = "rubbish"
    with pytest.raises(Retry, match="names no observation"):
        adapter.submit(request(filter="r"), "")


def test_the_programs_name_says_which_telescope_is_asked() -> None:
    assert settings(program="GN-2026B-Q-1").portal == "https://gnodb.gemini.edu:8443"
    assert settings(program="GS-2026B-Q-1").portal == "https://gsodb.gemini.edu:8443"
    with pytest.raises(ValidationError):
        settings(program="0112.A-1234")


def test_an_authority_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path, why in ((tmp_path / "none.pem", "No such file"), (empty, "no certificate")):
        with pytest.raises(SettingsError, match=why):
            adapter_for("https://127.0.0.1", ca_file=path)
