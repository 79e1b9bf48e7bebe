"""What is known of Swift's notice types: the instruments, and what BAT saw."""

from typing import Final, NamedTuple

from nuncius.schemas.vocabulary import Band


class Instrument(NamedTuple):
    """The band it sees, and the error model of its positions."""

    band: Band
    model: str | None


INSTRUMENTS: Final = {
    "BAT": Instrument("gamma", "swift-bat"),
    "XRT": Instrument("x-ray", None),
    "UVOT": Instrument("uv", None),
}
# What BAT saw, by the beginning of the local id; products of a trigger (light curves, images) follow its class.
CLASSES: Final = {
    "BAT_SubSubThresh": "sub_grb",
    "BAT_SubThresh": "sub_grb",
    "BAT_Known": "known_source",
    "BAT_Monitor": "known_source",
    "BAT_Trans": "x_ray_transient",
}
POSITIONS: Final = ("BAT_GRB_Pos", "BAT_QuickLook_Pos", "BAT_Trans_Pos", "BAT_Known", "BAT_Sub", "BAT_Monitor")
MANY_A_TRIGGER: Final = ("BAT_Known", "BAT_SubSubThresh", "BAT_Monitor")
