"""The one size from which all message-size limits follow."""

from typing import Final

MAX_MESSAGE_BYTES: Final = 16 * 2**20
"""Largest record on the log: value, key and headers together. Four times what GCN passes (about 4 MiB)."""

ENVELOPE_BYTES: Final = 64 * 2**10
"""Room for key and headers."""

MAX_PACKET_BYTES: Final = MAX_MESSAGE_BYTES - ENVELOPE_BYTES
"""Largest packet that is read. The largest LVK maps are some 4 MB."""
