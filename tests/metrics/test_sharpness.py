"""Sharpness against SciPy's Laplacian and on images where it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganpipe.metrics import sharpness as module
from ganpipe.metrics.sharpness import sharpness

PHOTOS = np.random.default_rng(0).integers(256, size=(6, 3, 9, 7), dtype=np.uint8)


def test_parity_with_scipy() -> None:
    from scipy.ndimage import laplace

    grey = PHOTOS.astype(np.float64).mean(axis=1)
    expected = [laplace(image)[1:-1, 1:-1].var() for image in grey]
    found = sharpness(PHOTOS)
    np.testing.assert_allclose(found.each, expected, rtol=1e-12)
    assert found.mean == pytest.approx(np.mean(expected), rel=1e-12)


def test_by_hand() -> None:
    """One bright pixel in the middle of 5 x 5: the Laplacian is -4, four times 1 and four times 0."""
    image = np.zeros((1, 1, 5, 5))
    image[0, 0, 2, 2] = 1.0
    assert sharpness(image).mean == pytest.approx((16 + 4) / 9, rel=1e-12)


def test_constant_and_sloping_images_have_none() -> None:
    slope = np.arange(8.0)[:, None] + 3 * np.arange(8.0)
    np.testing.assert_allclose(sharpness(np.stack([np.full((8, 8), 7.0), slope])[:, None]).each, 0.0, atol=1e-24)


def test_white_noise_reaches_twenty_times_its_variance() -> None:
    noise = 3.0 * np.random.default_rng(1).normal(size=(200, 1, 32, 32))
    assert sharpness(noise).mean == pytest.approx(20 * 9, rel=0.02)


def test_blurring_lowers_it_and_halves_of_the_same_images_agree() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(2)
    images = rng.normal(size=(200, 1, 16, 16))
    blurred = gaussian_filter(images, sigma=(0, 0, 1, 1))
    assert sharpness(blurred).mean < 0.05 * sharpness(images).mean
    assert sharpness(images[::2]).mean == pytest.approx(sharpness(images[1::2]).mean, rel=0.1)


def test_height_and_width_and_channels_are_not_confused() -> None:
    """A vertical edge in grey, and in one of three channels a third as strong."""
    edge = np.zeros((1, 1, 6, 10))
    edge[..., 5:] = 1.0
    expected = np.array([0, 0, 0, 1, -1, 0, 0, 0]).var()
    assert sharpness(edge).mean == pytest.approx(expected, rel=1e-12)
    colour = np.concatenate([edge, 0 * edge, 0 * edge], axis=1)
    assert sharpness(colour).mean == pytest.approx(expected / 9, rel=1e-12)


def test_blocks_change_nothing_and_bytes_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sharpness(PHOTOS).each
    monkeypatch.setattr(module, "CHUNK", 400)
    np.testing.assert_array_equal(sharpness(PHOTOS).each, whole)
    np.testing.assert_array_equal(sharpness(PHOTOS.astype(np.float64)).each, whole)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((2, 8, 8)), r"^images should have the shape \(N, C, H, W\)"),
        (np.zeros((0, 1, 8, 8)), "^images should have the shape"),
        (np.zeros((2, 1, 2, 8)), "at least 3 x 3 pixels"),
        (np.full((2, 1, 8, 8), np.nan), "^images has values that are not finite"),
    ],
)
def test_bad_input_is_refused(images: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        sharpness(images)
