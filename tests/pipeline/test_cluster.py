"""`ganpipe sweep --on slurm|ray`: submitit's local executor, and a Ray cluster of this machine with two workers."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import filelock
import psutil
import pytest
import torch
from pipeline_project import Project, lengthened, outs

from ganpipe.config.variant import Runtime
from ganpipe.pipeline import cluster, specs
from ganpipe.pipeline.cluster import Options
from ganpipe.pipeline.plan import Item
from ganpipe.pipeline.progress import FILE, Progress, status
from ganpipe.training.loop import configure
from ganpipe.utils.errors import UserError

LOCAL_SLURM = ("--on", "slurm", "--slurm", "cluster=local")
TRAINING = "train@wgan_gp-0"
RUNTIME = Runtime(device="cpu", threads=1, precision="float32", deterministic=False)


def start(project: Project, *arguments: str) -> subprocess.Popen[bytes]:
    """A sweep of wgan_gp, two jobs at a time, that writes checkpoints often. What it says is in a file: see `said`."""
    command = [sys.executable, "-m", "ganpipe.cli", "sweep", "wgan_gp", "-j", "2", *arguments]
    with (project.root.parent / "said").open("wb") as file:  # jobs that outlive it would keep a pipe open
        return subprocess.Popen(
            command, cwd=project.root, env=project.environment | {"GANPIPE_CHECKPOINT_SECONDS": "0.2"}, stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def said(project: Project) -> str:
    return (project.root.parent / "said").read_text(errors="replace")


def worker(project: Project, sweep: subprocess.Popen[bytes], before: int | None) -> psutil.Process:
    """The process of the executor above the job of TRAINING, once that has a checkpoint. before: an earlier one."""
    log = project.root / ".cache/sweep" / f"{TRAINING}.log"
    deadline = time.monotonic() + 600
    while True:
        assert time.monotonic() < deadline
        assert sweep.poll() is None, said(project)
        time.sleep(0.1)
        if before and not (log.is_file() and "goes on after step" in log.read_text(errors="replace")):
            continue
        if not list((project.root / ".ckpt").glob("train-digits-wgan_gp-0-*/*.safetensors")):
            continue
        for process in psutil.process_iter(["cmdline", "cwd"]):
            line, folder = process.info["cmdline"] or [], process.info["cwd"] or ""
            if "ganpipe.pipeline.job" in line and line[-1].endswith(TRAINING) and str(project.root) in folder:
                parent = process.ppid()
                if parent not in (before, 1):
                    return psutil.Process(parent)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("on", "signals"), [(LOCAL_SLURM, (signal.SIGUSR2, signal.SIGKILL)), (("--on", "ray"), (signal.SIGKILL,))]
)
def test_what_is_killed_goes_on_and_ends_with_the_same_bits(
    on: tuple[str, ...], signals: tuple[signal.Signals, ...], blank: Project, tmp_path: Path
) -> None:
    """A preempted job (submitit's signal), a lost one, and a coordinator that is killed: nothing is trained twice."""
    project = lengthened(blank, tmp_path / "project")
    with project.params() as params:
        params["variants"]["wgan_gp"]["steps"] = 1500
    whole = project.clone(tmp_path / "whole")
    whole.ganpipe("sweep", "wgan_gp", "-j", "1")

    sweep = start(project, *on)
    before = None
    for number in signals:
        found = worker(project, sweep, before)
        before = found.pid
        found.send_signal(number)
    at_work = worker(project, sweep, before).children(recursive=True)
    for process in at_work:  # so that it does not end too early
        process.suspend()
    assert re.search(rf"^running .*{TRAINING}", project.ganpipe("sweep", "--status").out, re.MULTILINE)
    sweep.kill()
    sweep.wait()
    for process in at_work:
        process.resume()

    again = start(project, *on)
    assert again.wait(900) == 0, said(project)
    log = project.root / ".cache/sweep" / f"{TRAINING}.log"
    text = log.read_text() if log.is_file() else ""  # none where the job of the first coordinator was faster
    assert "goes on after step" in text if on[1] == "ray" else "Running stage" not in text
    assert outs(project) == outs(whole)
    assert project.plan().keys() == whole.plan().keys()
    assert not list((project.root / ".cache/sweep").glob("job*/project"))


@pytest.mark.slow
def test_without_a_shared_disk_the_remote_holds_everything(project: Project, tmp_path: Path) -> None:
    project.dvc("remote", "add", "-d", "storage", str(tmp_path / "remote"))
    with project.params() as params:
        params["variants"]["wgan_gp"]["generator_optimizer"]["lr"] = 0.02
    whole = project.clone(tmp_path / "whole")
    whole.ganpipe("sweep", "wgan_gp")
    done = project.ganpipe("sweep", "wgan_gp", "--on", "ray", "-j", "2", "--remote").out
    assert "\n3 stages as jobs; " in f"\n{done}"
    assert outs(project) == outs(whole)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_job_without_the_device_says_so_and_decides_nothing_anew(project: Project) -> None:
    with project.params() as params:
        params["runtime"]["device"] = "auto"
    said = project.ganpipe("sweep", "lsgan", *LOCAL_SLURM, "--device", "cuda", "--precision", "float32", ok=False)
    assert said.code == 1
    sentence = "runtime.device is 'cuda', which this machine does not have: run it where there is one, or "
    assert f" classifier: {sentence}" in said.out
    assert f" train@lsgan-0: {sentence}" in said.out
    assert '"device": "cuda"' in (project.root / "data/specs/train/lsgan.json").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options("cloud"), r"^--on is 'cloud': give local, slurm or ray\.$"),
        (Options("local", device="cuda"), r"^--device is for --on slurm and --on ray; "),
        (Options("local", remote=True), r"^--remote is for --on slurm and --on ray; "),
        (Options("slurm", remote=True), r"^--remote is for --on ray: "),
        (Options("ray", slurm=("name=x",)), r"^--slurm name=x needs --on slurm\.$"),
        (Options("slurm", per_gpu=2), r"^--per-gpu is 2: "),
        (Options("ray", per_gpu=0), r"^--per-gpu is 0: "),
        (Options("ray", precision="auto"), r"^--precision is 'auto': give float32, bfloat16, tf32\.$"),
    ],
)
def test_options_that_make_no_sense(options: Options, says: str) -> None:
    with pytest.raises(UserError, match=says):
        options.check()


