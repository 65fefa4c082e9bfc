"""A folder over HTTP on this machine, for what the real code downloads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

# the port of `discard`: nobody listens there
NOBODY = "http://127.0.0.1:9/"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the folder, which ends with a slash."""
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("no_proxy", "127.0.0.1")
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
