"""What a check of policies says beside the requests: names nearly those of alerts, dark filters, maps not at hand."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from nuncius.broker.planning.filter_notes import filter_notes
from nuncius.broker.planning.policy import Policies
from nuncius.schemas import Alert, SkyMapRef
from nuncius.schemas.vocabulary import Reality


class Heard:
    """Names that alerts bear, and how many of them point to a sky map that is not at hand."""

    def __init__(self) -> None:
        self.facilities: set[str] = set()
        self.event_classes: set[str] = set()
        self.without_map: Counter[Reality] = Counter()

    def hear(self, alert: Alert) -> None:
        """Take one alert."""
        self.facilities.add(alert.facility)
        self.event_classes.add(alert.event_class)
        shapes = [spot.shape for spot in alert.localizations]
        if shapes and all(isinstance(one, SkyMapRef) and not one.sha256 for one in shapes):
            self.without_map[alert.reality] += 1


def notes(policies: Policies, heard: Heard, told: Collection[str]) -> Iterator[str]:
    """What a person should know before the policies are put into force.

    Parameters
    ----------
    policies
        As read.
    heard
        Of the alerts that they were tried on.
    told
        Names of those whom the settings know.
    """
    if not policies.active:
        yield "no policy acts: the file holds none, or each is disabled or without a source"
    for policy in policies.active:
        for key, wanted, known in (
            ("observed_by", policy.observed_by, heard.facilities),
            ("event_classes", policy.event_classes, heard.event_classes),
        ):
            for name, near in _near_misses(wanted, known):
                yield str(policies.wrong(policy.name, key, f"no alert tried is by the name {name!r}; is it {near!r}?"))
        for name in policy.tell:
            if name not in told:
                words = f"no [tell.{name}] in nuncius.toml: a broker does not start with it"
                yield str(policies.wrong(policy.name, "tell", words))
    yield from filter_notes(policies)
    realities = {reality for policy in policies.active for reality in policy.realities}
    number = sum(count for reality, count in heard.without_map.items() if reality in realities)
    if number:
        yield (
            f"of {number} {'alert' if number == 1 else 'alerts'} the sky map is not at hand, so nothing is asked for "
            "them: put the maps into a folder, and name it as skymaps in nuncius.toml"
        )


def _near_misses(wanted: Iterable[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Names that nothing bears, with the nearest that something does."""
    lower = {name.lower(): name for name in sorted(known)}
    for name in wanted:
        near = [] if name in known else get_close_matches(name.lower(), lower, 1, 0.8)
        yield from ((name, lower[one]) for one in near)
