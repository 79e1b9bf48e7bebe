"""The parts of the front page: coincidences, alerts, requests."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from nuncius.broker.services.lines import disputes, in_words
from nuncius.broker.services.web.front_words import apart, moment, often, surprise
from nuncius.broker.services.web.html import Html, joined, tag
from nuncius.broker.services.web.opened import Skipped
from nuncius.schemas import Alert, Coincidence, Member, SkyMapRef, ToORequest, ToOStatus

_FORMATS: Final = (("JSON", "json"), ("VOEvent", "voevent"), ("Avro", "avro"))


class Asked(NamedTuple):
    """A request to a telescope in its last revision, and the last word on it; None where there is none."""

    request: ToORequest
    status: ToOStatus | None


def coincidence_card(value: Coincidence, sky_map: str) -> Html:
    """A coincidence; ``sky_map`` is the sha256 of the map to show, empty for none."""
    words = "Taken back" if value.state == "retracted" else surprise(value.significance)
    is_mock = value.reality != "real"
    if is_mock:
        words = f"Not of the real sky ({value.reality}): {words}"
    about = f"coincidences/{quote(value.coincidence_id, safe='')}"
    facts = [f"{value.partner.event_class or 'partner'} {apart(value.dt_s)}"]
    if value.overlap is not None:
        facts.append(f"overlap on the sky {value.overlap:.3g} (1 for unrelated places)")
    if value.others:
        facts.append(f"{len(value.others)} more")
    facts += [f"rule {value.rule}", f"revision {value.revision}", f"event {moment(value.anchor.time)} UTC"]
    said = disputes(value)
    links = [tag("a", name, href=f"{about}?format={form}") for name, form in _FORMATS]
    links.append(tag("a", "all revisions", href=f"{about}/revisions"))
    links += _map_links(sky_map)
    return tag(
        "article",
        tag("h3", _member(value.anchor), " with ", _member(value.partner), *_marks(value.reality, value.run_mode)),
        tag("p", words, class_="words"),
        tag("p", " · ".join(facts)),
        tag("p", in_words(value.significance), class_="small"),
        *([tag("p", said, class_="small")] if said else []),
        tag("p", *_spaced(links)),
        class_=f"card{' back' if value.state == 'retracted' else ''}{' mock' if is_mock else ''}",
    )


def alert_table(alerts: Sequence[Alert]) -> Html:
    """Alerts as rows, in the order given."""
    heads = ("Event (UTC)", "Who", "What", "Thread", "False alarms", "")
    return _table(heads, [_alert_row(one) for one in alerts])


def request_table(asked: Sequence[Asked]) -> Html:
    """Requests as rows, in the order given."""
    heads = ("Target", "Who is asked", "State", "Window (UTC)", "Why")
    return _table(heads, [_request_row(one) for one in asked])


def skipped_list(skipped: Sequence[Skipped]) -> Html:
    """Records that cannot be read here, with the place of their bytes; nothing where there are none."""
    if not skipped:
        return Html()
    return tag("ul", *(tag("li", _skipped(one)) for one in skipped), class_="small")


def map_of(alert: Alert) -> str:
    """The sha256 of an alert's first sky map; empty where it has none."""
    return next((one.shape.sha256 for one in alert.localizations if isinstance(one.shape, SkyMapRef)), "")


def _skipped(one: Skipped) -> Html:
    place = f"{one.topic}/{one.partition}/{one.offset}"
    link = tag("a", place, href=f"records/{quote(one.topic, safe='')}/{one.partition}/{one.offset}?format=avro")
    return joined("cannot be read here: ", link, f": {one.reason}")


def _member(member: Member) -> str:
    return f"{member.facility} {member.event_class} {member.event_id}"


def _marks(reality: str, run_mode: str) -> list[Html]:
    found = [word for word, usual in ((reality, "real"), (run_mode, "live")) if word != usual]
    return [joined(" ", tag("span", word, class_="mark")) for word in found]


def _alert_row(alert: Alert) -> list[Html]:
    thread = tag("a", alert.thread_id, href=f"threads/{quote(alert.thread_id, safe='')}")
    about = f"alerts/{quote(alert.alert_id, safe='')}"
    links = [tag("a", name, href=f"{about}?format={form}") for name, form in _FORMATS]
    return [
        joined(moment(alert.time_start)),
        joined(f"{alert.facility} {alert.instrument}"),
        joined(f"{alert.event_class} {alert.kind}", *_marks(alert.reality, alert.run_mode)),
        thread,
        joined("–" if alert.far_hz is None else often(alert.far_hz)),
        joined(*_spaced([*links, *_map_links(map_of(alert))])),
    ]


def _request_row(asked: Asked) -> list[Html]:
    request, status = asked
    where = request.position
    place = "position not known yet" if where is None else f"{where.ra:.4f} {where.dec:+.4f}"
    state = request.state if status is None else status.state
    window = "–" if request.window_start is None else f"{moment(request.window_start)} to {moment(request.window_stop)}"
    by_hand = " (waits for a person's yes)" if request.needs_approval and state == "proposed" else ""
    return [
        joined(request.target_name, " ", place),
        joined(f"{request.facility} ({request.policy})"),
        joined(f"{state}{by_hand}", *_marks(request.reality, request.run_mode)),
        joined(window),
        joined(request.reason if status is None or not status.detail else f"{request.reason}; {status.detail}"),
    ]


def _table(heads: Sequence[str], rows: Sequence[Sequence[Html]]) -> Html:
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    return tag("table", tag("thead", tag("tr", *(tag("th", head) for head in heads))), tag("tbody", *body))


def _map_links(sha256: str) -> list[Html]:
    if not sha256:
        return []
    where = f"skymaps/{quote(sha256, safe='')}"
    return [tag("a", "sky map", href=f"{where}?format=png"), tag("a", "FITS", href=where)]


def _spaced(links: Sequence[Html]) -> list[Html]:
    return [joined(*([" · "] if number else []), link) for number, link in enumerate(links)]