@pytest.mark.parametrize(
    ("slurm", "says"),
    [
        ((), r"^there is no srun here: "),
        (("cluster=local", "partition"), r"^--slurm is 'partition': give KEY=VALUE"),
        (("cluster=local", "slurm_color=red"), r"^--slurm: Unknown argument 'color' for executor 'slurm'"),
        (("cluster=local", "timeout_min=long"), r"^--slurm: Parameter \"timeout_min\" expected type"),
    ],
)
def test_what_submitit_refuses(slurm: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says):
        Options("slurm", slurm=slurm).executor(RUNTIME, tmp_path)


@pytest.mark.parametrize(("on", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_a_missing_package(on: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"^--on {on} needs the package {package}: `pip install 'ganpipe\[{on}\]'`\.$"):
        Options(on).executor(RUNTIME, tmp_path)


def item(stage: str, seconds: float | None) -> Item:
    return Item(stage, "never ran", seconds, False, stage)


def test_stages_of_less_than_a_minute_share_a_job() -> None:
    items = [item("a", 30.0), item("long", 60.0), item("b", 29.0), item("c", 10.0), item("train@untimed-0", None)]
    groups = [[found.stage for found in group] for group in cluster.grouped(items)]
    assert groups == [["a", "b"], ["long"], ["c"], ["train@untimed-0"]]


def test_status_has_a_line_for_each_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"^no sweep with --on slurm or --on ray has run here\.$"):
        status(tmp_path)
    items = [item(name, 1000.0) for name in "abcde"]
    progress = Progress(tmp_path, items)
    (tmp_path / FILE).parent.mkdir(parents=True)
    for name in "bcd":
        (tmp_path / FILE).with_name(f"{name}.log").touch()
    progress.outcome(items[1], None)
    progress.outcome(items[2], "no luck.")
    progress.update(items[3:])  # `e` is in the queue: it has no log
    with filelock.FileLock(tmp_path / FILE.with_name("lock")):
        last = "About 50 min left."
        assert status(tmp_path) == [
            "waiting     2  a, e",
            "running     1  d",
            "done        1  b",
            "failed      1  c",
            last,
        ]
    assert status(tmp_path)[-1] == "The sweep is not running."
    assert f"\n{'FAILED':18} c: no luck.\n" in capsys.readouterr().out


def test_the_device_of_the_jobs_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(device: Any, precision: Any) -> Runtime:
        return specs.resolve_runtime(RUNTIME.model_copy(update={"device": device, "precision": precision}))

    monkeypatch.setenv("GANPIPE_CLUSTER_DEVICE", "mps")
    assert resolved("auto", "float32") == RUNTIME.model_copy(update={"device": "mps"})
    with pytest.raises(UserError, match=r"^runtime.precision is 'auto', and there is no mps here: give --precision"):
        resolved("auto", "auto")
    with pytest.raises(UserError, match=r"^runtime.device is 'cpu', but --device mps: make it auto\.$"):
        resolved("cpu", "float32")
    monkeypatch.setenv("GANPIPE_CLUSTER_PRECISION", "bfloat16")
    assert resolved("auto", "auto").precision == "bfloat16"
    with pytest.raises(UserError, match=r"^runtime.device is 'mps', which this machine does not have: run it where "):
        configure(resolved("auto", "auto"))
