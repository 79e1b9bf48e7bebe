"""Records as one line a person can read."""

from nuncius.schemas import Alert, CandidateList, Coincidence, Quarantined, Significance, ToORequest, ToOStatus


def as_text(value: object) -> str:
    """One line for any record of the output topics."""
    match value:
        case Coincidence():
            return _coincidence(value)
        case CandidateList():
            chance = value.expected_by_chance
            expected = "" if chance is None else f", {chance:.3g} expected by chance"
            return f"candidates {value.state:9} {value.rule}: {value.event_thread} has {value.passed}{expected}"
        case Alert():
            when = "no time" if value.time_start is None else f"{value.time_start:%Y-%m-%d %H:%M:%S}"
            return f"alert {value.facility} {value.event_class} {value.kind} ({value.reality}) {value.thread_id} {when}"
        case ToORequest():
            return f"too {value.state:9} {value.facility}: {value.target_name} for {value.policy}: {value.reason}"
        case ToOStatus():
            return f"too-status {value.state:9} {value.facility} through {value.adapter}: {value.detail}"
        case Quarantined():
            return f"quarantine {value.source} ({value.nbytes} bytes): {value.reason}: {value.detail}"
        case _:
            return str(value)


def chance(significance: Significance) -> str:
    """How surprising, and which null answers, in a few words."""
    if significance.null == "noise_pair":
        far = significance.joint_far_hz
        return "no joint FAR" if far is None else f"joint FAR {far:.2e} Hz if both are noise"
    expected = significance.expected_by_chance
    if expected is None:
        expected = significance.expected_in_time
    return "no rate known" if expected is None else f"{expected:.2e} unrelated partners expected"


def _coincidence(value: Coincidence) -> str:
    sky = "" if value.overlap is None else f", overlap {value.overlap:.3g}"
    return (
        f"coincidence {value.state:9} {value.rule} r{value.revision} ({value.reality}): {value.anchor.event_id} + "
        f"{value.partner.event_id}, dt {value.dt_s:+.2f} s{sky}, {chance(value.significance)}"
    )
