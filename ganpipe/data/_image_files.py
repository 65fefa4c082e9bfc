"""What data sets of image files share: how a file becomes a square of pixels, and how its path is written."""

from __future__ import annotations

import os
import warnings
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ganpipe.data._images import Images
from ganpipe.errors import BadInput

# what Pillow may decode: among its others is PostScript, which runs a program
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MODES = {1: "L", 3: "RGB"}


class Unreadable(Exception):
    """A file that is no image, or only the beginning of one: why, after "<file> "."""


class ImageFiles(Images):
    """Image files in a folder, which nobody downloads."""

    @abstractmethod
    def listed(self, root: Path) -> Any:
        """What there is to read. Raises BadInput where it is not as it should be."""

    def missing_files(self, root: Path) -> str | None:
        try:
            self.listed(root)
        except BadInput as error:
            return str(error)
        return None


def square(file: Path, size: int, channels: int, expected: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """The largest square about the centre, resized by Pillow's bicubic filter with antialiasing: uint8 (C, S, S).

    The image is turned as its EXIF says, what is transparent is laid on white, and of several frames the first is read.
    size: S, in pixels. channels: C, 1 for grey, 3 for colour. expected: width and height that the
    file has to have. Raises Unreadable.
    """
    if not file.is_file():
        raise Unreadable("is not a file")
    try:
        with warnings.catch_warnings():
            # Pillow warns of what it can read in spite of a flaw; of a bomb it warns from its limit on
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # opened here: Pillow leaves open what it cannot read
            with file.open("rb") as stream, Image.open(stream, formats=FORMATS) as opened:
                image: Image.Image = ImageOps.exif_transpose(opened)
                pixels = _eight_bits(image, MODES[channels])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's limit") from None
    except UnidentifiedImageError:
        raise Unreadable(f"is not an image of a known kind ({', '.join(FORMATS)})") from None
    except Unreadable:
        raise
    except Exception as error:  # a decoder says what is wrong with a file by nearly any of them
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unreadable(f"is a broken image ({reason.splitlines()[0].rstrip('.')})") from None
    width, height = pixels.size
    if expected and (width, height) != expected:
        raise Unreadable(f"has {width}x{height} pixels and not {expected[0]}x{expected[1]}")
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    cropped = pixels.crop((left, top, left + side, top + side))
    small = np.asarray(cropped.resize((size, size), Image.Resampling.BICUBIC))
    return small.reshape(size, size, channels).transpose(2, 0, 1)


def _eight_bits(image: Image.Image, mode: str) -> Image.Image:
    """The image in 8 bits a channel."""
    if image.mode.startswith("I;16"):
        # Pillow would cut off at 255 what goes up to 65535
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise Unreadable("has 32 bits a channel, and what is white in it is not known")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def shown(path: Path | str) -> str:
    """A path as it stands in a sentence of one line, whatever its name is made of."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)
