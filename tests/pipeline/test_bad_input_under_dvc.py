"""A mistake is one sentence, from the command line and under DVC, and no file is lost for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_project import Project
from running import Commands

Change = Callable[[Project], None]


@pytest.fixture(scope="module")
def untouched(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which everything has run, and in which nothing is to change whatever params.yaml says."""
    return built.clone(tmp_path_factory.mktemp("untouched") / "project")


@pytest.fixture
def mistaken(untouched: Project, tmp_path: Path) -> Iterator[Project]:
    """The same with an empty folder for raw files; params.yaml is put back afterwards, and all results compared."""
    paths = (untouched.root / "params.yaml", untouched.root / "variants/lsgan.yaml")
    good, before = [path.read_bytes() for path in paths], untouched.results()
    (tmp_path / "raw").mkdir()
    yield Project(untouched.root, untouched.environment | {"GANPIPE_DATA_ROOT": str(tmp_path / "raw")})
    for path, content in zip(paths, good, strict=True):
        path.write_bytes(content)
    assert untouched.results() == before
    assert not list(untouched.root.rglob("harm"))


def edited(old: str, new: str, file: str = "params.yaml") -> Change:
    return lambda project: project.edit(file, old, new)


def no_mnist(project: Project) -> None:
    edited("kind: digits", "kind: mnist")(project)


# what is done to the project, and the beginning of what `check` and `repro` say
SAME: dict[str, tuple[Change, str]] = {
    "a slip of the pen": (
        edited("loss: lsgan", "loss: lsgna"),
        "loss is 'lsgna', which is not one of its choices: did you mean lsgan? known: lsgan, ",
    ),
    "a key for a terminal": (
        edited("classifier:\n", 'classifier:\n  "a\\nb\\e[31m": "<script>"\n'),
        r"classifier.a\nb\x1b[31m is '<script>', but no such key is known: remove it (known: width, ",
    ),
    "a name for a shell": (
        edited("variants:\n", "variants:\n- x; touch harm\n"),
        "variants.0 is 'x; touch harm', which is not a legal name: use at most 60 lower-case letters, digits and _, a ",
    ),
    "a pair": (
        edited("title: LSGAN", "title: LSGAN\nalgorithm: {pack: 3}", "variants/lsgan.yaml"),
        "train.batch is 8: it is not two or more whole packs of `algorithm.pack` = 3; use 6.",
    ),
    "a file of data": (no_mnist, "datasets.mnist needs the file "),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "says"), SAME.values(), ids=SAME)
def test_a_mistake_is_the_same_sentence_everywhere(mistaken: Project, change: Change, says: str) -> None:
    change(mistaken)
    checked = mistaken.ganpipe("check", ok=False)
    assert (checked.code, checked.out, checked.err.count("\n")) == (2, "", 1)
    assert checked.err.startswith(f"ganpipe: {says}")
    refused = mistaken.repro(ok=False)
    assert checked.err in refused.text
    assert refused.ran == {"resolve"}


# DVC reads the same file before any of our code can run; only `check` says why
FIRST: dict[str, tuple[Change, str, str]] = {
    "a number for a list": (
        edited("seeds:\n- 0\n- 1\n", "seeds: 3\n"),
        "seeds is 3: it should be ",
        "ERROR: unexpected",
    ),
    "a tag": (
        lambda project: edited("seeds:", "x: !!python/object/apply:os.system ['touch harm']\nseeds:")(project),
        "params.yaml is not YAML in line ",
        "",
    ),
    "a way out": (edited("kind: digits", "kind: ../../../runs"), "data.kind is '../../../runs', which is not ", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "says", "dvc"), FIRST.values(), ids=FIRST)
def test_where_dvc_refuses_first_the_check_still_says_why(
    mistaken: Project, commands: Commands, change: Change, says: str, dvc: str
) -> None:
    change(mistaken)
    assert commands.refusal(mistaken, "check").startswith(says)
    refused = mistaken.repro(ok=False)
    assert dvc in refused.text
    assert refused.ran <= {"resolve"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("variants/lsgan.yaml", "title: LSGAN", "title: other"),
        ("variants/lsgan.yaml", "title: LSGAN", "title: LSGAN\nsteps: illegal"),
        ("ganpipe/objectives/lsgan.py", "return 0.5 * ", "return 0.25 * "),
    ],
)
def test_a_training_refuses_a_spec_that_was_left_behind(mistaken: Project, file: str, old: str, new: str) -> None:
    """DVC cannot see it, as a training depends on its spec alone, and `-s` leaves `resolve` out."""
    named = "params.yaml or variants/" if file.startswith("variants") else file
    mistaken.edit(file, old, new)
    refused = mistaken.run("python", "-m", "stages.train", "lsgan", "0", ok=False)
    mistaken.edit(file, new, old)
    assert (refused.code, refused.out) == (2, "")
    assert (
        refused.err == f"ganpipe: data/specs/train/lsgan.json is older than {named}: run `dvc repro resolve` first.\n"
    )


def test_a_stage_without_its_spec(blank: Project) -> None:
    refused = blank.run("python", "-m", "stages.evaluate", "lsgan", ok=False)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "ganpipe: data/specs/evaluate.json is missing or broken: run `dvc repro resolve` first.\n"
    assert not (blank.root / "evals").exists()


@pytest.mark.slow
def test_a_corrupt_image_is_found_where_it_is_read(project: Project, tmp_path: Path) -> None:
    """Whether an image is whole is known when all of it was read, so `prepare` says it; the results stay."""
    project.environment = project.environment | {"GANPIPE_DATA_ROOT": str(tmp_path)}
    (tmp_path / "images").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(256, size=(32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    os.truncate(tmp_path / "images" / "2.png", 1000)
    with project.params() as params:
        params["data"]["kind"] = "image_folder"
        params["evaluate"]["feature_extractors"] = ["pixels"]
    before = project.results()
    refused = project.repro(ok=False)
    assert refused.ran == {"resolve", "prepare"}
    says = f"ganpipe: datasets.image_folder.path reads {tmp_path}/images/2.png, which is a broken image ("
    (line,) = [line for line in refused.text.splitlines() if line.startswith(says)]
    assert line.endswith(": replace or remove it, or set `broken: skip`.")
    # params.yaml is legal, so the specs are those of the new data; nothing that was made goes
    after = project.results()
    changed = {path for path in before if after.get(path) != before[path]}
    assert {path for path in changed if not path.startswith("data/s")} == {"dvc.lock"}
