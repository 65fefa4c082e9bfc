"""params.yaml as a file: how its text is read, and what is said where it cannot be or where data lacks."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from changed_params import ORIGINAL, checked, no_data_root

from ganpipe import configuration
from ganpipe.errors import BadInput
from ganpipe.rows import read_yaml

_environment = pytest.fixture(no_data_root, autouse=True)


TEXTS: dict[str, tuple[bytes, list[str]]] = {
    "key twice": (b"loss: a\nseeds: [0]\nloss: b\n", ["is not YAML in line 3", 'duplicate key "loss"']),
    "key twice in a row": (b"a:\n  b: 1\n  b: 2\n", ["line 3", 'duplicate key "b"']),
    "bracket left open": (b"seeds: [0, 1\nloss: x\n", ["is not YAML in line", "mend that line"]),
    "tab": (b"a:\n\tb: 1\n", ["is not YAML in line 2", "mend that line"]),
    "two documents": (b"a: 1\n---\nb: 2\n", ["is not YAML in line 2", "another document"]),
    "unknown alias": (b"a: *b\n", ["is not YAML in line 1", "undefined alias"]),
    "python object": (b"a: !!python/object/apply:os.system ['true']\n", ["is not YAML in line 1", "python"]),
    "no date": (b"a: 2020-13-45\n", ["is not YAML", "mend that line"]),
    "a number of 5000 digits": (b"a: " + b"9" * 5000, ["is not YAML in line 1", "cannot be read as !!int"]),
    "nul": (b"a: \0\n", ["is not YAML", "mend that line"]),
    "nested too deeply": (b"a: " + b"[" * 600, ["is nested too deeply", "remove the superfluous brackets"]),
    "not UTF-8": ("title: Größe".encode("latin-1"), ["cannot be read", "make it a UTF-8 text file"]),
    "UTF-16": ("a: 1".encode("utf-16"), ["cannot be read", "make it a UTF-8 text file"]),
    "a list": (b"- 1\n- 2\n", ["is [1, 2]", "should be a mapping of keys to values"]),
    "a word": (b"loss\n", ["is 'loss'", "should be a mapping"]),
    "nothing": (b"", ["is null", "should be a mapping"]),
    "only comments": (b"# a: 1\n", ["is null", "should be a mapping"]),
    "only one key": (b"loss: lsgan\n", ["lacks the key seeds", "add it"]),
}


@pytest.mark.parametrize(("content", "words"), TEXTS.values(), ids=TEXTS)
def test_a_file_that_cannot_be_read_is_one_sentence(content: bytes, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        configuration.load(path)
    sentence = str(caught.value)
    for word in words:
        assert word in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")


def test_a_file_that_is_not_there_or_a_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there: run from the project's folder"):
        configuration.load(tmp_path / "params.yaml")
    with pytest.raises(BadInput, match="cannot be read"):
        configuration.load(tmp_path)


def test_yaml_is_read_as_dvc_reads_it(tmp_path: Path) -> None:
    """YAML 1.2: `1e-05` is a number and `on` a word; a byte order mark and Windows' line ends do no harm."""
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbfon: 1e-05\r\nyes: no\r\ntext: '\xc3\xa4'\r\nlist: [1, 2.0]\r\n")
    assert read_yaml(path) == {"on": 1e-05, "yes": "no", "text": "ä", "list": [1, 2.0]}


def test_missing_files_of_the_chosen_data_are_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANPIPE_DATA_ROOT", str(tmp_path))
    raw = copy.deepcopy(ORIGINAL)
    checked(raw)
    raw["data"]["kind"] = "mnist"
    with pytest.raises(BadInput, match=r"needs the file .*train-images-idx3-ubyte, which is missing"):
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
    raw = copy.deepcopy(ORIGINAL)
    raw["data"]["kind"], raw["evaluate"]["features"] = kind, features
    if kind == "celeba":
        raw["datasets"]["celeba"]["attribute"] = classes
    if classes or features == ["pixels"]:
        checked(raw)
        return
    with pytest.raises(BadInput) as caught:
        checked(raw)
    assert str(caught.value) == (
        f"evaluate.features is {features}, and {kind} has one class, so that there is no classifier to train: use "
        "pixels, or a network with weights of its own (inception, dinov2, clip), or data with classes, as an attribute "
        "of celeba or sub-folders of an image_folder make them."
    )
