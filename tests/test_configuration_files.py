"""The folder variants/ beside params.yaml, and data that is missing: what is said where they do not fit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from changed_params import PARAMS, checked, few_rows, no_data_root
from typer.testing import CliRunner

from ganpipe.cli import app
from ganpipe.config import configuration
from ganpipe.utils.errors import UserError

_environment = pytest.fixture(no_data_root, autouse=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with params.yaml of the repository, and variants/ with three of its files in which one extends another.

    Returns params.yaml.
    """
    (tmp_path / "variants").mkdir()
    for name in ("lsgan", "wgan", "wgan_gp"):
        shutil.copy(PARAMS.parent / "variants" / f"{name}.yaml", tmp_path / "variants")
    text = PARAMS.read_text(encoding="utf-8")
    start = text.index("\nvariants:\n")
    (tmp_path / "params.yaml").write_text(text[:start].replace("loss: rpgan", "loss: lsgan") + "\nvariants:\n- lsgan\n")
    return tmp_path / "params.yaml"


def listed(*names: str) -> Callable[[Path], object]:
    def change(params: Path) -> None:
        text = params.read_text(encoding="utf-8").removesuffix("- lsgan\n")
        params.write_text(text + "".join(f"- {name}\n" for name in names), encoding="utf-8")

    return change


def in_file(name: str, text: str) -> Callable[[Path], object]:
    return lambda params: (params.parent / "variants" / f"{name}.yaml").write_text(text)


