"""Readers of server-sent events over plain sockets: some read at once, some slowly, some not at all."""

import asyncio
import re
import socket
import time
from dataclasses import dataclass, field


@dataclass
class Reader:
    """What one reader has had: numbers of alerts in order, delays, and the last id."""

    numbers: list[int] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    last_id: str = ""
    ended: bool = False
    rest: bytes = b""

    def take(self, data: bytes) -> None:
        """Bytes as they came."""
        now = time.monotonic()
        *blocks, self.rest = (self.rest + data).split(b"\n\n")
        for block in blocks:
            lines = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
            if b"id" in lines:
                self.last_id = lines[b"id"].decode()
            if lines.get(b"event") == b"alert":
                found = re.search(rb'"number":([0-9.]+),"sent_s":([0-9.]+)', lines[b"data"])
                assert found is not None
                self.numbers.append(int(float(found[1])))
                self.delays_s.append(now - float(found[2]))


async def connect(
    port: int, path: str, last_id: str = "", buffer: int = 0
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream, its headers read. HTTP/1.0, so that the body comes as it is."""
    plain = socket.socket()
    if buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    incoming, outgoing = await asyncio.open_connection(sock=plain, limit=2**16)
    asked = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    outgoing.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{asked}\r\n".encode())
    head = await incoming.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], head
    return incoming, outgoing


async def follow(reader: Reader, port: int, path: str, pause_s: float = 0.0, until: int = 10**9) -> None:
    """Read until the alert of that number has come, pausing between reads; goes on from the reader's last id."""
    incoming, outgoing = await connect(port, path, reader.last_id, 2**14 if pause_s else 0)
    try:
        while not reader.numbers or reader.numbers[-1] < until:
            data = await incoming.read(2**14)
            if not data:
                break
            reader.take(data)
            if pause_s:
                await asyncio.sleep(pause_s)
    finally:
        reader.ended = True
        reader.rest = b""
        outgoing.transport.abort()
