"""The closed vocabularies of the wire: every word an alert, a coincidence or a request may use."""

from typing import Literal

Kind = Literal["initial", "update", "retraction", "followup", "subsequent"]
"""What a notice is to its thread."""

Reality = Literal["real", "test", "injection", "archival", "planned", "prediction", "commanded"]
"""Whether the sky did it. A marker that is unknown or missing where the format has one is never ``real``."""

Messenger = Literal["gravitational_wave", "neutrino", "photon", "cosmic_ray"]

Band = Literal["gamma-vhe", "gamma", "x-ray", "uv", "optical", "infrared", "radio"]
"""The photon's band; other messengers have none."""

TimeKind = Literal["trigger", "onset", "merger", "interval", "first_detection", "detection"]

TimeFrame = Literal["topocentric", "geocentric", "barycentric"]

FarKind = Literal["noise_only", "noise_plus_astro", "p_value"]
"""What the facility's false-alarm rate counts."""

Origin = Literal["own", "external", "combined"]
"""Whose localization it is: the facility's own, another's that it repeats, or a product of both."""

CiteKind = Literal["followup", "supersedes", "retraction"]
"""VOEvent 2.0, section 3.7."""

RunMode = Literal["live", "replay", "demo", "drill"]
"""How the record came to be made. Real telescopes accept only ``live``."""

State = Literal["active", "revised", "retracted"]

Null = Literal["noise_pair", "unrelated_real"]
"""Which question a significance answers: both noise, or both real but unrelated."""

Arm = Literal["on", "control"]
"""Whether a candidate counts as a possible counterpart or as the measured background."""

RequestState = Literal[
    "proposed",
    "approved",
    "sent",
    "accepted",
    "rejected",
    "scheduled",
    "observed",
    "expired",
    "cancelled",
    "not_cancelled",
    "recorded",
]
"""Where a request stands. ``not_cancelled``: its cause is gone and the facility will not drop it; a person must act."""

StreamTable = Literal["alerts", "candidates", "coincidences"]
"""What a named stream selects from."""

StreamState = Literal["active", "paused", "deleted"]

RowKind = Literal["row", "begin", "end", "handover", "skipped"]
"""A selected row, or news of the stream itself."""
