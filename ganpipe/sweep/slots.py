"""How many stages run at a time, and on which GPU each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ganpipe.errors import BadInput
from ganpipe.variant import Runtime

VISIBLE = "CUDA_VISIBLE_DEVICES"
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def environments(jobs: str, per_gpu: int | None, runtime: Runtime, gpus: list[str]) -> list[dict[str, str]]:
    """What to add to the environment of each worker; there are as many as stages may run at a time.

    jobs: 'auto' or a number; per_gpu: stages at a time on each of `gpus`, the names that CUDA takes. Raises BadInput
    where they make no sense.
    """
    if jobs != "auto" and not (jobs.isdecimal() and int(jobs) > 0):
        raise BadInput(f"-j is {jobs!r}: give a whole number from 1 on, or auto.")
    if runtime.device != "cuda":
        if per_gpu is not None:
            raise BadInput(f"--per-gpu is for CUDA, and runtime.device is {runtime.device} here: give -j instead.")
        fitting = cores() // runtime.threads if runtime.device == "cpu" else 1
        return [{} for _ in range(max(fitting, 1) if jobs == "auto" else int(jobs))]
    if per_gpu is not None:
        if per_gpu < 1:
            raise BadInput(f"--per-gpu is {per_gpu}: give a whole number from 1 on.")
        if jobs != "auto":
            raise BadInput(f"-j and --per-gpu exclude each other: --per-gpu {per_gpu} is so many on each GPU.")
    number = len(gpus) * (per_gpu or 1) if jobs == "auto" else int(jobs)
    return [{VISIBLE: gpus[worker % len(gpus)]} for worker in range(number)]


def visible(count: int, environment: Mapping[str, str]) -> list[str]:
    """The names of the GPUs of which CUDA shows so many to this process."""
    named = [name.strip() for name in environment.get(VISIBLE, "").split(",") if name.strip()]
    return named[:count] if named else [str(index) for index in range(count)]


def cores(quota: Path = QUOTA) -> int:
    """The processors that this process may use: those that it is bound to, and the share that a container has."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text(encoding="ascii").split()
        return bound if share == "max" else max(min(bound, int(share) // int(period)), 1)
    except (OSError, ValueError):
        return bound
