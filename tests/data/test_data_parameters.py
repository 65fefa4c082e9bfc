"""What a data set's entry in params.yaml may not say is one sentence with the whole key, the value and the remedy."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from changed_params import ORIGINAL, checked, no_data_root, put

from ganpipe.errors import BadInput

_environment = pytest.fixture(no_data_root, autouse=True)

BAD: list[tuple[str, Any, str]] = [
    ("image_folder.channels", 2, "should be 1 or 3"),
    ("image_folder.size", 48, "should be 8, 16, 28, 32 or 64"),
    ("image_folder.path", "", "should have at least 1 character"),
    ("image_folder.path", 3, "should be a valid string"),
    ("image_folder.test", 1.5, "should be a whole number of images, or a share between 0 and 1"),
    ("image_folder.test", 0, "should be greater than 0"),
    ("image_folder.test", "10 %", "should be a valid number"),
    ("image_folder.broken", "mend", "should be 'refuse' or 'skip'"),
    ("image_folder.split_seed", 2**32, f"should be less than {2**32}"),
    ("digits.split_seed", 2**32, f"should be less than {2**32}"),
    ("stacked_digits.test", 0, "should be greater than or equal to 1"),
    ("stacked_digits.held_out", 1001, "should be less than or equal to 1000"),
    ("stacked_mnist.size", 64, "should be 28 or 32"),
    ("fashion_mnist.size", 8, "should be 28 or 32"),
    ("celeba.size", 28, "should be 32 or 64"),
    ("celeba.attribute", 3, "should be a valid string"),
    ("celeba.attribute", "", "should have at least 1 character"),
    ("swiss_roll.noise", -1.0, "should be greater than or equal to 0"),
]


@pytest.mark.parametrize(("key", "value", "remedy"), BAD, ids=[f"{key} {value}" for key, value, _ in BAD])
def test_an_illegal_value_is_one_sentence(key: str, value: Any, remedy: str) -> None:
    raw = copy.deepcopy(ORIGINAL)
    put(f"datasets.{key}", value)(raw)
    with pytest.raises(BadInput) as caught:
        checked(raw)
    assert str(caught.value) == f"datasets.{key} is {value!r}: it {remedy}."


@pytest.mark.parametrize("name", list(ORIGINAL["datasets"]))
def test_each_entry_can_be_chosen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its files are not there and nobody downloads them, the sentence says so."""
    monkeypatch.chdir(tmp_path)
    raw = copy.deepcopy(ORIGINAL)
    raw["data"]["kind"] = name
    if name in ("celeba", "image_folder"):
        with pytest.raises(BadInput, match=rf"^datasets\.{name}.*GANPIPE_DATA_ROOT"):
            checked(raw)
    else:
        assert checked(raw).dataset.kind == raw["datasets"][name]["kind"]


def test_shares_that_do_not_add_up_are_shown() -> None:
    raw = copy.deepcopy(ORIGINAL)
    raw["datasets"]["gaussian_1d"]["components"][0]["share"] = 0.5
    with pytest.raises(BadInput) as caught:
        checked(raw)
    assert str(caught.value).startswith("datasets.gaussian_1d.components is [{share: 0.5, mean: -1.0, ")
    assert str(caught.value).endswith(": it has the shares 0.5 + 0.67 = 1.17; make them add up to `1`.")
