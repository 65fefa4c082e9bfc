"""The base of data sets of image files, and how a file becomes a square of pixels."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ganpipe.data._images import ImageDataset
from ganpipe.utils.errors import UserError

# the formats that Pillow may decode; others, such as PostScript, run programs
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MODES = {1: "L", 3: "RGB"}


class UnreadableImage(Exception):
    """A file that is no image or a broken one. The message continues a sentence: "is not a file"."""


class ImageFiles(ImageDataset):
    """Image files in a folder, which are never downloaded."""

    @abstractmethod
    def list_files(self, root: Path) -> Any:
        """The files to read. Raises UserError where some are missing or in the wrong place."""

    def missing_files(self, root: Path) -> str | None:
        try:
            self.list_files(root)
        except UserError as error:
            return str(error)
        return None


def read_square(file: Path, size: int, channels: int, expected: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """The largest square about the centre of an image, resized: uint8 (channels, size, size).

    Resized by Pillow's bicubic filter with antialiasing. The image is rotated as its EXIF says, transparent pixels are
    blended with white, 16 bits a channel are scaled to 8, and of several frames the first is read.

    channels: 1 for grey, 3 for colour. expected: the (width, height) that the image must have. Raises UnreadableImage.
    """
    if not file.is_file():
        raise UnreadableImage("is not a file")
    try:
        with warnings.catch_warnings():
            # Pillow warns of flaws that do not keep it from reading, and of more pixels than its limit
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # opened here because Pillow does not close a file that it cannot read
            with file.open("rb") as stream, _opened(stream) as opened:
                image = _rotated(opened)
                pixels = _eight_bits(image, opened.format, MODES[channels])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImage(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, Pillow's limit") from None
    except UnidentifiedImageError:
        raise UnreadableImage(f"is not an image of a known format ({', '.join(FORMATS)})") from None
    except UnreadableImage:
        raise
    except Exception as error:  # Pillow's decoders raise nearly any type
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableImage(f"is a broken image ({reason.splitlines()[0].rstrip('.')})") from None
    width, height = pixels.size
    if expected and (width, height) != expected:
        raise UnreadableImage(f"has {width}x{height} pixels and not {expected[0]}x{expected[1]}")
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    cropped = pixels.crop((left, top, left + side, top + side))
    resized = np.asarray(cropped.resize((size, size), Image.Resampling.BICUBIC))
    return resized.reshape(size, size, channels).transpose(2, 0, 1)


def _opened(stream: IO[bytes]) -> Image.Image:
    """The image whose header was read, broken metadata beside it or not; its pixels were not read yet."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # while the header is read: otherwise pixels that are cut off would pass
    try:
        return Image.open(stream, formats=FORMATS)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _rotated(opened: Image.Image) -> Image.Image:
    """The image as its EXIF orientation says; as it is where the EXIF cannot be read, for the pixels can."""
    opened.load()
    try:
        return ImageOps.exif_transpose(opened)
    except Exception:  # Pillow raises nearly any type for broken EXIF
        return opened


def _eight_bits(image: Image.Image, file_format: str | None, mode: str) -> Image.Image:
    """The image in Pillow's mode L or RGB."""
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format == "PPM"):
        # 16 bits, which Pillow would clip at 255; it has scaled those of a PGM to the range up to 65535
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise UnreadableImage("has 32 bits a channel, whose range is not known")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode == "LAB":
        image = image.convert("RGB")  # Pillow has no way from Lab to grey
    return image.convert(mode)
