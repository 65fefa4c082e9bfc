"""Illegal values in a data set's entry of params.yaml are one sentence with the whole key, the value and the remedy."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from changed_params import ORIGINAL, checked, no_data_root, put

from ganpipe.data import Dataset, data_root
from ganpipe.parts import part_class
from ganpipe.utils.errors import UserError

_environment = pytest.fixture(no_data_root, autouse=True)

BAD: list[tuple[str, Any, str]] = [
    ("image_folder.size", 48, "should be 8, 16, 28, 32 or 64"),
    ("image_folder.path", "", "should have at least 1 character"),
    ("image_folder.test", 1.5, "should be a whole number of images, or a share between 0 and 1"),
    ("image_folder.broken", "mend", "should be 'refuse' or 'skip'"),
    ("digits.split_seed", 2**32, f"should be less than {2**32}"),
    ("stacked_digits.held_out", 1001, "should be less than or equal to 1000"),
    ("swiss_roll.noise", -1.0, "should be greater than or equal to 0"),
]


@pytest.mark.parametrize(("key", "value", "remedy"), BAD, ids=[f"{key} {value}" for key, value, _ in BAD])
def test_an_illegal_value_is_one_sentence(key: str, value: Any, remedy: str) -> None:
    raw = copy.deepcopy(ORIGINAL)
    put(f"datasets.{key}", value)(raw)
    with pytest.raises(UserError) as caught:
        checked(raw)
    assert str(caught.value) == f"datasets.{key} is {value!r}: it {remedy}."


def test_shares_that_do_not_add_up_are_shown() -> None:
    raw = copy.deepcopy(ORIGINAL)
    raw["datasets"]["gaussian_1d"]["components"][0]["share"] = 0.5
    with pytest.raises(UserError) as caught:
        checked(raw)
    assert str(caught.value).startswith("datasets.gaussian_1d.components is [{share: 0.5, mean: -1.0, ")
    assert str(caught.value).endswith(": it has the shares 0.5 + 0.67 = 1.17; make them add up to `1`.")


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ORIGINAL["datasets"]))
def test_each_entry_can_be_chosen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its counts are enough for the evaluation. Without its files, where they are never downloaded, it is refused."""
    monkeypatch.chdir(tmp_path)
    raw = copy.deepcopy(ORIGINAL)
    raw["data"]["kind"] = name
    dataset = part_class("ganpipe.data", raw["datasets"][name]["kind"]).model_validate(raw["datasets"][name])
    assert isinstance(dataset, Dataset)
    if dataset.missing_files(data_root(tmp_path)):
        with pytest.raises(UserError, match=rf"^datasets\.{name}.*GANPIPE_DATA_ROOT"):
            checked(raw)
    else:
        assert checked(raw).dataset == dataset


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "project/data/raw"),
        ("", "project/data/raw"),
        ("../pictures", "project/../pictures"),
        ("~/pictures", "home/pictures"),
        ("~nobody-of-that-name/x", "project/~nobody-of-that-name/x"),
    ],
)
def test_the_folder_for_raw_files_is_the_project_s_wherever_an_experiment_runs(
    given: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if given is not None:
        monkeypatch.setenv("GANPIPE_DATA_ROOT", given)
    assert data_root(tmp_path / "project") == tmp_path / expected
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))  # as DVC does for a stage, in a folder of its own too
    assert data_root(Path()) == tmp_path / expected
