"""CelebA: a small folder of its layout that the test makes: crop, split and attributes, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganpipe.data.celeba import CelebA
from ganpipe.errors import BadInput

NAMES = [f"{number:06}.jpg" for number in range(1, 13)]
PARTS = [0, 2, 1, 0, 0, 2, 0, 1, 0, 0, 2, 0]
SMILING = [1, -1, 1, -1, 1, 1, -1, -1, 1, 1, -1, -1]
PARTITION, ATTRIBUTES = "celeba/list_eval_partition.txt", "celeba/list_attr_celeba.txt"
TRAIN = [place for place, part in enumerate(PARTS) if part == 0]
TEST = [place for place, part in enumerate(PARTS) if part == 2]


def source(size: int = 32, attribute: str | None = None) -> CelebA:
    return CelebA.model_validate({"kind": "celeba", "size": size, "attribute": attribute})


def face(number: int) -> Image.Image:
    """178x218 pixels: a colour of its own, with a darker half on the right, between stripes that the crop removes."""
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[20:198] = colour(number)
    pixels[20:198, 89:] //= 2
    return Image.fromarray(pixels)


def colour(number: int) -> tuple[int, int, int]:
    return 20 * number, 240 - 20 * number, 40 + 10 * number


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The images are stored as PNGs under the names of JPEGs, so that their pixels are exact."""
    images = tmp_path / "celeba" / "img_align_celeba"
    images.mkdir(parents=True)
    for number, name in reversed(list(enumerate(NAMES))):
        face(number).save(images / name, "PNG")
    lines = [f"{name} {part}" for name, part in zip(NAMES, PARTS, strict=True)]
    (tmp_path / PARTITION).write_text("\n".join(lines[::-1]) + "\n")
    rows = [f"{name} -1  {value} " for name, value in zip(NAMES, SMILING, strict=True)]
    (tmp_path / ATTRIBUTES).write_text("\n".join([f"{len(NAMES)}", "Bald Smiling ", *rows]) + "\n")
    return tmp_path


