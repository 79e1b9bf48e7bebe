"""Which parameters of real packets an adapter reads, and which it leaves out: each of them by name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from nuncius.producers import (
    FACILITIES,
    Context,
    fermi_gbm_voevent,
    icecube_voevent,
    lvk_voevent,
    swift_voevent,
    voevent,
)
from nuncius.producers.envelope import envelope
from nuncius.producers.voevent import VOEvent

SHARED = r"Packet_Type|Coords_String|Obs_Support_Info/.*|[A-Z][a-z]+_(TJD|SOD)|Misc_[Ff]lags(/.*)?|Trigger_ID"
"""GCN's packet type, bit masks (each bit is a parameter of its own), the time once more, Sun, Moon, other frames."""

IGNORED = {
    fermi_gbm_voevent: (
        "Sequence_Num|Burst_Inten|Phi|Theta|SC_(Long|Lat|Geo_[XYZ])|Algorithm|Dets|(Lo|Hi)_(Chan_.*|Energy)|ADC_.*|"
        "Spatial_Prox_Match|Human_generated|Robo_generated|Bright_Hard_GBM"
    ),
    icecube_voevent: "Stream|pvalue|deltaT|sigmaT|Pkt_Ser_Num|SubType|RADec_valid|skymap_png|Test|ID|Nevents_.*",
    lvk_voevent: "internal|External Coincidence/.*",
    swift_voevent: (
        "(Burst|Trans|Event)_(Inten|Peak)|Phi|Theta|SC_(Long|Lat)|Bkg_.*|Merit_.*|Solution_Status/.*|Soln_Status|"
        "AT_Slew_Flags"
    ),
}
PACKETS = {swift_voevent: "SWIFT#BAT_[A-Za-z]+_Pos"}
"""Where not all: what Swift's light curves, spectra and images measure is theirs, and only their thread is read."""


class Recorder(dict[str, str]):
    """Parameters that remember who was asked for."""

    def __init__(self, params: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(params)
        self.asked = asked

    def get(self, key: str, default: object = None) -> str:
        self.asked.add(key.rpartition("/")[2])
        found: str = super().get(key, default)  # type: ignore[arg-type]  # as above
        return found

    def __getitem__(self, key: str) -> str:
        self.asked.add(key.rpartition("/")[2])
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key).rpartition("/")[2])
        return super().__contains__(key)


def packets(alerts_dir: Path, adapter: ModuleType) -> Iterator[bytes]:
    wanted = PACKETS.get(adapter, "#")
    for path in sorted(alerts_dir.rglob("*.xml")):
        payload = path.read_bytes()
        seen = envelope(payload, Context())
        owner = next((f for f in FACILITIES if seen.format in f.formats and f.owns(seen, payload)), None)
        if owner is adapter.FACILITY and re.search(wanted, seen.name):
            yield payload


@pytest.mark.alerts
@pytest.mark.parametrize("adapter", IGNORED, ids=lambda adapter: adapter.__name__.rpartition(".")[2])
def test_each_parameter_is_read_or_left_out_by_name(
    adapter: ModuleType, alerts_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = voevent.read
    asked: set[str] = set()
    stated: set[str] = set()

    def recording(payload: bytes) -> VOEvent:
        event = read(payload)
        qualified = {name.rpartition("/")[2] for name in event.params if "/" in name}
        stated.update(name for name in event.params if "/" in name or name not in qualified)
        return replace(event, params=Recorder(event.params, asked))

    monkeypatch.setattr(voevent, "read", recording)
    for payload in packets(alerts_dir, adapter):
        adapter.parse(payload, Context())
    ignored = re.compile(f"(.*/)?({SHARED}|{IGNORED[adapter]})")
    unread = {name for name in stated if name.rpartition("/")[2] not in asked and not ignored.fullmatch(name)}
    assert unread == set()
    assert stated
