"""Asked to end by several at once: what a process does that dvc started, beside processes that stand for dvc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganpipe.utils import signals as interruption
from ganpipe.utils.signals import Interrupted

# looks rarely, so that all that is sent has come when it does
TRAINING = """
import time
from ganpipe.pipeline import stage
from ganpipe.utils import signals as interruption

interruption.POLL = 0.05

def main():
    with interruption.defer_signals():
        print("trains", flush=True)
        while not interruption.pending_signal():
            time.sleep(0.01)
        time.sleep(0.5)
        print("checkpoint", flush=True)
        raise interruption.Interrupted(interruption.pending_signal(), "interrupted after step 3")

stage.run(main)
"""
DVC = """
import os, subprocess, sys
subprocess.run([sys.executable, "-c", *sys.argv[1:]], env=os.environ | {"DVC_STAGE": "train"})
"""


def start() -> subprocess.Popen[str]:
    dvc = subprocess.Popen(
        [sys.executable, "-c", DVC, TRAINING],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert dvc.stdout
    assert dvc.stdout.readline() == "trains\n"
    return dvc


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_group_leaves_time_for_a_checkpoint(number: signal.Signals) -> None:
    """Dvc dies of it, and of that the training hears a second time."""
    dvc = start()
    os.killpg(dvc.pid, number)
    assert dvc.communicate(timeout=60)[0] == "checkpoint\nganpipe: interrupted after step 3.\n"
    assert dvc.returncode == -number


def test_the_end_of_dvc_ends_its_stage() -> None:
    dvc = start()
    with pytest.raises(subprocess.TimeoutExpired):
        dvc.wait(0.5)
    dvc.kill()
    assert dvc.communicate(timeout=60)[0] == "checkpoint\nganpipe: interrupted after step 3.\n"


@pytest.fixture
def _listening() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    interruption.install_handlers()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_listening")
@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_in_either_order_the_first_one_counts_once(first: signal.Signals, second: signal.Signals) -> None:
    def ends() -> None:
        with interruption.defer_signals():
            signal.raise_signal(first)
            signal.raise_signal(second)
            assert interruption.pending_signal() == first

    with pytest.raises(Interrupted) as caught:
        ends()
    assert caught.value.number == first
    signal.raise_signal(second)  # while the first one takes effect


@pytest.mark.usefixtures("_listening")
@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_person_who_asks_again_does_not_wait(first: signal.Signals) -> None:
    reached = []

    def ends() -> None:
        with interruption.defer_signals():
            signal.raise_signal(first)
            reached.append("a signal")
            signal.raise_signal(signal.SIGINT)
            reached.append("two")

    with pytest.raises(Interrupted) as caught:
        ends()
    assert reached == ["a signal"]
    assert caught.value.number == signal.SIGINT
