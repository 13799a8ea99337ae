"""A TCP proxy in front of PostgreSQL that cuts the connection at a message of the client's choosing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

ANSWERED = b"QSc"  # query, sync, end of copy: the server says something to these


class CuttingProxy:
    """Forwards to the server of a URL. Armed with n, it cuts once: at the n-th message that a client sends from then on."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (str(parts.hostname), int(parts.port or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left: int | None = None
        self._lose_answer = False
        port = self._listener.getsockname()[1]
        self.url = url.replace(f":{parts.port}/", f":{port}/") + "?sslmode=disable&gssencmode=disable"
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, n: int, lose_answer: bool) -> None:
        """Cut before message n reaches the server (0: the next one); or let it pass, and cut when its answer comes."""
        with self._lock:
            self._left, self._lose_answer = n, lose_answer

    @property
    def armed(self) -> bool:
        """Whether it has not cut yet."""
        return self._left is not None

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                losing = threading.Event()
                threading.Thread(target=self._to_server, args=(client, server, losing), daemon=True).start()
                threading.Thread(target=self._to_client, args=(client, server, losing), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            server.sendall(_read_message(client, typed=False))
            while message := _read_message(client, typed=True):
                if self._is_due(message):
                    if not self._lose_answer:
                        break
                    losing.set()
                server.sendall(message)
        _close(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while answer := server.recv(65536):
                if losing.is_set():
                    break
                client.sendall(answer)
        _close(client, server)

    def _is_due(self, message: bytes) -> bool:
        """Counts the message; True for the one to cut at."""
        with self._lock:
            if self._left is None or (self._lose_answer and message[:1] not in ANSWERED):
                return False
            self._left -= 1
            if self._left >= 0:
                return False
            self._left = None
            return True


def _read_message(client: socket.socket, typed: bool) -> bytes:
    """One message of the client, b"" at the end; the first one has no letter for its type."""
    head = _read(client, 5 if typed else 4)
    if not head:
        return b""
    length = int.from_bytes(head[-4:], "big") - 4
    return head + _read(client, length)


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = client.recv(size - len(data))
        if not piece:
            return b""
        data += piece
    return data


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def cutting_proxy(url: str) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
