"""What the notices of the GCN unified schema leave unsaid, by the schema they name."""

import re
from typing import Final, NamedTuple

from nuncius.schemas.vocabulary import Band, Messenger


class Mission(NamedTuple):
    """One schema, or all those of one mission.

    Parameters
    ----------
    facility, instrument
        Used where the notice names none; ``facility`` always, so that VOEvents and notices of one mission agree.
    thread
        What thread ids begin with.
    messenger, band, event_class
        As in `Alert`; the notice's own messenger and spectral band count first.
    has_tense
        Whether the schema has ``alert_tense``; where it has not, a notice without it is real.
    at_lower_edge
        For radio bursts: whether ``trigger_time`` is at the band's lower edge, so that the stated dispersion applies.
    id_field
        The field whose identifier other formats of the same notice carry too; empty for ``id``.
    """

    facility: str
    instrument: str
    thread: str
    messenger: Messenger
    band: Band | None
    event_class: str
    has_tense: bool = True
    at_lower_edge: bool = False
    id_field: str = ""


MISSIONS: Final = {
    "burstcube": Mission("BurstCube", "", "burstcube", "photon", "gamma", "grb"),
    "einstein_probe": Mission("Einstein Probe", "WXT", "ep-wxt", "photon", "x-ray", "x_ray_transient", has_tense=False),
    "fermi/gbm": Mission("Fermi", "GBM", "fermi-gbm", "photon", "gamma", "grb"),
    "fermi/lat/flare": Mission("Fermi", "LAT", "fermi-lat", "photon", "gamma", "flare"),
    "fermi/lat": Mission("Fermi", "LAT", "fermi-lat", "photon", "gamma", "grb"),
    "glowbug": Mission("Glowbug", "", "glowbug", "photon", "gamma", "grb"),
    "swift/bat/guano": Mission("Swift", "BAT-GUANO", "swift-guano", "photon", "gamma", "sub_grb_targeted"),
    "swift": Mission("Swift", "BAT", "swift-bat", "photon", "gamma", "grb"),
    "svom": Mission("SVOM", "", "svom", "photon", "gamma", "grb"),
    "maxi/gsc.known": Mission("MAXI", "GSC", "maxi", "photon", "x-ray", "known_source"),
    "maxi": Mission("MAXI", "GSC", "maxi", "photon", "x-ray", "x_ray_transient"),
    "blackcat": Mission("BlackCAT", "", "blackcat", "photon", "x-ray", "x_ray_transient"),
    "chime": Mission("CHIME", "CHIME/FRB", "chime-frb", "photon", "radio", "frb", at_lower_edge=True),
    "dsa110": Mission("DSA-110", "", "dsa110", "photon", "radio", "frb"),
    "icecube": Mission("IceCube", "", "icecube", "neutrino", None, "neutrino_track"),
    "icecube/lvk_nu_track_search": Mission("IceCube", "", "icecube-lvk", "neutrino", None, "neutrino_search"),
    "km3net": Mission("KM3NeT", "", "km3net", "neutrino", None, "neutrino_track"),
    "superk": Mission(
        "Super-Kamiokande", "", "super-k", "neutrino", None, "supernova_neutrino", id_field="trigger_number"
    ),
    "heasarc": Mission("HEASARC", "", "heasarc", "photon", None, "archive", id_field="obs_id"),
    "boom": Mission("BOOM", "", "boom", "photon", "optical", "optical_transient"),
}
"""Beginning of the path between ``/notices/`` and ``.schema.json``, in lower case; the longest that fits counts."""

_PATH: Final = re.compile(r"/notices/(.{1,120}?)(?:\.schema\.json)?$")
_BY_LENGTH: Final = tuple(sorted(MISSIONS, key=lambda start: (-len(start), start)))


_TOPIC: Final = "gcn.notices."


def notice_path(schema_url: str, topic: str) -> str:
    """``fermi/gbm/trigger`` of a ``$schema`` URL, else of a topic; empty where neither names a notice."""
    found = _PATH.search(schema_url)
    if found:
        return found[1].removeprefix("classic/")
    return topic.removeprefix(_TOPIC).replace(".", "/") if topic.startswith(_TOPIC) else ""


def mission(path: str, stated: str) -> Mission:
    """What is known of a schema's notices; of one not known here a mission by its ``stated`` name, class unknown."""
    lowered = path.lower()
    for start in _BY_LENGTH:
        if lowered.startswith(start):
            return MISSIONS[start]
    name = stated or path.partition("/")[0] or "unknown"
    return Mission(name, "", re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), "photon", None, "unknown")
