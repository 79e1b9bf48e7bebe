"""What a subscriber needs, and follow-up adapters and notifiers: one file each.

`subscribe` reads; `follow_requests` is a telescope's own loop over what it is asked; `create_stream` and its like make
the broker select; `to_voevent` writes an alert, a coincidence or a candidate list as a VOEvent 2.0 packet.
"""

from nuncius.consumers.desk.following import follow_requests
from nuncius.consumers.streams import create_stream, delete_stream, edit_stream, pause_stream, resume_stream
from nuncius.consumers.subscriber import subscribe
from nuncius.consumers.voevent import to_voevent

__all__ = [
    "create_stream",
    "delete_stream",
    "edit_stream",
    "follow_requests",
    "pause_stream",
    "resume_stream",
    "subscribe",
    "to_voevent",
]
