"""The demo's own composition: a log, the road, two acts, and a picture."""

import time
from collections.abc import Sequence
from pathlib import Path

from nuncius.broker.app import Progress, ingest_of, open_log, road_on, throw_away_node
from nuncius.broker.services.demo import Stage, play
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.outcome import Outcome, outcome
from nuncius.broker.settings import Settings
from nuncius.broker.transport.port import Log
from nuncius.producers.simulation import NAMES, Act, acts


def play_demo(speed: float, broker: str | None, picture: Path | None, watch: Progress) -> Outcome:
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
    settings = Settings.model_validate({})
    with throw_away_node(broker, watch.say) as address:
        return _play_on(open_log(settings, address), settings, played, speed, picture, watch)


def _play_on(
    log: Log, settings: Settings, played: Sequence[Act], speed: float, picture: Path | None, watch: Progress
) -> Outcome:
    try:
        began = time.monotonic()
        ingest = ingest_of(log, "demo", "nuncius-demo")
        work = road_on(log, settings, watch.say)
        stage = Stage(log, ingest, work, read_packet, speed, time.sleep, watch.say, watch.step)
        for number, act in enumerate(played, 1):
            watch.say(
                f"\n[bold]Act {number}: {act.title}[/]  ({len(act.packets)} packets, {speed:g} s of history a second)"
            )
            watch.stage(f"act {number}", len(act.packets))
            play(stage, act, number)
        found = outcome(log, ingest.seen)
        watch.say(f"\nboth acts played in {time.monotonic() - began:.1f} s")
        if picture is not None:
            from nuncius.broker.services.demo_picture import draw

            draw(found, log, picture, NAMES)
            watch.say(f"wrote {picture}")
        return found
    finally:
        log.close()