@pytest.mark.parametrize("size", [32, 64])
def test_images_are_cropped_and_stand_in_the_published_split_by_name(size: int, root: Path) -> None:
    given = source(size)
    assert given.missing_files(root) is None
    data = given.load(root)
    assert (given.form, given.shape) == (data.form, data.shape) == ("images", (3, size, size))
    assert (data.classes, data.base, data.modes) == (given.classes(root), None, None) == (1, None, None)
    for images, labels, places in ((data.train, data.train_labels, TRAIN), (data.test, data.test_labels, TEST)):
        assert images.dtype == np.uint8
        assert labels.dtype == np.int64
        assert labels.tolist() == [0] * len(places)
        expected = np.array([colour(place) for place in places], np.uint8)
        # away from the edge between the halves each pixel is the colour; of the stripes there is nothing left
        left, right = images[..., : size // 2 - 2], images[..., size // 2 + 2 :]
        np.testing.assert_array_equal(left, np.broadcast_to(expected[:, :, None, None], left.shape))
        np.testing.assert_array_equal(right, np.broadcast_to((expected // 2)[:, :, None, None], right.shape))
    assert given.load(root).digest() == data.digest()


def test_pixels_are_those_of_the_square_resized(root: Path) -> None:
    """The 178 rows from the 20th on, by Pillow itself."""
    pixels = np.random.default_rng(0).integers(256, size=(218, 178, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "celeba" / "img_align_celeba" / NAMES[0], "PNG")
    expected = Image.fromarray(pixels[20:198]).resize((32, 32), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(source().load(root).train[0], np.asarray(expected).transpose(2, 0, 1))


def test_an_attribute_makes_two_classes(root: Path) -> None:
    data, plain = source(attribute="Smiling").load(root), source().load(root)
    assert data.classes == source(attribute="Smiling").classes(root) == 2
    for labels, places in ((data.train_labels, TRAIN), (data.test_labels, TEST)):
        assert labels.tolist() == [int(SMILING[place] == 1) for place in places]
    np.testing.assert_array_equal(data.train, plain.train)
    assert source(attribute="Bald").load(root).train_labels.tolist() == [0] * len(TRAIN)


def test_without_an_attribute_their_list_need_not_be_there(root: Path) -> None:
    (root / ATTRIBUTES).unlink()
    assert len(source().load(root).train) == len(TRAIN)


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        content = (root / name).read_text()
        assert old in content
        (root / name).write_text(content.replace(old, new))

    return change


WHERE = (
    "get the data at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, put list_eval_partition.txt, "
    "list_attr_celeba.txt and the folder img_align_celeba into celeba/ of a folder and point GANPIPE_DATA_ROOT to it."
)
REFUSED: dict[str, tuple[Callable[[Path], object], str | None, str]] = {
    "no folder": (
        lambda root: (root / "celeba").rename(root / "other"),
        None,
        f"datasets.celeba cannot read {{root}}/celeba/img_align_celeba (No such file or directory): {WHERE}",
    ),
    "no partition": (
        lambda root: (root / PARTITION).unlink(),
        None,
        f"datasets.celeba cannot read {{root}}/{PARTITION} (No such file or directory): {WHERE}",
    ),
    "no attributes": (
        lambda root: (root / ATTRIBUTES).unlink(),
        "Smiling",
        f"datasets.celeba cannot read {{root}}/{ATTRIBUTES} (No such file or directory): {WHERE}",
    ),
    "not text": (
        lambda root: (root / PARTITION).write_bytes(b"\xff\xfe\x00"),
        None,
        f"datasets.celeba cannot read {{root}}/celeba (it is not text): {WHERE}",
    ),
    "an unknown attribute": (
        lambda root: None,
        "smiling",
        f"datasets.celeba.attribute is 'smiling', which {{root}}/{ATTRIBUTES} does not name: use null or one of Bald, "
        "Smiling.",
    ),
    "an empty list of attributes": (
        lambda root: (root / ATTRIBUTES).write_text(""),
        "Smiling",
        f"datasets.celeba.attribute is 'Smiling', which {{root}}/{ATTRIBUTES} does not name: use null.",
    ),
    "a part that there is not": (
        edited(PARTITION, "000003.jpg 1", "000003.jpg 3"),
        None,
        f"datasets.celeba reads {{root}}/{PARTITION}, whose line 10 is not the name of an image and 1 of the numbers "
        "0, 1, 2: replace the file with the original.",
    ),
    "a line without a part": (
        edited(PARTITION, "000003.jpg 1", "000003.jpg"),
        None,
        f"datasets.celeba reads {{root}}/{PARTITION}, whose line 10 is not the name of an image and 1 of the numbers "
        "0, 1, 2: replace the file with the original.",
    ),
    "a line with a column too many": (
        edited(ATTRIBUTES, "000003.jpg -1  1", "000003.jpg -1  1 1"),
        "Smiling",
        f"datasets.celeba reads {{root}}/{ATTRIBUTES}, whose line 5 is not the name of an image and 2 of the numbers "
        "-1, 1: replace the file with the original.",
    ),
    "an attribute of 0": (
        edited(ATTRIBUTES, "000003.jpg -1  1", "000003.jpg -1  0"),
        "Smiling",
        f"datasets.celeba reads {{root}}/{ATTRIBUTES}, whose line 5 is not the name of an image and 2 of the numbers "
        "-1, 1: replace the file with the original.",
    ),
    "no test image": (
        edited(PARTITION, " 2", " 1"),
        None,
        f"datasets.celeba finds no test image (part 2) in {{root}}/{PARTITION}: replace the file with the original.",
    ),
    "an image that is not there": (
        lambda root: (root / "celeba" / "img_align_celeba" / NAMES[5]).unlink(),
        None,
        "datasets.celeba needs the image {root}/celeba/img_align_celeba/000006.jpg, which is not there: unpack all of "
        "img_align_celeba.zip.",
    ),
    "a way out of the folder": (
        edited(PARTITION, "000001.jpg", "../../a.jpg"),
        None,
        "datasets.celeba needs the image {root}/celeba/img_align_celeba/../../a.jpg, which is not there: unpack all of "
        "img_align_celeba.zip.",
    ),
    "an image without attributes": (
        edited(ATTRIBUTES, "000006.jpg", "000099.jpg"),
        "Smiling",
        f"datasets.celeba finds no attributes of 000006.jpg in {{root}}/{ATTRIBUTES}: replace the file with the "
        "original.",
    ),
}


@pytest.mark.parametrize(("change", "attribute", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_as_it_should_be_is_named_in_one_sentence(
    change: Callable[[Path], object], attribute: str | None, sentence: str, root: Path
) -> None:
    change(root)
    given = source(attribute=attribute)
    with pytest.raises(BadInput) as caught:
        given.load(root)
    assert str(caught.value) == given.missing_files(root) == sentence.replace("{root}", str(root))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-200]), "which is a broken image (image file is truncated"),
        (lambda file: file.write_text("hello"), "which is not an image of a known kind"),
        (lambda file: face(0).resize((64, 64)).save(file), "which has 64x64 pixels and not 178x218"),
    ],
)
def test_a_broken_image_is_named_in_one_sentence(change: Callable[[Any], object], words: str, root: Path) -> None:
    file = root / "celeba" / "img_align_celeba" / NAMES[3]
    change(file)
    with pytest.raises(BadInput) as caught:
        source().load(root)
    sentence = str(caught.value)
    assert sentence.startswith(f"datasets.celeba reads {file}, {words}")
    assert sentence.endswith(": replace it with the original.")
    assert "\n" not in sentence
