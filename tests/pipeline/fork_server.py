"""A `python` that starts at once: a server that has imported torch, DVC and the rest forks a process for each call.

The pipeline is a hundred short processes, and importing torch in each would take minutes. Nothing of the project is
preloaded, so a process still imports, of ganpipe and stages, what it really needs and from where it really runs.

`fork_server.py serve SOCKET` is the server, `fork_server.py call SOCKET -m MODULE ARGUMENT...` the caller.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

PRELOADED = (
    "dvc.cli.parser",
    "dvc.repo",
    "dvc.repo.reproduce",
    "dvc.repo.experiments",
    "dvc.repo.experiments.run",
    "dvc_data.hashfile.build",
    "grimp",
    "jinja2",
    "matplotlib.pyplot",
    "pydantic",
    "rich.console",
    "ruamel.yaml",
    "safetensors.torch",
    "scipy.linalg",
    "scipy.optimize",
    "sklearn.datasets",
    "sklearn.model_selection",
    "torch",
    "torchvision.utils",
    "typer",
)


def serve(path: str) -> None:
    """Import everything once, say so, and fork a process for each call until this one is killed."""
    import gc
    import importlib
    import threading

    for name in PRELOADED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a process with threads must not fork"
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits: the caller is told by the process itself
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become(connection)
        connection.close()


def _become(connection: socket.socket) -> None:
    """Be the process that the caller wants: its folder, environment, streams and arguments."""
    import atexit
    import runpy
    import threading
    import traceback

    _, descriptors, *_ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as message:
        job = json.load(message)
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    # a file may change twice within the second that a compiled file's date is good for
    sys.dont_write_bytecode = True
    sys.path[0] = job["folder"]
    sys.argv = job["arguments"]
    code = 0
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(bytes([code]))
    os._exit(code)


def call(path: str, arguments: list[str]) -> int:
    """Have the server run `-m MODULE ARGUMENT...` here; returns its exit code."""
    if arguments[:1] != ["-m"]:
        os.execv(sys.executable, [sys.executable, *arguments])
    job = {"folder": os.getcwd(), "environment": dict(os.environ), "arguments": arguments[1:]}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"\0"], [0, 1, 2])
        connection.sendall(json.dumps(job).encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1)
    return answer[0] if answer else 139


if __name__ == "__main__":
    verb, where, *rest = sys.argv[1:]
    if verb == "serve":
        serve(where)
    sys.exit(call(where, rest))
