"""A spec names the code that its work uses: no file is missing, and no other part is among them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from pipeline_project import ROWS, Project

from ganpipe.digest import code_digest

# a stage as DVC runs it, which then says what of the project it has imported
SPY = """
import runpy, sys
from pathlib import Path
sys.argv = sys.argv[1:]
try:
    runpy.run_module("stages." + sys.argv[0], run_name="__main__")
finally:
    loaded = {name for name in sys.modules if name.split(".")[0] in ("ganpipe", "stages")}
    Path("loaded").write_text("\\n".join(sorted(loaded | {"stages." + sys.argv[0]})))
    Path("outside").write_text("\\n".join(sorted({"mlflow", "dvc", "torch"} & set(sys.modules))))
"""


@pytest.fixture(scope="module")
def spied(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = built.clone(tmp_path_factory.mktemp("closure") / "project")
    (project.root / "spy.py").write_text(SPY)
    return project


def loaded_by(project: Project, *stage: str, python: str = "python") -> set[str]:
    module = ["-m", "spy"] if python == "python" else ["spy.py"]
    project.run(python, *module, *stage)
    return set((project.root / "loaded").read_text().split())


def code_of(project: Project, spec: str) -> set[str]:
    return set(json.loads((project.root / "data/specs" / spec).read_text())["code"])


def test_a_real_training_loads_what_its_spec_names(spied: Project) -> None:
    """In an interpreter of its own, not one that was forked."""
    shutil.rmtree(spied.root / "runs/digits/ebgan/0")
    loaded = loaded_by(spied, "train", "ebgan", "0", python=sys.executable)
    assert loaded <= code_of(spied, "train/ebgan.json")
    assert (spied.root / "outside").read_text() == "torch"
    assert {name for name in loaded if name.startswith("ganpipe.objectives.")} == {"ganpipe.objectives.ebgan"}
    assert (spied.root / "runs/digits/ebgan/0/samples.npy").is_file()


@pytest.mark.parametrize("row", ROWS)
def test_a_training_loads_the_parts_of_its_row_alone(spied: Project, row: str) -> None:
    loaded, named = loaded_by(spied, "train", row, "1"), code_of(spied, f"train/{row}.json")
    assert loaded <= named
    variant = json.loads((spied.root / f"runs/digits/{row}/1/run.json").read_text())["parameters"]
    parts = {name: variant[name] for name in ("penalties", "constraints")} | {"objectives": [variant["objective"]]}
    for package, used in parts.items():
        expected = {f"ganpipe.{package}.{part['kind']}" for part in used}
        for found in (loaded, named):
            assert {n for n in found if n.startswith(f"ganpipe.{package}.") and "._" not in n} == expected


@pytest.mark.parametrize(
    ("stage", "spec"),
    [
        ("fingerprint", "data.json"),
        ("prepare", "data.json"),
        ("classifier", "classifier.json"),
        ("reference", "reference.json"),
        ("pretrain ebgan", "pretrain/ebgan.json"),
        ("evaluate lsgan", "evaluate.json"),
        ("summary", "summary.json"),
        ("report", "report.json"),
    ],
)
def test_a_stage_loads_what_its_spec_names(spied: Project, stage: str, spec: str) -> None:
    assert loaded_by(spied, *stage.split()) <= code_of(spied, spec)


def test_the_specs_are_the_same_bytes_in_every_process(spied: Project) -> None:
    """The order of a set differs from interpreter to interpreter, and a spec must not."""
    specs = spied.root / "data/specs"
    before = {path: path.read_bytes() for path in specs.rglob("*.json")}
    shutil.rmtree(specs)
    other = Project(spied.root, spied.environment | {"PYTHONHASHSEED": "12345"})
    other.run(sys.executable, "-m", "stages.resolve")
    assert {path: path.read_bytes() for path in specs.rglob("*.json")} == before


def digest(folder: Path, text: str) -> str:
    file = folder / "module.py"
    file.write_text(text)
    return code_digest(file)


BASE = '"""Words."""\nX = {"a": 1, "b": (2, 3)}\n\n\ndef f(x: int) -> int:\n    """More words."""\n    return x + 1\n'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Words.", "Other words."),
        ("More words.", "Fewer."),
        ('"""Words."""\n', ""),
        ("x + 1", "(x  +  1)  # a comment"),
        ('X = {"a": 1, "b": (2, 3)}', "X = {\n    'a': 1,\n    'b': (2, 3),\n}"),
        ("\n\n\ndef", "\n\n# a comment\n\n\ndef"),
    ],
)
def test_what_means_the_same_has_the_same_digest(tmp_path: Path, old: str, new: str) -> None:
    assert old in BASE
    assert digest(tmp_path, BASE.replace(old, new)) == digest(tmp_path, BASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + 1", "x - 1"),
        ("x + 1", "x + 1.0"),
        ("x + 1", "x + True"),
        ("x + 1", "1 + x"),
        ("(2, 3)", "[2, 3]"),
        ('"a": 1', '"a": 2'),
        ('"a"', 'b"a"'),
        ("def f", "def g"),
        ("x: int", "x: float"),
        ("    return", "    x = 0\n    return"),
    ],
)
def test_what_means_something_else_has_another_digest(tmp_path: Path, old: str, new: str) -> None:
    assert old in BASE
    assert digest(tmp_path, BASE.replace(old, new)) != digest(tmp_path, BASE)


def test_a_file_that_is_no_python_counts_by_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    digests = set()
    for text in ("<p>a</p>", "<p>b</p>", "<p>a</p> "):
        file.write_text(text)
        digests.add(code_digest(file))
    assert len(digests) == 3


def test_the_order_in_params_yaml_does_not_change_a_spec(fresh: Project) -> None:
    fresh.run("python", "-m", "stages.resolve")
    specs = fresh.root / "data/specs"
    before = {path.name: path.read_bytes() for path in (specs / "train").iterdir()}
    with fresh.params() as params:
        for mapping in (params, params["train"], params["train"]["latent"], *params["variants"].values()):
            for key in list(mapping)[::-1]:
                mapping.move_to_end(key)
    assert fresh.ganpipe("check").out
    fresh.run("python", "-m", "stages.resolve")
    assert {path.name: path.read_bytes() for path in (specs / "train").iterdir()} == before
