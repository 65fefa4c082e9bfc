"""A mistake in params.yaml is one sentence, from the command line and under DVC, and no file is lost for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pipeline_project import Project

from ganpipe.errors import shown


@pytest.fixture(scope="module")
def untouched(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which everything has run, and in which nothing is to change whatever params.yaml says."""
    return built.clone(tmp_path_factory.mktemp("untouched") / "project")


@pytest.fixture
def mistaken(untouched: Project) -> Iterator[Project]:
    """The same, with its params.yaml and variants/ put back afterwards and all results compared."""
    files = [untouched.root / "params.yaml", *(untouched.root / "variants").iterdir()]
    good, before = {file: file.read_bytes() for file in files}, untouched.results()
    yield untouched
    for file in (untouched.root / "variants").iterdir():
        file.unlink()
    for file, content in good.items():
        file.write_bytes(content)
    assert untouched.results() == before


def put(project: Project, place: str, value: Any) -> None:
    with project.params() as params:
        *path, last = place.split(".")
        at = params
        for key in path:
            at = at[key]
        at[last] = value


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("loss", "lsgna", "loss is 'lsgna', which is not one of its choices: did you mean lsgan? known: lsgan, "),
        (
            "variants.lsgan.stepz",
            3,
            "variants/lsgan.yaml: stepz is 3, but no such key is known: did you mean steps (",
        ),
        ("train.batch", "many", "train.batch is 'many': it should be a valid integer."),
        ("variants.wgan_gp.steps", -1, "variants/wgan_gp.yaml: steps is -1: it should be greater than or equal to 1."),
        (
            "variants.lsgan.penalties",
            [{"kind": "pull_away", "weight": 0.1}],
            "variants/lsgan.yaml: penalties.0.kind is 'pull_away': it needs the critic's codes, and the critic ",
        ),
        (
            "variants.Bad Name",
            {"title": "x"},
            "variants.3 is 'Bad Name', which is not a legal name: use at most 60 lower-",
        ),
        ("seeds", [0, "0; touch harm"], "seeds.1 is '0; touch harm': it should be a valid integer."),
    ],
)
def test_a_mistake_is_the_same_sentence_everywhere(mistaken: Project, place: str, value: Any, sentence: str) -> None:
    put(mistaken, place, value)
    checked = mistaken.ganpipe("check", ok=False)
    assert (checked.code, checked.out) == (2, "")
    assert checked.err.startswith(f"ganpipe: {sentence}")
    assert checked.err.endswith(".\n") or checked.err.endswith(").\n")
    assert checked.err.count("\n") == 1

    refused = mistaken.repro(ok=False)
    assert checked.err in refused.text
    assert refused.ran == {"resolve"}
    assert not (mistaken.root / "harm").exists()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        # DVC reads the same file before any of our code can run
        ("seeds", 3, "ERROR: unexpected error - 'Value' object is not iterable"),
        ("data", "ring", "ERROR: failed to parse 'stages.source.outs' in 'dvc.yaml': Could not find 'data.kind'"),
        ("loss", ["lsgan"], "ERROR: failed to parse 'stages.headline.deps' in 'dvc.yaml':"),
    ],
)
def test_where_dvc_refuses_first_the_check_still_says_why(mistaken: Project, place: str, value: Any, said: str) -> None:
    put(mistaken, place, value)
    checked = mistaken.ganpipe("check", ok=False)
    assert (checked.code, checked.out, checked.err.count("\n")) == (2, "", 1)
    assert checked.err.startswith(f"ganpipe: {place} is {shown(value)}: it should be a valid ")
    refused = mistaken.repro(ok=False)
    assert said in refused.text
    assert refused.ran == set()


def test_a_file_that_is_not_yaml(mistaken: Project) -> None:
    path = mistaken.root / "params.yaml"
    path.write_text(path.read_text() + "\tseeds: [\n")
    checked = mistaken.ganpipe("check", ok=False)
    assert (checked.code, checked.out, checked.err.count("\n")) == (2, "", 1)
    assert checked.err.startswith("ganpipe: params.yaml is not YAML in line ")
    assert "YAML file structure is corrupted" in mistaken.repro(ok=False).text


@pytest.mark.parametrize(
    ("place", "value"),
    [("variants.lsgan.objective.real", 0.9), ("runtime.threads", 2), ("train.steps", "illegal")],
)
def test_a_training_refuses_a_spec_that_params_yaml_has_left_behind(mistaken: Project, place: str, value: Any) -> None:
    """DVC cannot see it, as a training depends on its spec alone, and `-s` leaves `resolve` out."""
    put(mistaken, "seeds", [0, 1, 7])
    put(mistaken, place, value)
    refused = mistaken.repro("--single-item", "stages/dvc.yaml:train@lsgan-7", ok=False)
    sentence = "data/specs/train/lsgan.json is older than params.yaml or variants/: run `dvc repro resolve` first."
    assert f"ganpipe: {sentence}\n" in refused.text
    assert refused.ran == {"train@lsgan-7"}
    assert not (mistaken.root / "runs/digits/lsgan/7").exists()


def test_a_training_refuses_a_spec_that_the_code_has_left_behind(mistaken: Project) -> None:
    mistaken.edit("ganpipe/objectives/lsgan.py", "return 0.5 * ", "return 0.25 * ")
    refused = mistaken.run("python", "-m", "stages.train", "lsgan", "0", ok=False)
    mistaken.edit("ganpipe/objectives/lsgan.py", "return 0.25 * ", "return 0.5 * ")
    assert (refused.code, refused.out) == (2, "")
    sentence = "data/specs/train/lsgan.json is older than ganpipe/objectives/lsgan.py: run `dvc repro resolve` first."
    assert refused.err == f"ganpipe: {sentence}\n"


def test_a_stage_without_its_spec(fresh: Project) -> None:
    refused = fresh.run("python", "-m", "stages.evaluate", "lsgan", ok=False)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "ganpipe: data/specs/evaluate.json is missing or broken: run `dvc repro resolve` first.\n"
    assert not (fresh.root / "evals").exists()
