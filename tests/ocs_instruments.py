"""Two instruments as ConfigDB describes them to an OCS portal, made up but for where the sites are; and the server.

The fields are those that observation-portal 4.18.9 reads (``common/configdb.py``, ``requestgroups/duration_utils.py``).
"""

from typing import Any

from fakes.server import Call, Fake, Reply

SINISTRO = "1M0-SCICAM-SINISTRO"
GOODMAN = "SOAR_GHTS_REDCAM"


def _modes(kind: str, default: str, *codes: str, **schema: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "default": default,
        "modes": [
            {"code": code, "name": code, "overhead": 10.0, "schedulable": True, "validation_schema": schema}
            for code in codes
        ],
    }


def _elements(kind: str, *codes: str) -> dict[str, Any]:
    return {
        "type": kind,
        "default": "",
        "element_change_overhead": 2.0,
        "optical_elements": [{"code": code, "name": code, "schedulable": True} for code in codes],
    }


def _kind(code: str, category: str, configuration: str, *modes: dict[str, Any]) -> dict[str, Any]:
    longest = {"type": "float", "max": 3600.0}
    exposures = {"type": "list", "schema": {"type": "dict", "schema": {"exposure_time": longest}}}
    return {
        "code": code,
        "name": code,
        "instrument_category": category,
        "allow_self_guiding": True,
        "fixed_overhead_per_exposure": 1.0,
        "observation_front_padding": 90.0,
        "config_front_padding": 5.0,
        "acquire_exposure_time": 30.0,
        "default_acceptability_threshold": 90.0,
        "default_configuration_type": configuration,
        "configuration_types": [
            {
                "code": configuration,
                "name": configuration,
                "schedulable": True,
                "force_acquisition_off": configuration == "EXPOSE",
                "requires_optical_elements": True,
                "config_change_overhead": 0.0,
                "validation_schema": {},
            }
        ],
        "mode_types": list(modes),
        "validation_schema": {"instrument_configs": exposures},
    }


def _camera(code: str, *elements: dict[str, Any]) -> dict[str, Any]:
    kind = {"code": "CCD", "pscale": 0.39, "pixels_x": 4096, "pixels_y": 4096, "max_rois": 0}
    return {"code": code, "orientation": 0.0, "camera_type": kind, "optical_element_groups": list(elements)}


def _site(code: str, latitude: float, longitude: float, aperture: float, kind: dict[str, Any], *elements: Any) -> Any:
    instrument = {
        "code": f"{code}01",
        "state": "SCHEDULABLE",
        "autoguider_camera": _camera(f"{code}02"),
        "science_cameras": [_camera(f"{code}01", *elements)],
        "instrument_type": kind,
    }
    telescope = {
        "code": f"{aperture:.0f}m0a",
        "name": f"{aperture:.0f} meter",
        "active": True,
        "aperture": aperture,
        "lat": latitude,
        "long": longitude,
        "horizon": 15.0,
        "ha_limit_pos": 4.6,
        "ha_limit_neg": -4.6,
        "zenith_blind_spot": 0.0,
        "slew_rate": 0.0,
        "minimum_slew_overhead": 0.0,
        "maximum_slew_overhead": 0.0,
        "instrument_change_overhead": 0.0,
        "instrument_set": [instrument],
    }
    enclosure = {"code": "doma", "active": True, "telescope_set": [telescope]}
    return {"code": code, "active": True, "timezone": 0, "elevation": 2000.0, "enclosure_set": [enclosure]}


_SINISTRO = _kind(
    SINISTRO,
    "IMAGE",
    "EXPOSE",
    _modes("readout", "full_frame", "full_frame", "central_2k_2x2"),
    _modes("guiding", "ON", "ON", "OFF"),
    _modes("acquisition", "OFF", "OFF"),
)
_ANGLE = {"type": "dict", "required": True, "schema": {"rotator_angle": {"type": "number", "required": True}}}
_GOODMAN = _kind(
    GOODMAN,
    "SPECTRA",
    "SPECTRUM",
    _modes("readout", "GHTS_R_400m1_2x2", "GHTS_R_400m1_2x2"),
    _modes("guiding", "ON", "ON"),
    _modes("acquisition", "MANUAL", "MANUAL"),
    _modes("rotator", "SKY", "SKY", extra_params=_ANGLE),
)
_FILTERS = _elements("filters", "rp", "ip", "gp")
SITES = [
    _site("lsc", -30.17, -70.80, 1.0, _SINISTRO, _FILTERS),
    _site("cpt", -32.38, 20.81, 1.0, _SINISTRO, _FILTERS),
    _site("coj", -31.27, 149.07, 1.0, _SINISTRO, _FILTERS),
    _site("sor", -30.24, -70.73, 4.0, _GOODMAN, _elements("slits", "slit_1.0as"), _elements("gratings", "SYZY_400")),
]


class ConfigDb(Fake):
    """ConfigDB's sites, and a DowntimeDB without downtimes."""

    def asks(self, call: Call) -> bool:
        del call
        return False

    def handle(self, call: Call) -> Reply:
        match call.path:
            case "/sites/":
                return Reply(200, {"results": SITES})
            case "/downtime/api/":
                return Reply(200, {"results": []})
        return Reply(404)
