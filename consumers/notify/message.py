"""What is told, ready to be sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in plain text.

    Parameters
    ----------
    title
        The subject of a mail.
    text
        All of it.
    short
        The same for text messages of 160 characters and a few more.
    urgent
        Whether it may wake somebody, where the service tells such messages apart.
    attachments
        Sent where the service takes files.
    """

    title: str
    text: str
    short: str
    urgent: bool = False
    attachments: tuple[Attachment, ...] = ()
