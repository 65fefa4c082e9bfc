"""A process in which DVC reproduces one target after the other, as it is told: `python -m ganpipe.sweep.worker`.

An order is a line of JSON on stdin, `{"arguments": [what follows dvc], "log": file}`; the answer is DVC's exit code
on stdout. DVC's import takes longer than its work on a stage, so it is paid once. What DVC and the stages say goes to
the log. The end of stdin is the end: whether the sweep closes it or dies, a stage that is under way is interrupted as
by Ctrl-C, and nothing is left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ganpipe import whole

BUSY = "is busy, it is being blocked by"
"""What DVC says where another of its processes is making the very same files. It does not wait for that one."""
POLL = 2.0
"""Seconds until it is asked again."""


def main() -> None:
    # stages inherit 0, 1 and 2: none of them may be the pipe of the orders or of the answers
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    with open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), 0)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # a stage under way gets the signal, DVC puts its files in order afterwards; exec resets this for the stage
    signal.signal(signal.SIGINT, lambda *_: None)
    todo: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    ended = threading.Event()
    threading.Thread(target=_listen, args=(orders, todo, ended), daemon=True).start()
    whole.install()
    from dvc.cli import main as dvc

    while (line := todo.get()) is not None and not ended.is_set():
        order = json.loads(line)
        path = Path(order["log"])
        with _streams(path):
            while (code := dvc(order["arguments"])) and not ended.is_set() and _busy(path):
                ended.wait(POLL)
                path.write_bytes(b"")
        with contextlib.suppress(BrokenPipeError):  # the sweep is no more
            answers.write(b"%d\n" % code)


def _listen(orders: IO[bytes], todo: queue.SimpleQueue[bytes | None], ended: threading.Event) -> None:
    for line in orders:
        todo.put(line)
    ended.set()
    todo.put(None)
    interrupted: set[int] = set()
    while True:
        time.sleep(0.1)
        for pid in _stages() - interrupted:
            interrupted.add(pid)  # once: a second signal could break what the first one made it write
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)


def _stages() -> set[int]:
    """The processes below this one, without those that have left its group, as the followers of trainings do."""
    import psutil  # DVC brings it

    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == os.getpgrp():
                found.add(process.pid)
    return found


@contextlib.contextmanager
def _streams(path: Path) -> Iterator[None]:
    """stdout and stderr, of this process and of those that it starts, in a file."""
    kept = [os.dup(number) for number in (1, 2)]
    # appending: after a process has emptied it, no other one writes behind a hole
    with path.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        for stream, number, old in zip((sys.stdout, sys.stderr), (1, 2), kept, strict=True):
            stream.flush()
            os.dup2(old, number)
            os.close(old)


def _busy(path: Path) -> bool:
    sys.stderr.flush()
    return BUSY in path.read_text(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()
