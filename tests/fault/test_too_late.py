"""A telescope that takes what it was asked when nobody waits for its answer any more, after it was told to drop it."""

from dataclasses import dataclass, field

from too_night import Night, Telescope, gone, wanted

from nuncius.schemas import Retry, ToORequest, ToOStatus


@dataclass
class Queueing(Telescope):
    """It gives no answer to what it is asked, and takes it when it comes to it."""

    queue: list[ToORequest] = field(default_factory=list)

    def submit(self, wanted: ToORequest, _standing: str) -> ToOStatus:
        self.queue.append(wanted)
        raise Retry("no answer")

    def comes_to_it(self) -> None:
        for one in self.queue:
            self.holds[one.request_id] = one.revision
        self.queue.clear()


def test_what_a_telescope_took_after_it_was_told_to_drop_it_does_not_stay() -> None:
    telescope = Queueing()
    with Night(telescope) as night:
        night.put(wanted())
        night.deliver(seconds=1)
        night.put(gone())
        night.deliver(seconds=10)
        assert night.said()[-1] == (2, "cancelled")
        telescope.comes_to_it()
        assert telescope.holds == {"r": 1}
        night.restart()
        night.hours(0.1)
        assert telescope.holds == {}
        asked = telescope.asked("cancel")
        night.hours(1)
    assert asked == telescope.asked("cancel") == ["r/2", "r/2"]
