"""Whether a request that may go out is held back by its policy: a quota, exposure a day, quiet hours."""

from nuncius.broker.planning.lifecycle import HELD, PERSON
from nuncius.broker.services.too_book import Entry


def held_back(entry: Entry) -> str:
    """Until when and why, in the words of the log; empty where nothing holds it back, or a telescope has it."""
    latest = entry.latest
    last = {
        one.adapter: one
        for one in entry.told
        if one.revision == latest.revision and one.adapter != PERSON and one.state != "recorded"
    }
    if latest.state != "proposed" or any(one.state != "proposed" for one in last.values()):
        return ""
    return next((one.detail for one in last.values() if one.detail.startswith(HELD)), "")
