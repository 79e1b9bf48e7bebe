"""Messages for receivers: words, the window for their calendar, and the sky as a picture."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.planning.telling import Due
from nuncius.broker.services import told_words
from nuncius.broker.services.lines import printable
from nuncius.broker.services.links import Links
from nuncius.broker.services.plan_together import siblings
from nuncius.broker.services.told_picture import ToldPictures
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.too_words import brief, headline
from nuncius.consumers.notify.calendar import MEDIA_TYPE, window_calendar
from nuncius.consumers.notify.message import Attachment, Message
from nuncius.consumers.outside import outside
from nuncius.schemas import Retry

_FIRM: Final = frozenset({"accepted", "scheduled", "observed"})
_MOST_FILES: Final = 5


class Composer:
    """Makes messages of what is due.

    Parameters
    ----------
    pictures
        Draws what waits.
    links
        For answers by a link; None where there are none.
    """

    def __init__(self, pictures: ToldPictures, links: Links | None) -> None:
        self._pictures = pictures
        self._links = links

    def __call__(self, due: Due, entries: Mapping[str, Entry], now: datetime) -> Message:
        """The message of one `Due`."""
        return Message(
            title=told_words.title(due, entries, now),
            text=told_words.text(due, entries, now, self._links),
            short=told_words.short(due, entries, now, self._links),
            urgent=due.urgent,
            attachments=tuple(self._files(due, entries, now)),
        )

    def _files(self, due: Due, entries: Mapping[str, Entry], now: datetime) -> Iterator[Attachment]:
        for ident in list(dict.fromkeys(item.request_id for item in due.items))[:_MOST_FILES]:
            entry = entries[ident]
            calendar = window_calendar(
                entry.latest,
                title=printable(headline(entry.latest)),
                text=brief(entry, now),
                firm=entry.state in _FIRM,
                now=now,
            )
            if calendar is not None:
                yield Attachment(f"nuncius-{ident[:SHORT]}.ics", MEDIA_TYPE, calendar)
        waiting = [entries[item.request_id] for item in due.items if item.state == "waits"]
        if waiting:
            picture = self._picture(siblings(waiting, waiting[0]))
            if picture is not None:
                yield Attachment(f"nuncius-{waiting[0].latest.request_id[:SHORT]}.png", "image/png", picture)

    def _picture(self, waiting: Sequence[Entry]) -> bytes | None:
        """What waits for one event; None where it cannot be drawn for whatever reason: the words go out without."""
        try:
            return outside(lambda: self._pictures.png(waiting))
        except Retry:
            return None
