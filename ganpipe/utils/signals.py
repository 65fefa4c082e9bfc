"""Signals that end a process, and the end of the dvc process that started it.

A training finishes its step and writes a checkpoint before it exits: it runs inside `defer_signals`, where the first
signal is kept for `pending_signal` and nothing is raised. A stage also ends when its dvc does: a killed dvc leaves its
child running, and the next `dvc repro` would start another one beside it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox"}
POLL = 0.5
"""Seconds between two checks whether dvc still runs."""


class Interrupted(BaseException):
    """A signal asked the process to end. number: of the signal. where: a clause for the message, without a full stop.

    No Exception, as KeyboardInterrupt is none: code that catches errors must not swallow it.
    """

    def __init__(self, number: int, where: str = "") -> None:
        super().__init__(where)
        self.number, self.where = number, where


class _SignalState:
    """received: the first signal, None before. deferred: whether it waits for `pending_signal`."""

    received: int | None = None
    deferred = False


def install_handlers() -> None:
    """Install handlers: SIGINT, SIGTERM and SIGHUP raise Interrupted in the main thread, or wait for `pending_signal`.

    After the first signal only SIGINT counts, from a person who does not want to wait. A SIGTERM or SIGHUP comes twice
    by itself: to the process group of dvc and its stage, and from `exit_with_parent` when dvc has died of it.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        first = _SignalState.received is None
        if not first and number != signal.SIGINT:
            return
        if first:
            _SignalState.received = number
        if not (first and _SignalState.deferred):
            raise Interrupted(number)

    _SignalState.received = None
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # under nohup a closed terminal is no request to end
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)


def count_as_ctrl_c() -> None:
    """SIGTERM and SIGHUP raise KeyboardInterrupt from now on, but for a SIGHUP under nohup."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Inside, the first signal raises nothing: the work calls `pending_signal` often and raises Interrupted itself.

    A signal that the work did not see raises Interrupted at the end. Does not nest.
    """
    _SignalState.received, _SignalState.deferred = None, True
    try:
        yield
    finally:
        _SignalState.deferred = False
    if _SignalState.received is not None:
        raise Interrupted(_SignalState.received)


def pending_signal() -> int | None:
    """Inside `defer_signals` the number of the signal that came, None before."""
    return _SignalState.received if _SignalState.deferred else None


def exit_with_parent() -> None:
    """Send this process SIGTERM when the dvc that started it ends; nothing where dvc did not start it.

    Under `dvc queue` the worker above dvc counts as well: without it nobody collects the experiment.
    """
    if "DVC_STAGE" not in os.environ:
        return
    parent = os.getppid()
    try:
        above = _dvc_processes()
    except psutil.NoSuchProcess:  # it has ended already
        os.kill(os.getpid(), signal.SIGTERM)
        return
    except psutil.AccessDenied:  # some containers hide other processes
        above = []

    def wait() -> None:
        # a process that loses its parent gets another one
        while os.getppid() == parent and all(map(_runs, above)):
            time.sleep(POLL)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end with dvc", daemon=True).start()


def _dvc_processes() -> list[psutil.Process]:
    """The dvc above this process and the worker of `dvc queue` above that. Raises psutil.NoSuchProcess."""
    dvc = psutil.Process(os.getppid())
    while dvc.name() in SHELLS and dvc.ppid() > 1:
        dvc = psutil.Process(dvc.ppid())
    if "exec-run" not in dvc.cmdline():  # as a worker of the queue starts it
        return [dvc]
    worker = psutil.Process(dvc.ppid())
    if "queue-worker" not in worker.cmdline():
        raise psutil.NoSuchProcess(worker.pid)
    return [dvc, worker]


def _runs(process: psutil.Process) -> bool:
    """Whether it has not ended; a zombie, which nobody has waited for yet, has."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
