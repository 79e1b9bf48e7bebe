"""Ids follow from content, for ever: these exact values must never change."""

import hashlib
import uuid

from nuncius.schemas import ids

NUNCIUS = "5e1d9e5f-7a1c-5a57-9a4e-6e756e636975"


def uuid5_by_hand(name: str) -> str:
    """RFC 9562, section 5.5, without the library's own function."""
    raw = bytearray(hashlib.sha1(uuid.UUID(NUNCIUS).bytes + name.encode(), usedforsecurity=False).digest()[:16])
    raw[6], raw[8] = (raw[6] & 0x0F) | 0x50, (raw[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def test_alert_id_follows_native_id_and_bytes() -> None:
    raw = hashlib.sha256(b"packet").hexdigest()
    assert ids.digest(b"packet") == raw
    assert ids.alert_id("ivo://a/b#c", raw) == uuid5_by_hand(f"alert/ivo://a/b#c/{raw}")
    assert ids.alert_id("ivo://a/b#c", raw) != ids.alert_id("ivo://a/b#d", raw)
    assert ids.alert_id("ivo://a/b#c", raw) != ids.alert_id("ivo://a/b#c", hashlib.sha256(b"other").hexdigest())


def test_each_kind_of_id_has_its_own_space() -> None:
    made = {
        ids.alert_id("rule", "lvk:S190425z"),
        ids.coincidence_id("rule", "lvk:S190425z"),
        ids.candidate_list_id("rule", "lvk:S190425z"),
        ids.request_id("rule", "lvk:S190425z", ""),
    }
    assert len(made) == 4
    assert ids.coincidence_id("rule", "lvk:S190425z") == uuid5_by_hand("coincidence/rule/lvk:S190425z")
    assert ids.request_id("fast", "lasilla", "c1") == uuid5_by_hand("too/fast/lasilla/c1")
