"""For all tests: one thread, which is faster for tensors this small and leaves the other core to the processes."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported, so here and not in a fixture

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what is in the background like this
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # and nohup like this
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """A test that takes more threads leaves the next one with one: bits differ between thread counts."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
