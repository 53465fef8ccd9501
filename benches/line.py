#!/usr/bin/env python3
"""A line to a server on this host, with a delay, that counts the requests of HTTP.

`line.py PORT SERVER-PORT MILLISECONDS [LOG]` passes on what comes at PORT of 127.0.0.1. A byte needs half of the time in
each direction. The first line of each request and the range in it go to LOG. `line.py --speed` prints how much passes.
"""

import asyncio
import re
import sys
import time

# What may be on its way at a time, in bytes. So the line has no limit of its own.
WINDOW = 64 << 20
PIECE = 256 << 10


class Requests:
    """Finds the requests in what a client sends."""

    def __init__(self, log):
        self.log = log
        self.head = b""
        self.body = 0

    def feed(self, piece):
        while piece:
            if self.body:
                passed = min(self.body, len(piece))
                self.body -= passed
                piece = piece[passed:]
                continue
            self.head += piece
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, piece = self.head[:end].decode("latin-1"), self.head[end + 4 :]
            self.head = b""
            length = re.search(r"(?im)^content-length: *(\d+)", head)
            wanted = re.search(r"(?im)^range: *(\S+)", head)
            self.body = int(length[1]) if length else 0
            words = head.split("\r\n", 1)[0].split(" ")[:2]
            print(*words, wanted[1] if wanted else "-", file=self.log, flush=True)


async def send(queue, writer, delay):
    while True:
        came, piece = await queue.get()
        if piece is None:
            break
        wait = came + delay - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def direction(reader, writer, delay, requests):
    queue = asyncio.Queue(WINDOW // PIECE)
    sending = asyncio.create_task(send(queue, writer, delay))
    try:
        while piece := await reader.read(PIECE):
            if requests:
                requests.feed(piece)
            await queue.put((time.monotonic(), piece))
        await queue.put((time.monotonic(), None))
        await sending
    except OSError:
        sending.cancel()


async def serve(port, server, delay, log):
    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", server, limit=4 << 20)
        except OSError:
            writer.close()
            return
        requests = Requests(log) if log else None
        try:
            await asyncio.gather(
                direction(reader, far_writer, delay / 2, requests),
                direction(far_reader, writer, delay / 2, None),
            )
        finally:
            writer.close()
            far_writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", port, limit=4 << 20)
    print("ready", flush=True)
    async with listener:
        await listener.serve_forever()


async def speed():
    """How much passes on a line without a delay."""
    size = 1 << 30

    async def sink(reader, writer):
        while await reader.read(PIECE):
            pass
        writer.close()

    sink = await asyncio.start_server(sink, "127.0.0.1", 0, limit=4 << 20)
    port = sink.sockets[0].getsockname()[1]
    line = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "29999", str(port), "0", stdout=asyncio.subprocess.PIPE
    )
    await line.stdout.readline()
    reader, writer = await asyncio.open_connection("127.0.0.1", 29999)
    begun = time.monotonic()
    for _ in range(size // PIECE):
        writer.write(bytes(PIECE))
        await writer.drain()
    writer.write_eof()
    await reader.read()
    print(f"the line itself passes {size / (time.monotonic() - begun) / 1e6:.0f} MB/s")
    line.kill()


if sys.argv[1:] == ["--speed"]:
    asyncio.run(speed())
else:
    port, server, milliseconds = map(int, sys.argv[1:4])
    log = open(sys.argv[4], "a") if len(sys.argv) > 4 else None
    asyncio.run(serve(port, server, milliseconds / 1000, log))
