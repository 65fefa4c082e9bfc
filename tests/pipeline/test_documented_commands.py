"""Each command of README.md and docs/ is run by a test, or stands here with the reason why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pipeline_project import SOURCE, Project

PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]
# in this order, in one project of few steps in which everything has run; the last ones change what the others need
EXECUTED = (
    "ganpipe check",
    "ganpipe variants",
    "ganpipe schema",
    "ganpipe sample lsgan/0 -n 64 -o grid.png",
    "ganpipe animate lsgan/0 -o lsgan.gif",
    "ganpipe verify lsgan/0",
    "dvc repro -P",
    "dvc remote add -d storage s3://bucket/ganpipe",
    'git add .dvc/config && git commit -m "DVC remote"',
    "dvc exp run summary -S loss=lsgan",
    "dvc exp run -S loss=lsgan",
    "dvc exp run summary -S loss=wgan_gp -S variants/wgan_gp.yaml:penalties.0.weight=5",
    "dvc exp run -S variants/lsgan.yaml:objective.real=0.9",
    "ganpipe exps",
    "ganpipe plan",
    "dvc exp show --drop '.*' --keep 'Experiment|loss|frechet.mean|recall.mean|status|variants'",
    "dvc metrics show",
    "dvc metrics diff",
    "git add params.yaml variants dvc.lock stages/dvc.lock metrics.json",
    'git commit -m "lsgan with a softer label"',
    "dvc push --run-cache",
    "dvc repro --pull",
    "dvc repro --pull --allow-missing",
    "dvc checkout --with-deps summary",
    "dvc checkout --allow-missing",
    "dvc pull summary",
    "dvc pull --with-deps summary",
    "dvc exp run summary -S data.kind=ring",
    "dvc exp run summary -S loss=lsgan -S 'variants=[lsgan,wgan]'",
)
NEEDS = "needs what no test has: "
NOT_EXECUTED = {
    "git clone <this repository> && cd ganpipe": NEEDS + "an address",
    "git clone <the repository> && cd ganpipe && make env && source .venv/bin/activate": NEEDS + "an address",
    "git push": NEEDS + "an address",
    "dvc exp push origin NAME": NEEDS + "an address",
    "dvc exp pull origin NAME": NEEDS + "an address",
    "dvc remote modify --local": NEEDS + "credentials",
    "dvc plots show --open": NEEDS + "a person's browser",
    "make repro": "CI runs it: .ci/run",
    "make zoo": "hours: all variants at full length; test_sweep.py runs a small one",
    "make zoo5": "hours: all variants at full length; test_sweep.py runs a small one",
    "make lecture": "an hour of trainings; test_lecture.py runs a small one",
    "make tune": "hours of trainings; test_tuning.py runs a small one",
    "dvc exp run summary -S data.limit=100": "minutes of trainings; data/test_prepared.py takes the limit",
    "ganpipe variance lsgan --runs 10": "test_variance.py, with 5",
    "dvc repro --single-item stages/lecture/dvc.yaml:claims@claims": "test_lecture.py",
    "make ui": "tracking/test_pages.py runs `ganpipe ui`",
    "python -m benchmarks.showcase": "an hour of trainings",
    "python -m benchmarks.fgan_gaussian": "minutes of trainings",
    "python -m benchmarks.shared_seeds --page": "minutes of trainings",
    "python -m benchmarks.shared_seeds non_saturating r1 lsgan hinge --seeds 16 --steps 2000 --page": "the same",
    "python -m benchmarks.few_images --steps 1000": "minutes of trainings",
    "python -m benchmarks.modes pacgan unrolled --data ring --seeds 5": "minutes of trainings",
    "python -m benchmarks.modes unrolled_0 unrolled --data ring --seeds 3 --steps 1000": "minutes of trainings",
    "python -m benchmarks.papers --only dirac-eigenvalues": "test_benchmark_papers.py",
    "python -m benchmarks.train": "minutes of trainings; test_benchmark_train.py runs one round",
    "dvc exp run summary -S loss=lsgan -S data.kind=image_folder": "test_image_folder_changes.py",
    "dvc exp run summary -S loss=r3gan -S data.kind=stacked_digits": "minutes of trainings",
    "dvc exp run summary -S loss=r3gan -S data.kind=stacked_digits -S 'variants/r3gan.yaml:penalties=[]'": "the same",
    "ganpipe sweep lsgan wgan_gp": "test_sweep.py",
    "ganpipe sweep lsgan wgan_gp --data digits,ring,grid": "test_across.py, with two of them",
    "ganpipe sweep lsgan wgan_gp rpgan --data digits,ring,grid": "the same",
    "ganpipe across digits ring grid": "test_across.py, with two of them",
    "ganpipe sweep --on slurm": "test_cluster.py",
    "ganpipe sweep --on slurm --device cuda --precision bfloat16 --slurm slurm_partition=gpu": NEEDS + "it",
    "ganpipe sweep lsgan --on slurm --slurm cluster=local -j 2": "test_cluster.py, with another variant",
    "ganpipe sweep --on ray -j 2": "test_cluster.py, with one variant",
    "RAY_ADDRESS=auto ganpipe sweep --on ray --device cuda --precision bfloat16 --per-gpu 4 --remote": NEEDS + "GPUs",
    "ganpipe sweep --status": "test_cluster.py",
    "dvc repro -P --pull": "the lines without -P",
    "ganpipe evaluate FOLDER --data digits --name studiogan": "test_external.py",
    "ganpipe export lsgan/0 --to onnx": "training/test_export.py",
    "mlflow models serve -m generator-mlflow --env-manager local": "training/test_export.py",
    "curl 127.0.0.1:5000/invocations -H 'Content-Type: application/json' "
    '-d \'{"dataframe_records": [{"n": 4, "seed": 0}]}\'': "training/test_export.py",
    "ganpipe --install-completion": NEEDS + "a person's shell",
    "ganpipe evaluate": "test_external.py",
    "ganpipe export": "training/test_export.py",
    "ganpipe register": "training/test_export.py",
    "ganpipe sweep": "test_sweep.py",
    "ganpipe sweep --data": "test_across.py",
    "ganpipe track": "tracking/test_sync.py",
    "ganpipe ui": "tracking/test_pages.py",
    "dvc exp run --temp summary -S loss=lsgan": "test_repro.py, with another variant",
    "dvc exp apply NAME": "test_repro.py",
    "dvc exp branch NAME BRANCH": "test_repro.py applies, which leads to the same files",
    "dvc exp run -q": "an option, and no command",
    "dvc queue kill NAME": "test_queue_killed.py",
    "dvc queue start": "test_queue_killed.py",
    "dvc cache dir": "test_side_by_side.py",
    "dvc exp show": "the line with --drop",
    "git checkout BRANCH": "git's own",
    "git add dvc.lock stages/dvc.lock metrics.json && git commit -m baseline": "as the line with params.yaml",
}


def documented() -> set[str]:
    """The lines of console blocks, and what stands in a sentence as a command with arguments."""
    found = set[str]()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found |= {re.sub(r"\s{2,}#.*", "", line[2:]) for line in block.splitlines() if line.startswith("$ ")}
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))
        found |= {span for span in spans if re.match(r"(ganpipe|python -m) \S|(dvc|git|mlflow) \S+ \S", span)}
    return found


def test_each_command_is_run_or_says_why_not() -> None:
    known = {*EXECUTED, *NOT_EXECUTED}
    assert documented() - known == set()
    assert known - documented() == set()


@pytest.mark.slow
def test_the_commands_do_what_they_say(project: Project, tmp_path: Path) -> None:
    for command in EXECUTED:
        line = re.sub(r"^dvc", "python -m dvc", command).replace("s3://bucket/ganpipe", str(tmp_path / "remote"))
        done = project.run("sh", "-c", re.sub(r"^ganpipe", "python -m ganpipe.cli", line))
        if "--pull" in command:
            assert done.ran == set()
    assert (project.root / "grid.png").is_file()
    assert (project.root / "lsgan.gif").is_file()
