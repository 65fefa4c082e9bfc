"""`ganpipe evaluate`: samples of another program beside the variants, under DVC."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_project import Project
from running import Commands

PREPARED = "data/prepared/digits"
# the line of every ten seconds, a thousand times as often
IMPATIENT = "from ganpipe import cli; from ganpipe.evaluation import progress; progress.LINE_EVERY = .01; cli.main()"


def write_folder(folder: Path, images: np.ndarray) -> Path:
    """PNG files, as another program writes them."""
    folder.mkdir(parents=True)
    for index, image in enumerate(images):
        Image.fromarray(image[0]).save(folder / f"{index:05d}.png")
    return folder


def metric(project: Project, row: str, name: str = "frechet") -> dict[str, float]:
    """The mean over the seeds, and the two baselines."""
    found = json.loads((project.root / f"external/digits/{row}/evaluation.json").read_text())["metrics"][name]
    assert found["ema"] == found["raw"]
    return {"mean": float(np.mean(found["raw"])), "real": found["real_baseline"], "noise": found["noise_baseline"]}


@pytest.mark.slow
def test_the_test_split_is_near_real_data_and_noise_near_noise(project: Project, tmp_path: Path) -> None:
    root = project.root
    before = project.results()
    test = np.load(root / f"{PREPARED}/test.npy")
    noise = np.random.default_rng(0).integers(0, 256, (200, *test.shape[1:]), dtype=np.uint8)
    write_folder(tmp_path / "test_split", test)
    seeds = [str(write_folder(tmp_path / f"noise/{seed}", noise[seed * 100 :][:100])) for seed in (0, 1)]
    said = project.ganpipe("evaluate", str(tmp_path / "test_split"), "--data", "digits").out
    assert "test_split: 360 image files\npage: reports/digits/external-test_split.html\n" in said
    evaluate = project.run(sys.executable, "-c", IMPATIENT, "evaluate", *seeds, "--name", "noise")
    said = re.findall(r"^evaluate noise  0:\d\d  seed ([01]), (\w.+)$", evaluate.err, re.MULTILINE)
    assert len(set(said)) > 4
    real, made = metric(project, "test_split"), metric(project, "noise")
    assert abs(real["mean"] - real["real"]) < 0.1 * (real["noise"] - real["real"])
    assert abs(made["mean"] - made["noise"]) < 0.1 * (made["noise"] - made["real"])
    evaluation = json.loads((root / "external/digits/noise/evaluation.json").read_text())
    assert (evaluation["seeds"], evaluation["read"]) == ([0, 1], ["0: 100 image files", "1: 100 image files"])
    assert 'alt="samples of noise, seed 1"' in (root / "reports/digits/external-noise.html").read_text()
    # the results of the pipeline are as they were, and the page of all variants takes the rows up
    after = project.results()
    assert {path for path in before if after.get(path) != before[path]} == set()
    assert {stage: item["reason"] for stage, item in project.plan().items()} == {"report": "external changed"}
    assert project.repro("-P").ran == {"report"}
    page = (root / "reports/digits/zoo.html").read_text()
    for anchor in ("external-test_split", "external-noise", "lsgan"):
        assert f'href="#variant-{anchor}"' in page
    assert "different protocols" not in page
    assert project.ganpipe("clean").out == "0 leftovers removed.\n"


def test_what_cannot_be_a_row_is_refused_before_anything_runs(
    blank: Project, commands: Commands, tmp_path: Path
) -> None:
    image = np.zeros((3, 1, 8, 8))
    np.save(tmp_path / "a.npy", image + 0.5)
    np.save(tmp_path / "b.npy", image - 0.5)
    a, b = str(tmp_path / "a.npy"), str(tmp_path / "b.npy")
    for arguments, words in (
        ((a, "--data", "ring"), "--data is ring, and params.yaml selects digits: select it first, by `dvc exp run -S"),
        ((a, "--data", "nothing"), "--data is nothing, and params.yaml selects digits: use one of digits,"),
        ((a, b), "There are 2 sets of samples, the seeds of one row: name it with --name."),
        ((a, "--name", "../x"), "The row would be named '../x': give --name of letters, digits and .-_, at most 60."),
        ((a, b, "--name", "x"), "a.npy seems to be in [0, 1] and"),
        ((str(tmp_path / "c.npy"),), "c.npy is not there: give a folder of images"),
    ):
        assert words in commands.refusal(blank, "evaluate", *arguments)
    assert not (blank.root / "external/digits").exists()
    assert not (blank.root / "dvc.lock").exists()
