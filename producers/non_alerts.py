"""VOEvent streams that say nothing about the sky: pointings, slews, plans, tests of the line."""

from typing import Final

from nuncius.producers import times, voevent
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.schemas.alert import NotAnAlert

STREAMS: Final = {
    "pointing": (
        "nasa.gsfc.gcn/SWIFT#Point_Dir",
        "nasa.gsfc.gcn/SWIFT#Actual_Point_Dir",
        "nasa.gsfc.gcn/Fermi#Point_Dir",
        "nasa.gsfc.gcn/INTEGRAL#Point_Dir",
    ),
    "slew": ("nasa.gsfc.gcn/SWIFT#SC_Slew",),
    "observing_plan": ("nasa.gsfc.gcn/SWIFT#FOM_Obs",),
    "test_stream": (
        "nasa.gsfc.gcn/SWIFT#BAT_GRB_Test_Pos",
        "nasa.gsfc.gcn/Fermi#GBM_Test_Pos",
        "nasa.gsfc.gcn/Fermi#LAT_Test_Pos",
        "nasa.gsfc.gcn/GLAST#LAT_Test_Pos",
        "nasa.gsfc.gcn/AGILE#SA_Test_Pos",
        "nasa.gsfc.gcn/MAXI#Test_Pos",
        "nasa.gsfc.gcn/GRO#Test_Pos",
        "nasa.gsfc.gcn/HETE#Test_Pos",
        "nasa.gsfc.gcn/AMON#TEST_Event",
        "utmost/cflynn#TestEvent",
        "voevent.4pisky.org/voevent-receive#TestEvent",
        "voevent.4pisky.org/TEST-TRIGGER#",
        "voevent.4pisky.org/TEST-RESPONSE#",
        "voevent.4pisky.org/ALARRM-OBSTEST#",
        "voeventdb.4pisky.org/subscribe-only#TestEvent",
    ),
}
"""Reason -> beginnings of the ivorn, without its scheme."""

_PREFIXES: Final = {f"ivo://{start}": reason for reason, starts in STREAMS.items() for start in starts}
_ALL: Final = tuple(_PREFIXES)


def owns(seen: Envelope, _payload: bytes) -> bool:
    """Whether the ivorn begins as one of `STREAMS`."""
    return seen.name.startswith(_ALL)


def parse(payload: bytes, context: Context) -> Parsed:
    """Name the non-alert; the packet must be a well-formed VOEvent all the same."""
    ivorn, date = voevent.identity(payload)
    reason = next((reason for start, reason in _PREFIXES.items() if ivorn.startswith(start)), "unknown_stream")
    stream = context.stream or voevent.split_ivorn(ivorn)[0]
    return (NotAnAlert(reason, stream, times.utc(date)),)


FACILITY: Final = Facility(
    name="Pointing, slew and test notices",
    formats=("voevent",),
    owns=owns,
    parse=parse,
    reference="https://gcn.gsfc.nasa.gov/vo_examples.html",
)
