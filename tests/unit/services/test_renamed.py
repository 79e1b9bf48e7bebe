"""An adapter under another name: nothing is asked twice, what stands is taken back, and nobody hears of it anew."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from road import now
from too_cases import request
from too_log import lay

from nuncius.broker.adapters import adapter_routes
from nuncius.broker.follow_up import routes_of
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.renamed import FORMERLY, under_new_names
from nuncius.broker.services.adapter_kinds import changed_kinds
from nuncius.broker.services.delivering import Delivering, Route, acquainted, adapter_names
from nuncius.broker.services.left_behind import left_in
from nuncius.broker.services.runner import drain
from nuncius.broker.services.too_book import book
from nuncius.broker.settings import Settings
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import SettingsError, ToORequest, ToOStatus

WANTED = replace(request(), expires=now() + timedelta(days=1), needs_approval=False)
GONE = replace(WANTED, revision=2, state="cancelled", idempotency_key="r/2")


@dataclass
class Telescope:
    """The same facility, whatever its adapter is called."""

    name: str
    told: list[str] = field(default_factory=list)
    real = True
    public = False

    def submit(self, wanted: ToORequest, standing: str) -> ToOStatus:
        self.told.append(f"submit {wanted.idempotency_key} {standing}")
        return answer(wanted, "accepted", self.name, reference="OB 17")

    def cancel(self, gone: ToORequest, standing: str) -> ToOStatus:
        self.told.append(f"cancel {gone.idempotency_key} {standing}")
        return answer(gone, "cancelled", self.name)

    def look(self, _request: ToORequest, _standing: str) -> None:
        pass


def deliver(log: Log, *routes: Route) -> None:
    workers = [Delivering(log, route, now) for route in acquainted(*routes)]
    drain(workers)
    for worker in workers:
        worker.close()


def renamed(telescope: Telescope, **more: Any) -> Route:
    return Route(adapter=telescope, formerly=frozenset({"old"}), **more)


def test_nothing_is_asked_twice_and_a_retraction_is_carried_out_by_the_old_reference(log: Log) -> None:
    lay(log, WANTED)
    deliver(log, Route(adapter=Telescope("old")))
    here = Telescope("new")
    deliver(log, renamed(here))
    deliver(log, renamed(here))
    assert here.told == []
    (entry,) = book(log)
    assert [one.detail for one in entry.told if one.state == "proposed"] == [f"{FORMERLY}old"]
    assert (entry.state, {one.adapter for one in entry.told}) == ("accepted", {"new"})
    assert list(left_in([entry], adapter_names([renamed(here)]), now())) == []
    lay(log, GONE)
    deliver(log, renamed(here))
    assert here.told == ["cancel r/2 OB 17"]
    (entry,) = book(log)
    assert (entry.state, entry.still_at) == ("cancelled", ())


def test_what_stands_is_said_to_be_left_where_the_settings_do_not_know_the_old_name(log: Log) -> None:
    lay(log, WANTED)
    deliver(log, Route(adapter=Telescope("old")))
    (entry,) = book(log)
    (left,) = left_in([entry], ("new",), now())
    assert left.adapter == "old"


def test_a_neighbour_that_is_asked_now_waits_for_the_one_under_its_new_name(log: Log) -> None:
    """The facility moves to another adapter while its old one is renamed."""
    lay(log, WANTED)
    deliver(log, Route(adapter=Telescope("old"), facilities=frozenset({WANTED.facility})))
    before, now_asked = Telescope("new"), Telescope("other")
    moved = (
        Route(adapter=now_asked, facilities=frozenset({WANTED.facility})),
        renamed(before, facilities=frozenset({"elsewhere"})),
    )
    deliver(log, *moved)
    deliver(log, *moved)
    assert before.told == ["cancel r/1 OB 17"]
    assert now_asked.told == ["submit r/1 "]


def test_people_are_not_told_anew_and_their_words_hold() -> None:
    one = request()
    said = (
        answer(one, "accepted", "old"),
        answer(one, "recorded", "tell-night", reference="@old/accepted"),
        answer(one, "recorded", "seen-old"),
        answer(one, "recorded", "tell-night", reference="request/waits"),
        answer(one, "proposed", "new", f"{FORMERLY}old"),
        answer(one, "proposed", "newest", f"{FORMERLY}new"),
    )
    found = under_new_names(said)
    assert [one.adapter for one in found] == ["newest", "tell-night", "seen-newest", "tell-night", "newest", "newest"]
    assert [one.reference for one in found[1:4]] == ["@newest/accepted", "", "request/waits"]


def test_an_adapter_of_another_kind_under_a_known_name_is_told_while_something_stands(log: Log) -> None:
    lay(log, WANTED)
    deliver(log, Route(adapter=Telescope("old"), kind="ocs"))
    for route in (Route(adapter=Telescope("old"), kind="swift"), renamed(Telescope("new"), kind="swift")):
        (found,) = changed_kinds(log, [route])
        assert (found.verdict, "was an adapter of kind ocs" in found.detail) == ("wrong", True)
    assert list(changed_kinds(log, [renamed(Telescope("new"), kind="ocs")])) == []
    changed = Route(adapter=Telescope("old"), kind="swift")
    lay(log, replace(WANTED, request_id="another", idempotency_key="another/1"))
    deliver(log, changed)
    assert len(list(changed_kinds(log, [changed]))) == 1
    lay(log, GONE, replace(GONE, request_id="another", idempotency_key="another/2"))
    deliver(log, changed)
    lay(log, replace(WANTED, request_id="third", idempotency_key="third/1"))
    deliver(log, changed)
    assert list(changed_kinds(log, [changed])) == []


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"formerly": ["b"]}, {}, r"1: formerly: there is an adapter 'b' still"),
        ({"formerly": ["a"]}, {}, r"1: formerly: there is an adapter 'a' still"),
        ({"formerly": ["x"]}, {"formerly": ["x"]}, r"2: formerly: 'x' became 'a'"),
        ({"formerly": ["person"]}, {}, r"formerly: there is an adapter 'person' still"),
    ],
)
def test_a_former_name_is_nobodys_now(tmp_path: Path, first: dict[str, Any], second: dict[str, Any], says: str) -> None:
    table: dict[str, Any] = {"kind": "voevent", "facilities": ["imager"], "folder": str(tmp_path)}
    with pytest.raises(SettingsError, match=says):
        adapter_routes([table | {"name": "a"} | first, table | {"name": "b"} | second], {}, {})


def test_the_settings_name_former_names(tmp_path: Path) -> None:
    table = {"kind": "voevent", "facilities": ["imager"], "folder": str(tmp_path), "name": "a"}
    (route,) = adapter_routes([table | {"formerly": ["x", "y"]}], {}, {})
    assert (route.kind, route.formerly, adapter_names([route])) == ("voevent", frozenset({"x", "y"}), ("a", "x", "y"))


def test_a_broker_makes_its_adapters_known_to_each_other(tmp_path: Path) -> None:
    table: dict[str, Any] = {"kind": "voevent", "facilities": ["imager"], "folder": str(tmp_path)}
    tables = [table | {"name": "a", "formerly": ["x"]}, table | {"name": "b", "facilities": ["scope"]}]
    first, second, recorder = routes_of(Settings.model_validate({"adapter": tables}), shipped())
    assert first.neighbours == {"b": frozenset({"scope"})}
    assert second.neighbours == {"a": frozenset({"imager"})}
    assert [one.renamed for one in (first, second, recorder)] == [{"x": "a"}] * 3
