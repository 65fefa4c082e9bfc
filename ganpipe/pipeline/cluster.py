"""`ganpipe sweep --on slurm|ray`: the stages that need a device run as jobs of a cluster, the others here.

The coordinator resolves and prepares, and makes one archive of the project for all jobs. A job restores what its stages
need from DVC's run cache, and what it makes is there for the next one. At the end everything is restored here. So a
sweep that is started again finds in the run cache what the one before has done, and nothing is trained twice.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.config import Config
from dvc.exceptions import DvcException
from dvc.repo import Repo
from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from ganpipe.config.configuration import Configuration
from ganpipe.config.variant import Runtime
from ganpipe.data import data_root
from ganpipe.pipeline import plan as planning
from ganpipe.pipeline.executors import Executor, Ray, Submitit
from ganpipe.pipeline.job import ALIVE, FOLDER, ON_COORDINATOR, TREE, Job
from ganpipe.pipeline.plan import Item, estimate
from ganpipe.pipeline.progress import Progress
from ganpipe.pipeline.slots import cores, number_of_jobs
from ganpipe.pipeline.specs import ELSEWHERE, resolve_runtime
from ganpipe.pipeline.stage import SPECS
from ganpipe.pipeline.sweep import Sweep, alone, check_variants, failure, priorities, select_items
from ganpipe.pipeline.sweep import sweep as local_sweep
from ganpipe.training.checkpoint_dir import ROOT as CHECKPOINT_ROOT
from ganpipe.training.checkpoint_dir import checkpoints
from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes

SHORT = 60.0
"""Seconds: stages that take less are put together into jobs that take so long."""
POLL = 0.5
NOT_KEPT = "its job ended well, but DVC's run cache does not have what it made."
PASSED_ON = ("GANPIPE_", "MLFLOW_", "OMP_", "DVC_")
"""How the names of the environment variables begin that jobs get from here."""


@dataclass(frozen=True)
class Options:
    """Those of the command line. slurm: each `key=value`. device, precision: of the machines that the jobs run on."""

    on: str
    jobs: str = "auto"
    per_gpu: int | None = None
    slurm: tuple[str, ...] = ()
    device: str | None = None
    precision: str | None = None
    remote: bool = False

    def check(self) -> None:
        """Raises UserError where they make no sense."""
        given = {"--device": self.device, "--precision": self.precision, "--remote": self.remote}
        known = {"device": ("cpu", "cuda", "mps"), "precision": ("float32", "bfloat16", "tf32")}
        if self.on not in ("local", "slurm", "ray"):
            raise UserError(f"--on is {self.on!r}: give local, slurm or ray.")
        for name in (name for name, value in given.items() if value and self.on == "local"):
            raise UserError(f"{name} is for --on slurm and --on ray; here params.yaml says it.")
        if self.remote and self.on == "slurm":
            raise UserError("--remote is for --on ray: the machines of Slurm share a disk.")
        if self.slurm and self.on != "slurm":
            raise UserError(f"--slurm {self.slurm[0]} needs --on slurm.")
        if self.on != "local" and self.per_gpu is not None and (self.on == "slurm" or self.per_gpu < 1):
            raise UserError(f"--per-gpu is {self.per_gpu}: it is for --on local and --on ray, and a number from 1 on.")
        for key, values in known.items():
            if (value := getattr(self, key)) not in (None, *values):
                raise UserError(f"--{key} is {value!r}: give {', '.join(values)}.")

    def executor(self, runtime: Runtime, folder: Path) -> Executor:
        """What runs the jobs. Raises UserError where its package is missing or a parameter is wrong."""
        if self.on == "ray":
            return Ray(runtime, number_of_jobs(self.jobs), self.per_gpu or 1)
        pairs = [pair.partition("=") for pair in self.slurm]
        for key, equals, value in pairs:
            if not (key and equals and value):
                raise UserError(f"--slurm is {key + equals + value!r}: give KEY=VALUE, as slurm_partition=gpu.")
        return Submitit(folder, {key: YAML(typ="safe").load(value) for key, _, value in pairs}, runtime)

    def workers(self, runtime: Runtime) -> int | None:
        """Jobs at a time; None: as many as there are, in the cluster's queue."""
        here = "cluster=local" in self.slurm
        return number_of_jobs(self.jobs) or (max(cores() // runtime.threads, 1) if here else None)


def sweep(configuration: Configuration, root: Path, variants: Sequence[str], options: Options) -> int:
    """As the local sweep, but with jobs; returns its exit codes. Raises UserError as it does."""
    options.check()
    if options.on == "local":
        return local_sweep(configuration, root, variants, options.jobs, options.per_gpu)
    check_variants(configuration, variants)
    for key, name in ELSEWHERE.items():
        if value := getattr(options, key):
            os.environ[name] = value  # of the stage `resolve`, too
    runtime, remote = resolve_runtime(configuration.runtime), options.remote
    if remote and not Config(str(root / ".dvc"), validate=False)["core"].get("remote"):
        raise UserError("--remote, but DVC has none: `dvc remote add -d storage URL`, or share a disk.")
    workers = options.workers(runtime)

    def work() -> int:
        _clean(root / FOLDER)
        executor = options.executor(runtime, root / FOLDER / "submitit")
        _resolve(runtime, root)
        items = select_items(planning.plan(root, lambda: configuration), frozenset(variants))
        items = [item for item in items if item.stage.partition("@")[0] not in ON_COORDINATOR]
        items = restore(root, items, remote)
        failed: dict[str, str] = {}
        if items:
            if remote:
                _dvc(root, "push", "--run-cache")
            jobs = _Jobs(root, executor, workers, _archive(root, remote), remote)
            done = jobs.run(items)
            lost = restore(root, done, remote)
            failed = jobs.failed | dict.fromkeys((item.stage for item in lost), NOT_KEPT)
            _remove_copies(root / FOLDER)  # of a sweep that was killed, whose last job has ended meanwhile
        left = planning.plan(root, lambda: configuration)
        return Sweep(configuration, root, frozenset(variants), [{}]).run(left, failed)

    return alone(root, work)


def _clean(folder: Path) -> None:
    """Remove what earlier sweeps left."""
    shutil.rmtree(folder / "submitit", ignore_errors=True)
    for old in [*folder.glob("*.log"), *folder.glob("status.json")]:
        old.unlink()
    _remove_copies(folder)


def _remove_copies(folder: Path) -> None:
    """Those of the project in which no job is at work; one of a sweep that was killed may be."""
    for copy in folder.glob("job*"):
        with contextlib.suppress(Timeout), FileLock(copy / ALIVE, timeout=0):
            shutil.rmtree(copy, ignore_errors=True)


def _resolve(runtime: Runtime, root: Path) -> None:
    """Bring the specs and the prepared data up to date; the specs anew where they are for another device."""
    try:
        before = json.loads((root / SPECS / "evaluate.json").read_text(encoding="utf-8"))["runtime"]
    except (OSError, ValueError, LookupError):
        before = None
    if before and before != runtime.model_dump(mode="json"):
        _dvc(root, "repro", "--single-item", "--force", "resolve")
    _dvc(root, "repro", "prepare")


def _dvc(root: Path, *arguments: str) -> None:
    """Run a command of DVC. Raises UserError with its reason where it fails."""
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments]
    done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise UserError(failure(done.stdout + done.stderr, done.returncode))


def restore(root: Path, items: Sequence[Item], remote: bool) -> list[Item]:
    """Restore from DVC's run cache what it has of these; returns the others. Nothing runs.

    Raises UserError where DVC cannot, as beside another dvc.
    """
    logging.getLogger("dvc").setLevel(logging.WARNING)
    left = {item.stage: item for item in items}
    try:
        with Repo(str(root)) as repo:
            if remote:
                repo.stage_cache.pull(None)
            while True:
                with repo.lock:
                    ready = [item for item in left.values() if not left.keys() & item.needs]
                    found = [item for item in ready if _is_cached(repo, item.address, remote)]
                if not found:
                    return list(left.values())
                repo.reproduce([item.address for item in found], single_item=True, pull=remote)
                for item in found:
                    del left[item.stage]
    except DvcException as error:
        reason = " ".join(str(error).split())
        raise UserError(f"DVC cannot restore what is done ({reason}): correct that and sweep again.") from None


def _is_cached(repo: Any, address: str, remote: bool) -> bool:
    (stage,) = repo.stage.collect(address)
    if not stage.changed():
        return True
    try:
        stage.save_deps()
        for out in stage.outs:  # DVC takes those of the lock file for those of the new dependencies otherwise
            out.hash_info = type(out.hash_info)()
        repo.stage_cache.restore(stage, pull=remote, dry=not remote)  # which fetches nothing where it is dry
    except DvcException:  # the run cache does not have it, or what it depends on is not there
        return False
    return True


def _archive(root: Path, remote: bool) -> bytes:
    """The project as it stands in the work tree, with DVC's settings for a job; also at TREE."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True
    )
    if listed.returncode:
        raise UserError("--on slurm and ray need the project in git: `git init` and `git add` it.")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in sorted({os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}):
            if (root / name).is_file():  # not one that is deleted and not yet committed
                tar.add(root / name, name)
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, "config.local")
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(root / ".dvc/config.local", local)
            with Config(folder, validate=False).edit("local", validate=False) as config, Repo(str(root)) as repo:
                config.setdefault("core", {})["no_scm"] = True
                if not remote:
                    config.setdefault("cache", {})["dir"] = os.path.abspath(repo.cache.local_cache_dir)
            tar.add(local, ".dvc/config.local")
    write_bytes(root / TREE, buffer.getvalue())
    return buffer.getvalue()


class _Jobs:
    """The jobs of one sweep."""

    def __init__(self, root: Path, executor: Executor, workers: int | None, tree: bytes, remote: bool) -> None:
        self._root, self._executor, self._workers = root, executor, workers
        self._tree, self._remote = tree, remote
        here = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        if not remote or CHECKPOINT_ROOT in here:
            here[CHECKPOINT_ROOT] = str(checkpoints())
        if not remote:
            here["GANPIPE_DATA_ROOT"] = str(data_root(root.resolve()))
        self._environment: Mapping[str, str] = here
        self._running: dict[Any, list[Item]] = {}
        self.failed: dict[str, str] = {}
        """Why, by stage."""
        self._lost: Counter[str] = Counter()

    def run(self, items: Sequence[Item]) -> list[Item]:
        """Run these, each when what it needs is done; returns those that were."""
        waiting, order = {item.stage: item for item in items}, priorities(items)
        progress = Progress(self._root, items)
        try:
            while waiting or self._running:
                self._drop(waiting)
                unfinished = waiting.keys() | {item.stage for group in self._running.values() for item in group}
                ready = [item for item in waiting.values() if not unfinished & set(item.needs)]
                groups = grouped(sorted(ready, key=lambda item: -order[item.stage]))
                free = len(groups) if self._workers is None else max(self._workers - len(self._running), 0)
                if chosen := groups[:free]:
                    jobs = [self._job(group) for group in chosen]
                    for item in (item for group in chosen for item in group):
                        del waiting[item.stage]
                        (self._root / FOLDER / f"{item.stage}.log").unlink(missing_ok=True)  # of a job that was lost
                    self._running |= dict(zip(self._executor.submit(jobs, self._tree), chosen, strict=True))
                progress.update([item for group in self._running.values() for item in group])
                time.sleep(POLL)
                for handle in [handle for handle in self._running if self._executor.done(handle)]:
                    waiting |= {item.stage: item for item in self._finish(handle, progress)}
        finally:
            self._executor.cancel(list(self._running))
            progress.update([])
            progress.stop()
        return [item for item in items if item.stage in progress.done]

    def _drop(self, waiting: dict[str, Item]) -> None:
        """Take out what needs a stage that failed."""
        lost = set(self.failed)
        for item in list(waiting.values()):  # in the order of the graph
            if lost & set(item.needs):
                lost.add(item.stage)
                del waiting[item.stage]

    def _job(self, group: Sequence[Item]) -> Job:
        return Job(str(self._root.resolve()), tuple(item.address for item in group), self._environment, self._remote)

    def _finish(self, handle: Any, progress: Progress) -> list[Item]:
        """Take note of what became of a job; returns the stages that are to be run again, as it was lost."""
        group = self._running.pop(handle)
        try:
            outcomes = self._executor.result(handle)
        except Exception as error:  # of any kind: it is the executor's
            reason = next(reversed(str(error).split("\n")), "").strip() or type(error).__name__
            for item in group:
                self._lost[item.stage] += 1
                if self._lost[item.stage] > self._executor.retries:
                    self.failed[item.stage] = f"its job was lost ({reason})."
                    progress.outcome(item, self.failed[item.stage])
            return [item for item in group if item.stage not in self.failed]
        for item in group:
            code, output = outcomes[item.address]
            if self._remote:
                write_bytes(self._root / FOLDER / f"{item.stage}.log", output.encode())
            if code:
                self.failed[item.stage] = failure(output, code)
            progress.outcome(item, self.failed.get(item.stage))
        return []


def grouped(items: Sequence[Item]) -> list[list[Item]]:
    """The stages of each job: those that take less than SHORT are put together."""
    groups: list[list[Item]] = []
    together: list[Item] = []
    for item in items:
        if estimate(item) >= SHORT:
            groups.append([item])
            continue
        if not together or sum(map(estimate, together)) + estimate(item) > SHORT:
            together = []
            groups.append(together)
        together.append(item)
    return groups
