"""Numbers that travel narrower than Python holds them."""

from typing import NewType

Float32 = NewType("Float32", float)
"""A number that has four bytes on the wire and in columns; Python shows the double nearest to it."""