def then(*changes: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda params: [change(params) for change in changes]


def test_a_variant_that_is_extended_need_not_be_in_the_list(project: Path) -> None:
    listed("lsgan", "wgan_gp")(project)
    chosen = configuration.load(project)
    configuration.check(chosen)
    assert list(chosen.variants) == ["lsgan", "wgan_gp"]
    whole = configuration.load(PARAMS)
    for row in chosen.variants:
        assert chosen.variant(row) == whole.variant(row)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text,
        # as `dvc exp run -S 'variants=[lsgan]'` writes it
        lambda text: text.replace("variants:\n- lsgan\n", "variants: [lsgan]\n"),
    ],
)
def test_a_file_that_the_list_does_not_name_is_not_used(
    edit: Callable[[str], str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is it read: it may be half written."""
    project.write_text(edit(project.read_text(encoding="utf-8")), encoding="utf-8")
    in_file("half_written", "title: [\n")(project)
    monkeypatch.chdir(project.parent)
    subprocess.run(["git", "init", "-q"], check=True)
    found = CliRunner().invoke(app, ["check"])
    assert (found.exit_code, found.output) == (0, "params.yaml is valid: 1 variants, 3 seeds, data digits.\n")


# what is done to the folder, the beginning of the sentence, and its end
FOLDERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a name without a file": (
        listed("lsgan", "wgan", "wgan_gp", "lsgna"),
        "variants.3 is 'lsgna', but there is no ",
        "/variants/lsgna.yaml (did you mean lsgan?): add it, or remove the name.",
    ),
    "a name twice": (listed("lsgan", "lsgan"), "variants.1 is 'lsgan' for the second time: remove it.", ""),
    "no list": (listed(), "variants is null: it should be a list of names, each with a file in ", "/variants."),
    "a list of mappings": (listed("lsgan: 3"), "variants.0 is {lsgan: 3}, which is not a legal name: use at most", ""),
    "extends no name": (
        then(listed("lsgan", "wgan_gp"), in_file("lsgan", "extends: [wgan]\n")),
        "",
        "variants/lsgan.yaml: extends is ['wgan']: it should be the name of another file in {folder}.",
    ),
    "extends what is missing": (
        then(listed("lsgan", "wgan_gp"), in_file("lsgan", "extends: wgann\n")),
        "",
        "/variants/wgann.yaml (did you mean wgan?): use the name of another file there.",
    ),
    "extends itself": (
        then(listed("lsgan", "wgan_gp"), in_file("wgan", "extends: wgan_gp\n")),
        "",
        "variants/wgan.yaml: extends is 'wgan_gp', which extends wgan itself: remove one of the two.",
    ),
    "extends without a title": (
        then(listed("lsgan", "wgan_gp"), in_file("lsgan", "extends: wgan\n")),
        "variants/lsgan.yaml lacks the key title: add it.",
        "",
    ),
    "a mistake in what is extended": (
        then(listed("lsgan", "wgan_gp"), in_file("wgan", "stps: 5\n")),
        "variants/wgan.yaml: stps is 5, but no such key is known: did you mean steps (known: title, ",
        "",
    ),
    "overrides in what is extended": (
        then(listed("lsgan", "wgan_gp"), in_file("wgan", "overrides: {dots: {}}\n")),
        "variants/wgan.yaml: overrides.dots is neither images, points nor a data set: use one of celeba, ",
        "",
    ),
    "a file that is no mapping": (
        then(listed("lsgan", "wgan_gp"), in_file("lsgan", "- 1\n")),
        "",
        "variants/lsgan.yaml is [1]: it should be a mapping of keys to values.",
    ),
    "a file with the marks of a merge": (
        then(
            listed("lsgan", "wgan_gp"),
            in_file("lsgan", "steps: 5\n<<<<<<< HEAD\ntitle: x\n=======\ntitle: y\n>>>>>>> other\n"),
        ),
        "",
        "variants/lsgan.yaml holds the mark of a git merge in line 2: keep one side.",
    ),
    "a file that is no YAML": (
        then(listed("lsgan", "wgan_gp"), in_file("lsgan", "title: x\ntitle: y\n")),
        "",
        'variants/lsgan.yaml is not YAML in line 2 (found duplicate key "title" with value "y" (original value: '
        '"x")): correct it.',
    ),
}


@pytest.mark.parametrize(("change", "start", "end"), FOLDERS.values(), ids=FOLDERS)
def test_a_mistake_in_the_list_or_the_folder(
    change: Callable[[Path], object], start: str, end: str, project: Path
) -> None:
    change(project)
    with pytest.raises(UserError) as caught:
        configuration.check(configuration.load(project))
    sentence = str(caught.value)
    assert sentence.startswith(start)
    assert sentence.endswith(end.format(params=project, folder=project.parent / "variants"))
    assert sentence.endswith(".")


def test_missing_files_of_the_chosen_data_are_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path))
    raw = few_rows()
    checked(raw)
    raw["data"]["kind"] = "mnist"
    with pytest.raises(UserError, match=r"needs the file .*train-images-idx3-ubyte, which is missing"):
        checked(raw)


@pytest.mark.parametrize(
    ("kind", "features", "classes"),
    [
        ("celeba", ["classifier"], None),
        ("celeba", ["pixels", "classifier"], None),
        ("celeba", ["classifier"], "Smiling"),
        ("celeba", ["pixels"], None),
        ("image_folder", ["classifier"], None),
        ("image_folder", ["classifier"], ("cats", "dogs")),
    ],
)
def test_a_classifier_needs_data_with_classes(
    kind: str,
    features: list[str],
    classes: str | tuple[str, ...] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path))
    faces = tmp_path / "celeba" / "img_align_celeba"
    for folder in (
        faces,
        *(tmp_path / "images" / name for name in (classes or [""] if kind == "image_folder" else [])),
    ):
        folder.mkdir(parents=True)
        for name in ("1.jpg", "2.jpg", "3.jpg", "4.jpg"):
            (folder / name).touch()
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text("1.jpg 0\n2.jpg 2\n")
    (tmp_path / "celeba" / "list_attr_celeba.txt").write_text("2\nBald Smiling\n1.jpg 1 1\n2.jpg -1 1\n")
    raw = few_rows()
    raw["data"]["kind"], raw["evaluate"]["feature_extractors"] = kind, features
    if kind == "celeba":
        raw["datasets"]["celeba"]["attribute"] = classes
    if classes or features == ["pixels"]:
        checked(raw)
        return
    with pytest.raises(UserError) as caught:
        checked(raw)
    assert str(caught.value) == (
        f"evaluate.feature_extractors is {features}, and {kind} has one class, so that there is no classifier to "
        "train: use pixels, or a network with weights of its own (inception, dinov2, clip), or data with classes, "
        "as an attribute of celeba or sub-folders of an image_folder make them."
    )
