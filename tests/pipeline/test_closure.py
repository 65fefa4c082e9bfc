"""A spec names the code that its work uses: no file is missing, and no other part is among them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pipeline_project import ROWS, Project

import ganpipe
from ganpipe.pipeline.specs import Code
from ganpipe.utils.code_hash import code_digest

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
    Path("outside").write_text(" ".join(sorted({"mlflow", "dvc", "torch", "torch._dynamo"} & set(sys.modules))))
"""
STAGES = {
    "fingerprint": "data.json",
    "prepare": "data.json",
    "classifier": "classifier.json",
    "reference_stats": "reference_stats.json",
    **{f"pretrain {row}": f"pretrain/{row}.json" for row in ROWS},
    **{f"train {row} 0": f"train/{row}.json" for row in ROWS},
    "evaluate lsgan": "evaluate.json",
    "summary": "summary.json",
    "report": "report.json",
}

PAGES = {"report": True, "lecture.claims": True, "evaluate": False, "lecture.experiment": False}


@pytest.fixture(scope="module")
def spied(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = blank.clone(tmp_path_factory.mktemp("closure") / "project")
    with project.params() as params:
        params["seeds"] = [0]
    (project.root / "spy.py").write_text(SPY)
    project.run("python", "-m", "stages.resolve")
    return project


def test_each_stage_loads_what_its_spec_names_and_of_the_parts_those_of_its_row(spied: Project) -> None:
    """One stage after the other, without DVC, each in a process of its own."""
    for stage, spec in STAGES.items():
        spied.run("python", "-m", "spy", *stage.split())
        loaded = set((spied.root / "loaded").read_text().split())
        content = json.loads((spied.root / "data/specs" / spec).read_text())
        named = set(content.get("code", loaded))  # a variant without pre-training has nothing to run there
        assert loaded <= named, stage
        if stage.startswith("train"):
            run = json.loads((spied.root / "runs/digits" / stage.split()[1] / "0/run.json").read_text())
            variant = run["parameters"]
            parts = {name: variant[name] for name in ("penalties", "constraints")}
            for package, used in (parts | {"objectives": [variant["objective"]]}).items():
                expected = {f"ganpipe.{package}.{part['kind']}" for part in used}
                for found in (loaded, named):
                    assert {n for n in found if n.startswith(f"ganpipe.{package}.") and "._" not in n} == expected


def test_a_training_in_an_interpreter_of_its_own_loads_neither_mlflow_nor_the_compiler(spied: Project) -> None:
    """Not in one that was forked, where more is loaded before."""
    path = spied.environment["PATH"].partition(":")[2]
    Project(spied.root, spied.environment | {"PATH": path}).run("python", "spy.py", "train", "ebgan", "0")
    assert (spied.root / "outside").read_text() == "torch"


def test_the_specs_are_the_same_bytes_whatever_the_order(spied: Project) -> None:
    """Neither that of a set, which differs from interpreter to interpreter, nor that of keys in params.yaml."""
    specs = spied.root / "data/specs"
    before = {path.name: path.read_bytes() for path in (specs / "train").iterdir()}
    shutil.rmtree(specs)
    with spied.params() as params:
        for mapping in (params, params["train"], params["train"]["latent"], *params["variants"].values()):
            for key in list(mapping)[::-1]:
                mapping.move_to_end(key)
    path = spied.environment["PATH"].partition(":")[2]
    Project(spied.root, spied.environment | {"PATH": path, "PYTHONHASHSEED": "12345"}).run(
        "python", "-m", "stages.resolve"
    )
    assert {path.name: path.read_bytes() for path in (specs / "train").iterdir()} == before


def digest(folder: Path, text: str) -> str:
    file = folder / "module.py"
    file.write_text(text)
    return code_digest(file)


BASE = '"""Words."""\nX = {"a": 1, "b": (2, 3)}\n\n\ndef f(x: int) -> int:\n    """More words."""\n    return x + 1\n'
SAME = [
    ("Words.", "Other words."),
    ('"""Words."""\n', ""),
    ("More words.", "Fewer."),
    ("x + 1", "(x  +  1)  # a comment"),
    ('X = {"a": 1, "b": (2, 3)}', "X = {\n    'a': 1,\n    'b': (2, 3),\n}"),
]
OTHER = [
    ("x + 1", "x - 1"),
    ("x + 1", "x + 1.0"),
    ("x + 1", "x + True"),
    ("x + 1", "1 + x"),
    ("(2, 3)", "[2, 3]"),
    ('"a"', 'b"a"'),
    ("x: int", "x: float"),
    ("    return", "    x = 0\n    return"),
]


def test_templates_are_in_the_specs_of_the_pages_alone() -> None:
    code = Code(Path(__file__).parents[2])
    found = {name: {key for key in code.closure({f"stages.{name}"}) if "templates" in key} for name in PAGES}
    assert {name: "ganpipe/report/templates/style.css.j2" in keys for name, keys in found.items()} == PAGES
    assert {name for name, keys in found.items() if "ganpipe/lecture/templates/lecture.html.j2" in keys} == {
        "lecture.claims"
    }
    assert not found["evaluate"] | found["lecture.experiment"]
    texts = [path.read_text() for path in Path(ganpipe.__file__).parent.rglob("*.py")]
    loaders = [text.partition("PackageLoader(")[2] for text in texts]
    assert {loader[:8] for loader in loaders if loader} == {'"ganpipe'}  # in the form that is looked for


def test_a_digest_is_of_what_code_means(tmp_path: Path) -> None:
    for changes, same in ((SAME, True), (OTHER, False)):
        for old, new in changes:
            assert old in BASE
            assert (digest(tmp_path, BASE.replace(old, new)) == digest(tmp_path, BASE)) is same, new
    pages = set()
    for text in ("<p>a</p>", "<p>b</p>", "<p>a</p> "):  # of a file that is no Python: of its bytes
        (tmp_path / "page.html").write_text(text)
        pages.add(code_digest(tmp_path / "page.html"))
    assert len(pages) == 3
