"""How many stages run at a time on this machine, and on which device each."""

from __future__ import annotations

import os
from pathlib import Path

from ganpipe.config.variant import Runtime
from ganpipe.utils.errors import UserError

VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def environments(jobs: str, per_gpu: int | None, runtime: Runtime) -> list[dict[str, str]]:
    """What to add to the environment of each slot; as many stages run at a time as there are slots."""
    limit = number_of_jobs(jobs)
    if runtime.device != "cuda":
        if per_gpu is not None:
            raise UserError(f"--per-gpu is for CUDA, and runtime.device is {runtime.device} here: give -j instead.")
        fitting = cores() // runtime.threads if runtime.device == "cpu" else 1
        return [{} for _ in range(max(fitting, 1) if limit is None else limit)]
    if per_gpu is not None and per_gpu < 1:
        raise UserError(f"--per-gpu is {per_gpu}: give a whole number from 1 on.")
    if per_gpu is not None and limit is not None:
        raise UserError(f"-j and --per-gpu exclude each other: --per-gpu {per_gpu} is so many on each GPU.")
    devices = gpus()
    number = len(devices) * (per_gpu or 1) if limit is None else limit
    return [{VISIBLE_DEVICES: devices[slot % len(devices)]} for slot in range(number)]


def gpus() -> list[str]:
    """The GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES takes."""
    import torch

    count = torch.cuda.device_count()
    named = [name.strip() for name in os.environ.get(VISIBLE_DEVICES, "").split(",") if name.strip()]
    return named[:count] or [str(index) for index in range(count)]


def cores() -> int:
    """The processors that this process may use: those that it is bound to, and the share that a container has."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return bound if share == "max" else max(min(bound, int(share) // int(period)), 1)
    except (OSError, ValueError):
        return bound


def number_of_jobs(jobs: str) -> int | None:
    """-j; None for auto. Raises UserError where it is neither, or a training is to have several devices."""
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs) > 0):
        raise UserError(f"-j is {jobs!r}: give a whole number from 1 on, or auto.")
    if os.environ.get("GANPIPE_DEVICES", "1") != "1":
        raise UserError("GANPIPE_DEVICES is for one training at a time, of `dvc repro`: unset it for a sweep.")
    return None if jobs == "auto" else int(jobs)
