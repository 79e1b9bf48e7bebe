"""The sky of a request as a picture, or what several ask for together, for those who are told."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from nuncius.broker.plots.sky import Backdrop, Crowd, Layer, Mark, plot_places
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.plan_found import PlanFinder, tiles_of
from nuncius.broker.services.plan_picture import draw, draw_together
from nuncius.broker.services.plan_together import together
from nuncius.broker.services.too_book import Entry
from nuncius.broker.services.too_words import headline
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.geometry import geometry
from nuncius.schemas import Alert, Cone, Localization, NunciusError, SettingsError, ToORequest
from nuncius.schemas.codec import decode


def drawn(draw: Callable[[Path], None]) -> bytes | None:
    """What is drawn into a PNG file; None where matplotlib is not installed or nothing can be drawn."""
    with tempfile.TemporaryDirectory(prefix="nuncius-") as folder:
        path = Path(folder) / "sky.png"
        try:
            draw(path)
        except (SettingsError, ValueError):
            return None
        return path.read_bytes()


class ToldPictures:
    """What a message shows of the requests that it tells of.

    Parameters
    ----------
    sky
        Of a request for one pointing.
    finder
        Finds the plans of the others.
    """

    def __init__(self, sky: "SkyPictures", finder: PlanFinder) -> None:
        self._sky = sky
        self._finder = finder

    def png(self, entries: Sequence[Entry]) -> bytes | None:
        """The picture; None where there is nothing to draw: a message never waits for it.

        Parameters
        ----------
        entries
            Requests of one event, at least one; several are drawn together.
        """
        planned = [entry for entry in entries if tiles_of(entry.latest)]
        if len(planned) > 1:
            return drawn(lambda path: draw_together(together(self._finder, entries), path))
        one = (*planned, *entries)[0]
        found = drawn(lambda path: draw(self._finder.plan(one), path)) if one.latest.tiles else None
        return self._sky.png(one.latest) if found is None else found


class SkyPictures:
    """Draws what a request rests on, where it points, and its fields.

    Parameters
    ----------
    archive
        Where the alerts are.
    maps
        By sha256.
    """

    def __init__(self, archive: Archive, maps: Mapping[str, SkyMap]) -> None:
        self._archive = archive
        self._maps = maps

    def png(self, request: ToORequest) -> bytes | None:
        """The picture; None where matplotlib is not installed or nothing can be drawn: a message never waits for it."""
        layers = self._layers(request)
        if not layers:
            return None
        tiles, where = request.tiles, request.position
        crowd = Crowd(np.array([t.ra for t in tiles]), np.array([t.dec for t in tiles]), f"{len(tiles)} fields")
        return drawn(
            lambda path: plot_places(
                layers,
                path,
                points=[] if where is None else [Mark(where.ra, where.dec, request.target_name)],
                crowd=crowd if tiles else None,
                backdrop=Backdrop(request.window_start),
                title=headline(request),
            )
        )

    def _layers(self, request: ToORequest) -> list[Layer]:
        """The last known place of each event that it rests on; where none is known, the circle to cover."""
        found: dict[str, Layer] = {}
        for alert_id in request.follows:
            try:
                record = self._archive.alert(alert_id)
                alert = None if record is None else decode(Alert, record.value or b"")
                place = None if alert is None else next((p for p in alert.localizations if p.origin == "own"), None)
                sky = None if place is None else geometry(place, self._maps, tolerance=1e-5)
            except (NunciusError, ValueError):
                continue
            if sky is not None and alert is not None:
                found[alert.thread_id] = Layer(sky, alert.thread_id)
        where = request.position
        if found or where is None or where.radius_deg <= 0:
            return list(found.values())[:4]
        return [Layer(Localization(Cone(where.ra, where.dec, where.radius_deg)), "90 % region")]
