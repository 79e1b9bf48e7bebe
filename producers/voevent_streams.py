"""What is known of VOEvent streams without an adapter of their own: who sends them and what they say."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from nuncius.producers.voevent import split_ivorn
from nuncius.schemas.vocabulary import Band, Messenger


class Stream(NamedTuple):
    """One stream.

    Parameters
    ----------
    start
        Beginning of the ivorn, without its scheme.
    facility, instrument, messenger, band, event_class
        As in `Alert`.
    thread
        What thread ids begin with; empty for the ivorn's own stream.
    containment
        Probability inside Error2Radius, where the facility documents it; 0.9 where it does not.
    """

    start: str
    facility: str
    instrument: str
    messenger: Messenger
    band: Band | None
    event_class: str
    thread: str = ""
    containment: float = 0.9


_GCN: Final = "nasa.gsfc.gcn/"

STREAMS: Final = (
    Stream(_GCN + "INTEGRAL#SPIACS", "INTEGRAL", "SPI-ACS", "photon", "gamma", "grb", "integral"),
    Stream(_GCN + "INTEGRAL#Weak", "INTEGRAL", "IBIS", "photon", "gamma", "sub_grb", "integral"),
    Stream(_GCN + "INTEGRAL#", "INTEGRAL", "IBIS", "photon", "gamma", "grb", "integral"),
    Stream(_GCN + "Fermi#LAT_Monitor", "Fermi", "LAT", "photon", "gamma", "flare", "fermi-lat"),
    Stream(_GCN + "Fermi#LAT_", "Fermi", "LAT", "photon", "gamma", "grb", "fermi-lat"),
    Stream(_GCN + "AGILE#A_MCAL", "AGILE", "MCAL", "photon", "gamma", "grb", "agile-mcal"),
    Stream(_GCN + "AGILE#", "AGILE", "", "photon", "gamma", "grb", "agile"),
    Stream(_GCN + "CALET#", "CALET", "GBM", "photon", "gamma", "grb", "calet-gbm"),
    Stream(_GCN + "KONUS#", "Konus-Wind", "Konus", "photon", "gamma", "grb", "konus"),
    Stream(_GCN + "IPN#", "IPN", "", "photon", "gamma", "grb", "ipn"),
    Stream(_GCN + "GECAM#", "GECAM", "GECAM", "photon", "gamma", "grb", "gecam", 0.683),
    Stream(_GCN + "HETE#", "HETE", "", "photon", "gamma", "grb", "hete"),
    Stream(_GCN + "GRO#", "CGRO", "BATSE", "photon", "gamma", "grb", "gro"),
    Stream(_GCN + "MAXI#Known", "MAXI", "GSC", "photon", "x-ray", "known_source", "maxi"),
    Stream(_GCN + "MAXI#", "MAXI", "GSC", "photon", "x-ray", "x_ray_transient", "maxi"),
    Stream(_GCN + "COUNTERPART#", "GCN counterpart", "", "photon", None, "counterpart", "counterpart"),
    Stream(_GCN + "MOA#", "MOA", "MOA-II", "photon", "optical", "microlensing", "moa"),
    Stream(_GCN + "SNEWS#", "SNEWS", "", "neutrino", None, "supernova_neutrino", "snews"),
    Stream(_GCN + "SK_SN#", "Super-Kamiokande", "", "neutrino", None, "supernova_neutrino", "super-k"),
    Stream(_GCN + "Antares_Alert#", "ANTARES", "", "neutrino", None, "neutrino_track", "antares", 0.5),
    Stream("gaia.cam.uk/alerts#", "Gaia", "Gaia", "photon", "optical", "optical_transient", "", 0.683),
    Stream("voevent.4pisky.org/ASASSN#", "ASAS-SN", "", "photon", "optical", "optical_transient"),
    Stream("nvo.caltech/voeventnet/mlsot#", "CRTS", "MLS", "photon", "optical", "optical_transient"),
    Stream("uk.org.estar/pl.edu.ogle#", "OGLE", "", "photon", "optical", "microlensing", "ogle"),
    Stream("raptor.lanl/", "RAPTOR", "", "photon", "optical", "optical_transient"),
    Stream("au.csiro.atnf/parkes#", "Parkes", "", "photon", "radio", "frb"),
    Stream("au.edu.swin/utmost#", "UTMOST", "", "photon", "radio", "frb"),
    Stream("realfast.io/", "VLA", "realfast", "photon", "radio", "frb"),
    Stream("ca.chimefrb/", "CHIME", "CHIME/FRB", "photon", "radio", "frb"),
    Stream("HESS/", "H.E.S.S.", "", "photon", "gamma-vhe", "unknown"),
)
"""The first whose ``start`` fits counts."""

MESSENGERS: Final[tuple[tuple[str, Messenger, Band | None], ...]] = (
    ("neutrino", "neutrino", None),
    ("em.gamma", "photon", "gamma"),
    ("em.X-ray", "photon", "x-ray"),
    ("em.UV", "photon", "uv"),
    ("em.opt", "photon", "optical"),
    ("em.IR", "photon", "infrared"),
    ("em.radio", "photon", "radio"),
)
"""Word in a Concept -> what was seen, for senders not known here."""

SOURCE_CLASSES: Final = {
    "GRB": "grb",
    "SFLARE": "solar",
    "SGR": "flare",
    "TGF": "not_astrophysical",
    "CHARGEDPARTICLE": "not_astrophysical",
    "OCCULT": "known_source",
    "KNOWN": "known_source",
}
"""GECAM's SRC_CLASS -> event class; others are ``unknown``."""


def find(ivorn: str, concepts: Iterable[str]) -> Stream:
    """The stream an ivorn belongs to; for one not known here the messenger is read from Why/Concept, else a photon."""
    name = ivorn.removeprefix("ivo://")
    for stream in STREAMS:
        if name.startswith(stream.start):
            return stream
    facility, words = split_ivorn(ivorn)[0] or "unknown", " ".join(concepts)
    for word, messenger, band in MESSENGERS:
        if word in words:
            return Stream("", facility, "", messenger, band, "unknown")
    return Stream("", facility, "", "photon", None, "unknown")
