"""Hostile files as real commands: `ganpipe check` and `dvc repro` say the same sentence, and no result changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_project import Project, Result


@pytest.fixture(scope="module")
def untouched(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which everything has run, and in which nothing is to change whatever lies in it."""
    return built.clone(tmp_path_factory.mktemp("untouched") / "project")


@pytest.fixture
def hostile(untouched: Project, tmp_path: Path) -> Iterator[Project]:
    """The same with an empty folder for raw files; params.yaml is put back afterwards, and all results compared."""
    path = untouched.root / "params.yaml"
    row = untouched.root / "variants" / "lsgan.yaml"
    good, good_row, before = path.read_bytes(), row.read_bytes(), untouched.results()
    (tmp_path / "raw").mkdir()
    yield Project(untouched.root, untouched.environment | {"GANPIPE_DATA_ROOT": str(tmp_path / "raw")})
    path.rmdir() if path.is_dir() else path.unlink()
    path.write_bytes(good)
    row.write_bytes(good_row)
    assert untouched.results() == before
    assert not list(untouched.root.rglob("harm"))


def one_line(result: Result) -> str:
    """The sentence of a command that refuses, which says nothing else."""
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.text
    assert result.err.startswith("ganpipe: ")
    assert result.err.endswith(".\n")
    return result.err


def raw(project: Project) -> Path:
    return Path(project.environment["GANPIPE_DATA_ROOT"])


