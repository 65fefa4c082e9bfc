"""The processes of one training on several devices: the stage's own and others that help it.

`GANPIPE_DEVICES=2 dvc repro` trains in two processes, on two GPUs where the runtime's device is CUDA, else on this
machine's cores. It is no setting in params.yaml, as it changes results by rounding alone, and so nothing runs again for
it. The first process does all that one process would; the others compute the same and write nothing that stays.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganpipe.utils.errors import ResourceError, UserError, format_value

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant

NUMBER, RANK, PORT = "GANPIPE_DEVICES", "RANK_IN_TRAINING", "PORT_OF_TRAINING"


def num_devices(variant: Variant, runtime: Runtime) -> int:
    """What GANPIPE_DEVICES says, 1 where it is not set. Raises UserError where the training cannot have so many."""
    value = os.environ.get(NUMBER, "").strip() or "1"
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise UserError(f"{NUMBER} is {format_value(value)}: give a whole number from 1 on, or unset it.")
    if (number := int(value)) == 1:
        return 1
    if reason := obstacle(variant, number):
        raise UserError(f"{NUMBER} is {number}, and {reason}.")
    if runtime.device == "mps":
        raise UserError(f"{NUMBER} is {number}, and runtime.device mps is one device: unset it, or use `device: cpu`.")
    if runtime.device == "cuda":
        import torch

        if (found := torch.cuda.device_count()) < number:
            raise UserError(f"{NUMBER} is {number}, and GPUs that can be used: {found}. Use at most as many.")
    return number


def obstacle(variant: Variant, number: int) -> str | None:
    """Why the variant cannot be trained on so many devices, with the remedy; None where it can."""
    algorithm: Any = variant.algorithm
    critic = variant.critic
    if algorithm.kind != "adversarial":
        return f"the algorithm {algorithm.kind} trains on one: unset it"
    if algorithm.unroll_steps:
        return "the steps of an unrolled critic are taken on one: unset it, or use `algorithm.unroll_steps: 0`"
    if variant.generator.num_generators > 1:
        return "a batch is divided among the generators of an ensemble: unset it, or use another `generator.kind`"
    if critic.uses_batch_stats and critic.batch_stats_layer[0] != "batch norm":
        layer, remedy = critic.batch_stats_layer
        return f"{layer} is taken on one: unset it, or use {remedy}"
    whole = number * algorithm.pack
    if variant.batch % whole:
        packs = f" packs of {algorithm.pack}" if algorithm.pack > 1 else ""
        larger = (variant.batch // whole + 1) * whole
        return f"`batch`, {variant.batch}, is not as many{packs} for each: unset it, or use `batch: {larger}`"
    return None


def is_helper() -> bool:
    """Whether this process helps the one that does the work of the stage."""
    return RANK in os.environ


@contextmanager
def processes(number: int, device: str) -> Iterator[None]:
    """Inside, `number` processes are one group, of which this is the first or, started by it, another.

    The others run the command of this one. Raises ResourceError where one of them ended before.
    """
    if number == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    rank = int(os.environ.get(RANK, "0"))
    port = int(os.environ.get(PORT, "0"))  # 0: any that is free
    store = dist.TCPStore("127.0.0.1", port, number, rank == 0, wait_for_workers=False)  # type: ignore[attr-defined]
    if device == "cuda":
        torch.cuda.set_device(rank)
    with _helpers(0 if rank else number, store.port) as helpers:
        store.set(str(rank), "here")
        try:
            while helpers and not store.check([str(helper) for helper in range(1, len(helpers) + 1)]):
                if any(process.poll() is not None for process, _ in helpers):
                    raise RuntimeError("a helper never came")
                time.sleep(0.1)  # in Python, where a signal can end it
            backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
            dist.init_process_group(backend, store=store, rank=rank, world_size=number)
            yield
        except RuntimeError:
            if said := _last_words(helpers):
                raise ResourceError(f"A process that helps this training ended before it: {said}") from None
            raise
        finally:
            if dist.is_initialized():
                dist.destroy_process_group()


Helpers = list[tuple[subprocess.Popen[bytes], Path]]


@contextmanager
def _helpers(number: int, port: int) -> Iterator[Helpers]:
    """The processes 1 to number - 1, each with the file of what it says; they end with the block."""
    helpers: Helpers = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank in range(1, number):
                environment = os.environ | {RANK: str(rank), PORT: str(port)}
                command, said = [sys.executable, "-m", "stages.train", *sys.argv[1:]], Path(folder, str(rank))
                # in a group of its own: a terminal's Ctrl-C is for the first process, which ends the others
                with said.open("wb") as log:
                    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
                helpers.append((process, said))
            yield helpers
        finally:
            for process, _ in helpers:
                process.kill()
                process.wait()


def _last_words(helpers: Helpers) -> str | None:
    """The last line of one that failed; None where none did."""
    for process, said in helpers:
        with suppress(subprocess.TimeoutExpired):
            if process.wait(5):
                return (said.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    return None
