"""picows, its core interface: frames, not messages, so a fragmented message would come back in fragments."""

from __future__ import annotations

import asyncio

from picows import WSFrame, WSListener, WSMsgType, WSTransport, __version__, ws_create_server

from bench.end_to_end.servers.serving import HOST, MAX_MESSAGE_SIZE, ready


class Echo(WSListener):  # type: ignore[misc]  # unknown where picows is not installed
    """One connection."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a frame; picows answers pings itself."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), fin=frame.fin)


async def main() -> None:
    """Serve."""
    server = await ws_create_server(lambda _request: Echo(), HOST, 0, max_frame_size=MAX_MESSAGE_SIZE)
    ready(server.sockets[0].getsockname()[1], f"picows {__version__}")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
