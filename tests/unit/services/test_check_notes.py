"""What a person is told of policies before they are put into force."""

from dataclasses import replace

from too_cases import GRB, POLICIES, TRACK

from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.check_notes import Heard, notes
from nuncius.schemas import Alert, Localization, SkyMapRef


def said(text: str, *alerts: Alert) -> list[str]:
    heard = Heard()
    for one in alerts:
        heard.hear(one)
    return list(notes(load_policies(text), heard, ("shift",)))


def test_a_name_that_is_nearly_one_is_told_with_its_line() -> None:
    text = POLICIES.replace('["neutrino_track"]', '["neutrino_trak"]').replace(
        "min_p_astro", 'observed_by = ["icecube"]\nmin_p_astro'
    )
    at = [
        text.splitlines().index(line) + 1 for line in ('observed_by = ["icecube"]', 'event_classes = ["neutrino_trak"]')
    ]
    starts = [
        f"line {line}: policy 'track': key {key!r}: no alert tried is by the name"
        for line, key in zip(at, ("observed_by", "event_classes"), strict=True)
    ]
    found = said(text, TRACK, GRB)
    assert [one.startswith(start) for one, start in zip(found, starts, strict=True)] == [True, True]
    assert [one.rpartition("; ")[2] for one in found] == ["is it 'IceCube'?", "is it 'neutrino_track'?"]


def test_a_name_of_what_was_not_tried_is_no_mistake() -> None:
    assert said(POLICIES, GRB) == []
    assert said(POLICIES, TRACK, GRB) == []


def test_who_is_to_be_told_must_be_in_the_settings() -> None:
    text = POLICIES.replace("min_p_astro", 'tell = ["shift", "boss"]\nmin_p_astro')
    (note,) = said(text)
    assert "policy 'track': key 'tell': no [tell.boss] in nuncius.toml" in note


def test_an_alert_whose_map_is_not_at_hand_is_counted() -> None:
    away = replace(TRACK, localizations=(Localization(SkyMapRef(sha256="", nbytes=0, url="bayestar.fits.gz")),))
    mock = replace(away, alert_id="mock", reality="test")
    (note,) = said(POLICIES, away, mock, GRB)
    assert note.startswith("of 1 alert the sky map is not at hand")


def test_a_file_in_which_no_policy_acts_says_so() -> None:
    assert said("") == ["no policy acts: the file holds none, or each is disabled or without a source"]
