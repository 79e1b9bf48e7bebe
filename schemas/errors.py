"""The errors, sorted by what the caller should do.

::

    NunciusError
    ├── Quarantine            the bytes are at fault: keep them apart, say why, go on
    │   ├── MalformedAlert    a field is missing, unreadable or out of its range
    │   ├── LimitExceeded     larger, deeper or more compressed than we read
    │   └── UnknownSchema     the writer's schema is not known here
    ├── Retry                 something outside is at fault for now: try again later
    │   ├── CommitUnknown     whether the commit happened is unknown: go back to the committed point
    │   └── Fault             a part that speaks to the outside raised what nobody foresaw: the outcome is unknown
    └── Stop                  the set-up is at fault: say so and end
        ├── SettingsError     a wrong option, file or value (exit code 2)
        └── LogDamaged        the log breaks a promise it made
"""


class NunciusError(Exception):
    """Root of every error Nuncius raises on purpose. The text says what, where and what to do next."""


class Quarantine(NunciusError):
    """The bytes are at fault.

    Parameters
    ----------
    message
        What is wrong and where in the packet.
    field
        The field at fault, as the format names it; empty where no single field is.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field

    @property
    def reason(self) -> str:
        """A short stable name for counting."""
        return {
            MalformedAlert: "malformed",
            LimitExceeded: "limit_exceeded",
            UnknownSchema: "unknown_schema",
        }.get(type(self), "unreadable")


class MalformedAlert(Quarantine):
    """A field is missing, unreadable or out of its range."""


class LimitExceeded(Quarantine):
    """Larger, deeper or more compressed than Nuncius reads."""


class UnknownSchema(Quarantine):
    """The writer's schema is not known here."""


class Retry(NunciusError):
    """Something outside is at fault for now; the same call may succeed later."""


class CommitUnknown(Retry):
    """Whether the transaction was committed is unknown: drop the delta, read the committed point again."""


class Fault(Retry):
    """A part that speaks to the outside raised what nobody foresaw; what it did is unknown, it may be called again."""


class Stop(NunciusError):
    """The set-up is at fault; going on would be wrong."""


class SettingsError(Stop):
    """A wrong option, file or value."""


class LogDamaged(Stop):
    """The log breaks a promise it made."""
