"""What Fermi GBM's flight software takes a trigger for, by the index its notices carry."""

from typing import Final

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
