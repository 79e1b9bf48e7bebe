"""What is known of Fermi GBM's notice types, and of the classes its flight software sorts triggers into."""

from typing import Final, NamedTuple

from nuncius.schemas.vocabulary import Kind


class Notice(NamedTuple):
    """What a type of notice is: its kind, its error model, the parameter with its significance."""

    kind: Kind
    model: str | None
    significance: str


NOTICES: Final = {
    "GBM_Alert": Notice("initial", None, "Trig_Signif"),
    "GBM_ALERT": Notice("initial", "fermi-gbm-final", "Burst_Signif"),
    "GBM_Flt_Pos": Notice("update", "fermi-gbm-flight", "Data_Signif"),
    "GBM_Gnd_Pos": Notice("update", "fermi-gbm-ground", "Burst_Signif"),
    "GBM_Fin_Pos": Notice("update", "fermi-gbm-final", "Burst_Signif"),
    "GBM_SubThresh": Notice("initial", "fermi-gbm-ground", ""),
}
STATISTICAL_1_SIGMA: Final = 0.683
"""Probability inside GBM's stated radius, its systematic error left out."""

SOURCES: Final = {
    "1": ("unreliable_location", "grb"),
    "2": ("local_particles", "not_astrophysical"),
    "3": ("below_horizon", "not_astrophysical"),
    "4": ("GRB", "grb"),
    "5": ("generic_SGR", "flare"),
    "6": ("generic_transient", "grb"),
    "7": ("distant_particles", "not_astrophysical"),
    "8": ("solar_flare", "solar"),
    "9": ("Cyg_X1", "known_source"),
    "10": ("SGR_1806_20", "known_source"),
    "11": ("GROJ_0422_32", "known_source"),
    "19": ("TGF", "not_astrophysical"),
}
"""Index -> name of the class, event class here. An unreliable location or a generic transient may still be a burst."""
