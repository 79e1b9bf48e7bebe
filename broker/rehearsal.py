"""The demo's own composition: a log, the road, two acts, and a picture."""

import time
from pathlib import Path
from typing import Protocol

from nuncius.broker.app import Progress, ingest_of, open_log, workers_of
from nuncius.broker.services.demo import Stage, play
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.outcome import Outcome, outcome
from nuncius.broker.settings import Settings
from nuncius.producers.simulation import NAMES, acts


class Spectator(Progress, Protocol):
    """Who watches."""

    def say(self, line: str) -> None:
        """One line above the bar."""


def play_demo(speed: float, broker: str | None, picture: Path | None, watch: Spectator) -> Outcome:
    """Play both acts and return the final state.

    Parameters
    ----------
    speed
        Seconds of history a second.
    broker
        Address of a log to keep; None throws it away.
    picture
        Where to write the sky, if anywhere.
    watch
        Progress and lines for the spectator.
    """
    watch.stage("preparing the packets")
    played = acts()
    log = open_log(broker)
    try:
        ingest = ingest_of(log, "demo", "nuncius-demo")
        workers = workers_of(log, Settings.model_validate({}))
        stage = Stage(log, ingest, workers, read_packet, speed, time.sleep, watch.say, watch.step)
        for number, act in enumerate(played, 1):
            watch.say(
                f"\n[bold]Act {number}: {act.title}[/]  ({len(act.packets)} packets, {speed:g} s of history a second)"
            )
            watch.stage(f"act {number}", len(act.packets))
            play(stage, act, number)
        found = outcome(log, ingest.seen)
        if picture is not None:
            from nuncius.broker.services.demo_picture import draw

            draw(found, log, picture, NAMES)
            watch.say(f"wrote {picture}")
        return found
    finally:
        log.close()
