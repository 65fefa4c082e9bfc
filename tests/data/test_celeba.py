"""CelebA: crop, published split, attributes, and what is wrong with the lists or the images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_files import FACE_PARTS, FACES, SMILING, face, make_celeba

from ganpipe.data.celeba import CelebA
from ganpipe.utils.errors import UserError

PARTITION, ATTRIBUTES = "celeba/list_eval_partition.txt", "celeba/list_attr_celeba.txt"
TRAIN, TEST = ([place for place, part in enumerate(FACE_PARTS) if part == wanted] for wanted in (0, 2))


def celeba(size: int = 32, attribute: str | None = None) -> CelebA:
    return CelebA.model_validate({"kind": "celeba", "size": size, "attribute": attribute})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_celeba(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.parametrize("size", [32, 64])
def test_images_are_the_central_squares_in_the_published_split_by_name(size: int, root: Path) -> None:
    data = celeba(size).load(root)
    for images, labels, places in ((data.train, data.train_labels, TRAIN), (data.test, data.test_labels, TEST)):
        squares = [Image.fromarray(face(place)[20:198]) for place in places]
        expected = [np.asarray(square.resize((size, size), Image.Resampling.BICUBIC)) for square in squares]
        np.testing.assert_array_equal(images.transpose(0, 2, 3, 1), expected)
        assert labels.tolist() == [0] * len(places)


def test_an_attribute_makes_two_classes(root: Path) -> None:
    data = celeba(attribute="Smiling").load(root)
    assert data.classes == celeba(attribute="Smiling").classes(root) == 2
    assert data.class_names == ("not Smiling", "Smiling")
    for labels, places in ((data.train_labels, TRAIN), (data.test_labels, TEST)):
        assert labels.tolist() == [int(SMILING[place] == 1) for place in places]
    assert celeba(attribute="Bald").load(root).train_labels.tolist() == [0] * len(TRAIN)
    (root / ATTRIBUTES).unlink()
    np.testing.assert_array_equal(celeba().load(root).train, data.train)  # without an attribute it is not needed


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        content = (root / name).read_text()
        assert old in content
        (root / name).write_text(content.replace(old, new))

    return change


WHERE = "get the data at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
REFUSED: dict[str, tuple[Callable[[Path], object], str | None, str]] = {
    "no folder": (
        lambda root: (root / "celeba").rename(root / "other"),
        None,
        f"cannot read {{root}}/celeba/img_align_celeba (No such file or directory): {WHERE}",
    ),
    "no attributes": (
        lambda root: (root / ATTRIBUTES).unlink(),
        "Smiling",
        f"cannot read {{root}}/{ATTRIBUTES} (No such file or directory): {WHERE}",
    ),
    "not text": (
        lambda root: (root / PARTITION).write_bytes(b"\xff\xfe\x00"),
        None,
        f"cannot read {{root}}/celeba (it is not text): {WHERE}",
    ),
    "an empty list of attributes": (
        lambda root: (root / ATTRIBUTES).write_text(""),
        "Smiling",
        f".attribute is 'Smiling', which {{root}}/{ATTRIBUTES} does not name: use null.",
    ),
    "a part that does not exist": (
        edited(PARTITION, "000003.jpg 1", "000003.jpg 3"),
        None,
        f"reads {{root}}/{PARTITION}, which has no image and 1 of the numbers 0, 1, 2 in line 10: replace",
    ),
    "a line without a part": (
        edited(PARTITION, "000003.jpg 1", "000003.jpg"),
        None,
        f"reads {{root}}/{PARTITION}, which has no image and 1 of the numbers 0, 1, 2 in line 10: replace",
    ),
    "an attribute of 0": (
        edited(ATTRIBUTES, "000003.jpg -1  1", "000003.jpg -1  0"),
        "Smiling",
        f"reads {{root}}/{ATTRIBUTES}, which has no image and 2 of the numbers -1, 1 in line 5: replace",
    ),
    "no test image": (
        edited(PARTITION, " 2", " 1"),
        None,
        f"reads {{root}}/{PARTITION}, which has no test image (part 2): replace the file with the original.",
    ),
    "a missing image": (
        lambda root: (root / "celeba" / "img_align_celeba" / FACES[5]).unlink(),
        None,
        "needs the image {root}/celeba/img_align_celeba/000006.jpg, which is missing: unpack all of",
    ),
    "a way out of the folder": (
        edited(PARTITION, "000001.jpg", "../../a.jpg"),
        None,
        "needs the image {root}/celeba/img_align_celeba/../../a.jpg, which is missing: unpack all of",
    ),
    "an image without attributes": (
        edited(ATTRIBUTES, "000006.jpg", "000099.jpg"),
        "Smiling",
        f"reads {{root}}/{ATTRIBUTES}, which has no attributes of 000006.jpg: replace the file with the original.",
    ),
}


@pytest.mark.parametrize(("change", "attribute", "words"), REFUSED.values(), ids=REFUSED)
def test_wrong_files_are_one_sentence(
    change: Callable[[Path], object], attribute: str | None, words: str, root: Path
) -> None:
    change(root)
    given = celeba(attribute=attribute)
    with pytest.raises(UserError) as caught:
        given.load(root)
    assert str(caught.value) == given.missing_files(root)
    assert str(caught.value).removeprefix("datasets.celeba").lstrip().startswith(words.replace("{root}", str(root)))


def test_an_unknown_attribute_is_refused_with_the_known_ones(root: Path) -> None:
    assert celeba(attribute="smiling").missing_files(root) == (
        f"datasets.celeba.attribute is 'smiling', which {root}/{ATTRIBUTES} does not name: use null or one of Bald, "
        "Smiling."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-200]), "which is a broken image (image file is truncated"),
        (lambda file: Image.new("RGB", (64, 64)).save(file), "which has 64x64 pixels and not 178x218"),
    ],
)
def test_a_broken_image_is_one_sentence(change: Callable[[Any], object], words: str, root: Path) -> None:
    file = root / "celeba" / "img_align_celeba" / FACES[3]
    change(file)
    with pytest.raises(UserError) as caught:
        celeba().load(root)
    assert str(caught.value).startswith(f"datasets.celeba reads {file}, {words}")
    assert str(caught.value).endswith(": replace it with the original.")
