"""By which names a burst is called, and which other bursts a notice names: a targeted search says whose it followed.

Real notices name another facility's burst by facility and trigger number (Swift GUANO: ``Fermi 694215970``) or by the
IVORN of a packet. Names are compared without regard to case.
"""

from nuncius.schemas.alert import Alert


def called(alert: Alert) -> tuple[str, ...]:
    """Names of the notice's burst: its thread, the packet, and facility with trigger number; sorted."""
    number = alert.thread_id.rpartition(":")[2]
    names = {alert.thread_id, alert.native_id, f"{alert.facility} {number}"}
    return tuple(sorted(name.casefold() for name in names))


def cited(alert: Alert) -> tuple[str, ...]:
    """Names of bursts that the notice says it belongs to, sorted; only a notice of the event itself counts."""
    if alert.kind not in ("initial", "update"):
        return ()
    return tuple(sorted({each.identifier.casefold() for each in alert.cites if each.cite == "followup"}))
