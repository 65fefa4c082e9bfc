"""MLflow's own server in a thread, whose answers can be lost or late, and which can die and come back."""

from __future__ import annotations

import contextlib
import socket
import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

Answer = Callable[..., Any]


class Served:
    """A server over the store in `root`. `mishap`: what happens to an answer once the request was carried out."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from ganpipe.tracking.store import import_mlflow

        import_mlflow(root)
        import mlflow.server
        from mlflow.server import handlers

        with warnings.catch_warnings(), contextlib.suppress(ImportError):
            # the first search imports it, and with it a part of starlette that is deprecated
            warnings.filterwarnings("ignore", message="starlette.middleware.wsgi is deprecated")
            import mlflow.server.auth
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        store = SqlAlchemyStore(f"sqlite:///{root / 'mlflow.db'}", str(root / "artifacts"))
        monkeypatch.setattr(handlers, "_tracking_store", store)
        self._app: Answer = mlflow.server.app
        self.mishap: Callable[[str], None] = lambda path: None
        self.port = 0
        self.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{self.port}")

    def __call__(self, environ: Any, start_response: Answer) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._app(environ, start_response)
        try:
            self.mishap(environ["PATH_INFO"])
        except ConnectionAbortedError:  # werkzeug would keep the connection, and the client wait for all of its time
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise
        return answer

    def start(self) -> None:
        """Listen, at the same address as before."""
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log(self, *_: object) -> None:
                pass

        self._server = make_server("127.0.0.1", self.port, self, threaded=True, request_handler=Quiet)
        self.port = self._server.port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def die(self) -> None:
        """From now on connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
