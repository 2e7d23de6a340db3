"""uvicorn as a service of ours: its signals, its logs and its end belong to the runtime."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from rowbell.api.connections import HttpConnection, WebSocketConnection
from rowbell.api.lobby import Lobby
from rowbell.config import Settings
from rowbell.errors import ConfigurationError

CLOSE_SECONDS = 5
PING_SECONDS = 10.0
"""A WebSocket whose client answers no ping for so long is closed."""
KEPT_SECONDS = 75
"""A connection without a request is kept longer than clients and proxies keep theirs (nginx: 60):
who closes first must be the one who sends, or a request meets a connection that is being closed."""


class Server:
    """A service: `run()` until `close`; `ready` once it accepts connections."""

    def __init__(self, app: Starlette, bound: socket.socket) -> None:
        host, port = bound.getsockname()[:2]
        self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.ready = asyncio.Event()
        self.closing: Callable[[], None] = lambda: None
        """Called when `close` begins: requests that wait for something need to be answered."""
        self._lobby: Lobby = app.state.lobby
        self._patience: float = app.state.limits.operation_seconds
        self._bound = bound
        self._ended = asyncio.Event()
        logging.getLogger("uvicorn.error").addFilter(_is_our_fault)
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                http=HttpConnection,
                ws=WebSocketConnection,
                ws_max_size=app.state.limits.frame_bytes,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PING_SECONDS,
                timeout_keep_alive=KEPT_SECONDS,
                timeout_graceful_shutdown=CLOSE_SECONDS,
            ),
            self.ready,
        )

    @property
    def connections(self) -> int:
        """That are open, whatever is spoken on them."""
        return len(self._uvicorn.server_state.connections)

    async def run(self) -> None:
        try:
            await self._uvicorn.serve([self._bound])
        finally:
            self._ended.set()

    async def drain(self, seconds: float) -> None:
        """Send the clients of sockets and streams away, some at a time; requests go on."""
        await self._lobby.drain(seconds)

    async def close(self) -> None:
        """Let what is under way come to its end, then close.

        uvicorn would close every WebSocket at once, in the middle of what it does: by then
        there are none.
        """
        self.closing()
        await self._lobby.emptied(self._patience)
        self._uvicorn.should_exit = True
        await self._ended.wait()


_FAULTS_OF_CLIENTS = ("Invalid HTTP request", "Invalid UTF-8", "Unsupported upgrade")


def _is_our_fault(record: logging.LogRecord) -> bool:
    """A line for each malformed request would let strangers fill the disk."""
    return not record.getMessage().startswith(_FAULTS_OF_CLIENTS)


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn re-raises signals with the default handler, which would end the drain.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


@contextlib.contextmanager
def listening(settings: Settings, name: str = "port") -> Iterator[socket.socket]:
    """A socket, bound before anything else starts: a taken port is known at once.

    `name`: the setting that has its port.
    """
    port: int = getattr(settings, name)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"cannot listen on {settings.host}:{port}: {error.strerror}.",
            hint=f"Set ROWBELL_{name.upper()} to a free port (0: any), ROWBELL_HOST to one of this"
            " host.",
        ) from error
    try:
        yield bound
    finally:
        bound.close()
