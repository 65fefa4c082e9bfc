"""What runs the jobs of `ganpipe sweep --on`: submitit for Slurm, and Ray. Both are optional and imported late."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ganpipe.config.variant import Runtime
from ganpipe.pipeline.job import Job, Outcome
from ganpipe.utils.errors import UserError

RETRIES = 3
"""How often the stages of a job that was lost, with its process or machine, are given to another one."""

STARTS = 3
"""How often Ray is started before it is given up."""
STORE = 200 * 2**20
"""Bytes of memory in which Ray of this machine keeps arguments and results: ours are small."""


class Executor(Protocol):
    """retries: how often the coordinator gives a lost job's stages to another one; 0: the executor does it itself."""

    retries: int

    def submit(self, jobs: Sequence[Job], tree: bytes) -> list[Any]:
        """A handle for each. tree: the archive of the project, for those that do not share its disk."""

    def done(self, handle: Any) -> bool:
        """Whether it has ended, however it did."""

    def result(self, handle: Any) -> dict[str, Outcome]:
        """What became of each stage. Raises whatever the executor does where the job was lost."""

    def cancel(self, handles: Sequence[Any]) -> None:
        """End these."""


class Submitit:
    """Jobs of Slurm, as an array. parameters: submitit's own, by their names there; `cluster` may be `local`.

    submitit keeps its files and the jobs' output in `folder`. Raises UserError for parameters that it refuses.
    """

    retries = RETRIES

    def __init__(self, folder: Path, parameters: Mapping[str, Any], runtime: Runtime) -> None:
        try:
            import submitit
        except ImportError:
            raise UserError(_missing("slurm", "submitit")) from None
        defaults = {"name": "ganpipe", "cpus_per_task": runtime.threads, "timeout_min": 24 * 60}
        defaults |= {"gpus_per_node": 1} if runtime.device == "cuda" else {}
        of_executor = {k: v for k, v in parameters.items() if k in ("cluster", "slurm_max_num_timeout", "slurm_python")}
        try:
            self._executor = submitit.AutoExecutor(folder, **{"cluster": "slurm"} | of_executor)
            others = {key: value for key, value in parameters.items() if key not in of_executor}
            self._executor.update_parameters(**defaults | others)
        except RuntimeError:
            raise UserError("there is no srun here: run it where Slurm is, or try --slurm cluster=local.") from None
        except (NameError, TypeError, ValueError, AssertionError) as error:
            raise UserError(f"--slurm: {' '.join(str(error).split())}: submitit's documentation names all.") from None

    def submit(self, jobs: Sequence[Job], tree: bytes) -> list[Any]:
        with self._executor.batch():
            return [self._executor.submit(job) for job in jobs]

    def done(self, handle: Any) -> bool:
        return bool(handle.done())

    def result(self, handle: Any) -> dict[str, Outcome]:
        found: dict[str, Outcome] = handle.result()
        return found

    def cancel(self, handles: Sequence[Any]) -> None:
        for handle in handles:
            handle.cancel(check=False)


class Ray:
    """Tasks of Ray: on the cluster that RAY_ADDRESS names, or on one of this machine, with `workers` at a time.

    Each has runtime.threads processors, and with CUDA a share of a GPU: 1 / per_gpu. Ray runs a lost one again.
    """

    retries = 0

    def __init__(self, runtime: Runtime, workers: int | None, per_gpu: int) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise UserError(_missing("ray", "ray")) from None
        self._ray, self._threads, self._workers = ray, runtime.threads, workers
        gpus = 1 / per_gpu if runtime.device == "cuda" else 0
        self._run = ray.remote(num_cpus=runtime.threads, num_gpus=gpus, max_retries=RETRIES)(_call)

    def submit(self, jobs: Sequence[Job], tree: bytes) -> list[Any]:
        if not self._ray.is_initialized():
            self._start()
            self._tree = self._ray.put(tree)  # once: it would be copied for each task
        return [self._run.remote(job, self._tree) for job in jobs]

    def _start(self) -> None:
        here: dict[str, Any] = {}
        if "RAY_ADDRESS" not in os.environ:
            here = {"num_cpus": self._workers and self._workers * self._threads, "object_store_memory": STORE}
        for left in reversed(range(STARTS)):
            try:
                self._ray.init(**here, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
                return
            except Exception as error:  # Ray raises no type of its own where a busy machine takes it too long
                self._ray.shutdown()
                if not left:
                    raise UserError(f"Ray does not start ({' '.join(str(error).split())}): see RAY_ADDRESS.") from None

    def done(self, handle: Any) -> bool:
        return bool(self._ray.wait([handle], timeout=0)[0])

    def result(self, handle: Any) -> dict[str, Outcome]:
        found: dict[str, Outcome] = self._ray.get(handle)
        return found

    def cancel(self, handles: Sequence[Any]) -> None:
        for handle in handles:
            self._ray.cancel(handle)
        self._ray.shutdown()


def _call(job: Job, tree: bytes) -> dict[str, Outcome]:
    return job(tree)


def _missing(on: str, package: str) -> str:
    return f"--on {on} needs the package {package}: `pip install 'ganpipe[{on}]'`."
