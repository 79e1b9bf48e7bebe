"""Stands in for telescopes: says what would have been asked, and asks nobody."""

from typing import Final

from nuncius.consumers.adapter import answer
from nuncius.schemas.too import ToORequest, ToOStatus


class Recorder:
    """The adapter of demos, drills, replays and of whoever only wants to look.

    Takes requests of every reality and run mode. It keeps nothing: what it returns is the record.
    """

    name: Final = "recorder"
    real: Final = False
    public: Final = False

    def submit(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Record what would have been asked."""
        window = "no window"
        if request.window_start is not None and request.window_stop is not None:
            window = f"{request.window_start:%Y-%m-%d %H:%M} to {request.window_stop:%Y-%m-%d %H:%M} UTC"
        where = request.position
        at = "position not known yet" if where is None else f"at {where.ra:.5f} {where.dec:+.5f}"
        what = f"{request.target_name} {at}, {request.exposure_s:g} s, {window}"
        return self._recorded(request, f"{request.facility} is to take {what}")

    def cancel(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Record what would have been taken back."""
        return self._recorded(request, f"{request.facility} is to drop {request.target_name}")

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing: nobody was asked."""

    def _recorded(self, request: ToORequest, what: str) -> ToOStatus:
        detail = f"a note of what is asked, which reaches nobody ({request.reality}, {request.run_mode}): {what}"
        return answer(request, "recorded", self.name, detail)
