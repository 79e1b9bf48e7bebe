import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuncius.broker.transport.headers import pack_headers, unpack_headers
from nuncius.broker.transport.port import Headers
from nuncius.schemas.errors import LogDamaged

HEADERS = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20)), max_size=4).map(tuple)


@given(HEADERS)
def test_headers_come_back(headers: Headers) -> None:
    assert unpack_headers(pack_headers(headers)) == headers


def test_the_layout() -> None:
    assert pack_headers((("ab", b"xyz"),)) == b"\x02\x00\x00\x00\x03\x00\x00\x00abxyz"
    assert unpack_headers(None) == ()


@pytest.mark.parametrize("data", [b"\x01", b"\x02\x00\x00\x00\x03\x00\x00\x00abxy", b"\x01\0\0\0\0\0\0\0\xff"])
def test_broken_headers_are_damage(data: bytes) -> None:
    with pytest.raises(LogDamaged):
        unpack_headers(data)