def edited(old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit("params.yaml", old, new)


def on_data(kind: str) -> Callable[[Project], None]:
    return edited("kind: digits", f"kind: {kind}")


def truncated_mnist(project: Project) -> None:
    folder = raw(project) / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        for what in ("images-idx3", "labels-idx1"):
            (folder / f"{split}-{what}-ubyte").write_bytes(b"\0\0\x08")
    on_data("mnist")(project)


def a_link_out(project: Project) -> None:
    (raw(project) / "images").mkdir()
    (raw(project) / "images" / "x.png").symlink_to("/etc/passwd")
    on_data("image_folder")(project)


def one_image(project: Project) -> None:
    (raw(project) / "images").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(raw(project) / "images" / "<b>a\n'.png")
    on_data("image_folder")(project)


# what is done to the project, and the beginning of what `check` and `repro` say
SAME: dict[str, tuple[Callable[[Project], None], str]] = {
    "not a number": (edited("lr: 0.01", "lr: .nan"), "classifier.lr is .nan: it should be a finite number."),
    "huge": (edited("width: 4", f"width: {10**30}"), f"classifier.width is {10**30}: it should be less than or equal"),
    "a number as text": (edited("threads: 1", "threads: '1'"), "runtime.threads is '1': it should be a valid integer."),
    "no such key": (
        edited("classifier:\n", 'classifier:\n  "a\\nb\\e[31m": "<script>"\n'),
        r"classifier.a\nb\x1b[31m is '<script>', but no such key is known: remove it (known: width, ",
    ),
    "a name for a shell": (
        edited("variants:\n", "variants:\n- x; touch harm\n"),
        "variants.0 is 'x; touch harm', which is not a legal name: use at most 60 lower-case letters, ",
    ),
    "a name of a path": (
        edited("datasets:\n", "datasets:\n  ../../harm:\n    kind: mnist\n    size: 28\n"),
        "datasets.../../harm is not a legal name: ",
    ),
    "two lines": (
        lambda project: project.edit("variants/lsgan.yaml", "title: LSGAN", 'title: "LS\\nGAN"'),
        r"variants/lsgan.yaml: title is 'LS\nGAN': it should be text on one line, without control characters.",
    ),
    "a pair": (
        lambda project: project.edit("variants/lsgan.yaml", "title: LSGAN", "title: LSGAN\nprocedure: {pack: 3}"),
        "train.batch is 8: it is not two or more whole packs of `procedure.pack` = 3; use 6.",
    ),
    "truncated files": (truncated_mnist, "datasets.mnist reads "),
    "a link out of the folder": (a_link_out, "datasets.image_folder.path holds the link "),
    "one image": (one_image, "datasets.image_folder.path holds 1 image in "),
}


@pytest.mark.parametrize(("change", "says"), SAME.values(), ids=SAME)
def test_the_same_sentence_everywhere(hostile: Project, change: Callable[[Project], None], says: str) -> None:
    change(hostile)
    sentence = one_line(hostile.ganpipe("check", ok=False))
    assert sentence.startswith(f"ganpipe: {says}")
    refused = hostile.repro(ok=False)
    assert sentence in refused.text
    assert refused.ran == {"resolve"}


def written(content: bytes) -> Callable[[Project], None]:
    return lambda project: (project.root / "params.yaml").write_bytes(content) and None


def appended(text: str) -> Callable[[Project], None]:
    return lambda project: written((project.root / "params.yaml").read_bytes() + text.encode())(project)


def as_utf_16(project: Project) -> None:
    written((project.root / "params.yaml").read_text().encode("utf-16"))(project)


def a_folder(project: Project) -> None:
    (project.root / "params.yaml").unlink()
    (project.root / "params.yaml").mkdir()


# DVC reads the same file before any of our code can run; only `check` says why
FIRST: dict[str, tuple[Callable[[Project], None], str]] = {
    "a key twice": (appended("\nloss: ebgan\n"), 'found duplicate key "loss" with value "ebgan"'),
    "a tag": (appended("\nx: !!python/object/apply:os.system ['touch harm']\n"), "is not YAML in line "),
    "UTF-16": (as_utf_16, "cannot be read (byte 0xff in line 1 is not UTF-8): make it a UTF-8 text file."),
    "a folder": (a_folder, "cannot be read (Is a directory): make it a UTF-8 text file."),
    "empty": (written(b"\n"), "is null: it should be a mapping of keys to values."),
    "a way out": (on_data("../../../runs"), "data.kind is '../../../runs', which is not one of its choices: known: "),
}  # fmt: skip


@pytest.mark.parametrize(("change", "says"), FIRST.values(), ids=FIRST)
def test_where_dvc_reads_the_file_first(hostile: Project, change: Callable[[Project], None], says: str) -> None:
    change(hostile)
    assert says in one_line(hostile.ganpipe("check", ok=False))
    refused = hostile.repro(ok=False)
    assert refused.ran <= {"resolve"}


def test_a_corrupt_image_is_found_where_it_is_read(built: Project, tmp_path: Path) -> None:
    """Whether an image is whole is known when all of it was read, so `prepare` says it; the results stay."""
    project = built.clone(tmp_path / "project")
    project.environment = project.environment | {"GANPIPE_DATA_ROOT": str(tmp_path)}
    (tmp_path / "images").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(256, size=(32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    os.truncate(tmp_path / "images" / "2.png", 1000)
    on_data("image_folder")(project)
    with project.params() as params:
        params["evaluate"]["features"] = ["pixels"]
    project.ganpipe("check")
    before = project.results()
    refused = project.repro(ok=False)
    assert refused.ran == {"resolve", "prepare"}
    says = f"ganpipe: datasets.image_folder.path reads {tmp_path}/images/2.png, which is a broken image ("
    (line,) = [line for line in refused.text.splitlines() if line.startswith(says)]
    assert line.endswith(": replace or remove it, or set `broken: skip`.")
    # params.yaml is legal, so the specs are those of the new data; nothing that was made goes
    after = project.results()
    assert {path for path in before if after.get(path) != before[path] and not path.startswith("data/s")} == {
        "dvc.lock"
    }
    shutil.rmtree(tmp_path / "images")
    assert "and there is no folder " in one_line(project.ganpipe("check", ok=False))


COMMANDS: dict[str, tuple[list[str], str]] = {
    "unknown run": (["sample", "lsgan/99"], "runs/digits/lsgan/99 is not a run, it has no run.json: "),
    "unknown row": (["sample", "nobody/0"], "runs/digits/nobody/0 is not a run"),
    "a run of a path": (["sample", "../../../etc"], "is not a run"),
    "a run of two lines": (["sample", "a\nb\x1b[31m"], r"runs/digits/a\nb\x1b[31m is not a run"),
    "a long run": (["sample", "x" * 5000], "/run.json cannot be read ("),
    "no PNG": (["sample", "lsgan/0", "-o", "x.jpg"], "--output is x.jpg, which is not a PNG file: "),
    "nowhere to write": (["sample", "lsgan/0", "-o", "dvc.yaml/x.png"], "dvc.yaml/x.png cannot be written ("),
    "no params": (["check", "--params", "nowhere.yaml"], "nowhere.yaml is not there: "),
    "params a folder": (["variants", "--params", "runs"], "runs cannot be read (Is a directory): "),
    "params no YAML": (["variants", "--params", "dvc.yaml"], " "),
    "nowhere to write a schema": (["schema", "-o", "dvc.yaml/x"], "--output is dvc.yaml/x, which cannot be "),
}


@pytest.mark.parametrize(("command", "says"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_with_a_bad_argument(hostile: Project, command: list[str], says: str) -> None:
    assert says in one_line(hostile.ganpipe(*command, ok=False))


@pytest.mark.parametrize(
    "command",
    [["nothing"], ["check", "--nothing"], ["sample"], ["sample", "lsgan/0", "-n", "many"], ["ui", "--port", "0"]],
)
def test_a_command_that_there_is_not(hostile: Project, command: list[str]) -> None:
    """The command line's own words, which show how it is used."""
    refused = hostile.ganpipe(*command, ok=False)
    assert (refused.code, refused.out) == (2, "")
    assert "Usage: " in refused.err


@pytest.mark.parametrize(
    "params", ["{}", "data: 3", "data: {kind: 3}", "data: {kind: digits}", "loss: lsgan", "[]", "\tx"]
)
def test_a_file_that_names_no_data_or_variant(hostile: Project, params: str) -> None:
    written(params.encode())(hostile)
    for command in (["page"], ["sample", "lsgan/0", "-o", "x.png"]):
        if not (command[0] == "sample" and "digits" in params):  # it asks for the data alone
            one_line(hostile.ganpipe(*command, ok=False))


def test_broken_results_are_named(built: Project, tmp_path: Path) -> None:
    project = built.clone(tmp_path / "project")
    run = project.root / "runs/digits/lsgan/0"
    for file in ("run.json", "generator_ema.safetensors"):
        good = (run / file).read_bytes()
        for content in (b"", b"{", b"[]", b"\xff\xfe", b"null", good[: len(good) // 2], b"<html>"):
            (run / file).unlink()  # a link into DVC's cache
            (run / file).write_bytes(content)
            sentence = one_line(project.ganpipe("sample", "lsgan/0", ok=False))
            assert f"runs/digits/lsgan/0/{file} cannot be " in sentence
        (run / file).write_bytes(good)


def test_a_plan_does_without_clocks_and_specs_that_are_broken(built: Project, tmp_path: Path) -> None:
    project = built.clone(tmp_path / "project")
    files = [*(project.root / "clocks").rglob("*.json"), *(project.root / "data/specs").rglob("*.json")]
    for number, file in enumerate(files):
        file.unlink()
        file.write_bytes((b"", b"{", b"[]", b"\xff", b'{"seconds": "x"}', b"3")[number % 6])
    assert project.plan()
