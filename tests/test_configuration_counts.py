"""Fewer images than the figures need are refused before anything runs, with the setting that asks for them."""

from __future__ import annotations

import copy

import pytest
from changed_params import ORIGINAL, Change, both, checked, no_data_root, put

from ganpipe.errors import BadInput

_environment = pytest.fixture(no_data_root, autouse=True)

# what is done to params.yaml, the beginning of the sentence, and more words that it must hold
FEW: dict[str, tuple[Change, str, list[str]]] = {
    "fewer images than neighbours": (
        put("evaluate.neighbours", 360),
        "There are 360 test images of digits to compare, and evaluate.neighbours is 360: at least 361 are needed",
        ["take more, or lower it"],
    ),
    "fewer images than any figure needs": (
        both(
            put("evaluate.cap", 3),
            put("evaluate.splits", 2),
            put("evaluate.neighbours", 2),
            put("evaluate.density_neighbours", 2),
        ),
        "There are 3 images by evaluate.cap to compare: at least 4 are needed; take more.",
        [],
    ),
    "fewer samples than splits": (
        both(put("evaluate.splits", 200), put("train.moments.samples", 100)),
        "There are 100 generated images by train.moments.samples to compare, and evaluate.splits is 200: at least 200",
        ["take more, or lower it"],
    ),
    "fewer samples of a row than splits": (
        both(put("evaluate.splits", 150), put("variants.rpgan.samples", 120)),
        "There are 120 generated images by variants.rpgan.samples to compare, and evaluate.splits is 150: at least 150",
        ["take more, or lower it"],
    ),
}


@pytest.mark.parametrize(("change", "start", "words"), FEW.values(), ids=FEW)
def test_fewer_images_than_the_figures_need(change: Change, start: str, words: list[str]) -> None:
    raw = copy.deepcopy(ORIGINAL)
    change(raw)
    with pytest.raises(BadInput) as caught:
        checked(raw)
    assert str(caught.value).startswith(start)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "change",
    [
        put("evaluate.neighbours", 359),
        both(put("data.kind", "ring"), put("evaluate.cap", 2), put("evaluate.splits", 5000)),
    ],
)
def test_as_many_images_as_the_figures_need_are_enough_and_points_need_none(change: Change) -> None:
    raw = copy.deepcopy(ORIGINAL)
    change(raw)
    checked(raw)
