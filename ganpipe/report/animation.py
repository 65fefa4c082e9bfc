"""The samples of a training's fixed noise, step after step, as one moving picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from ganpipe.utils.errors import UserError
from ganpipe.utils.io import write_bytes

FORMATS = {".webp": "WEBP", ".gif": "GIF"}
FRAME, LAST = 200, 2000
"""How long a frame is shown, and the last one, in milliseconds."""


def animate_run(run: Path, output: Path) -> None:
    """Write the grids of the run's folder as a WebP or GIF. Raises UserError where there are none, or no such file."""
    kind = FORMATS.get(output.suffix.lower())
    if kind is None or output.is_dir():
        raise UserError(f"--output is {output}, which is no WebP or GIF: give it a name that ends in .webp or .gif.")
    grids = sorted((run / "grids").glob("*.png"))
    if not grids:
        raise UserError(f"{run} has no pictures in {run / 'grids'}: train it first, or run `dvc checkout`.")
    content = animation(grids, kind)
    try:
        write_bytes(output, content)
    except OSError as error:
        raise UserError(f"{output} cannot be written ({error.strerror}): choose a folder that can be.") from None


def animation(files: Sequence[Path], kind: str, lossless: bool = True) -> bytes:
    """The pictures, all of one size, one after the other for ever. kind: WEBP or GIF. Raises UserError.

    lossless: of WebP; else a tenth of the size.
    """
    from PIL import Image

    frames = []
    for file in files:
        try:
            with Image.open(file) as image:
                frames.append(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise UserError(f"{file} is no PNG that can be read ({error}): run `dvc checkout` to restore it.") from None
    durations = [FRAME] * (len(frames) - 1) + [LAST]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=durations, loop=0, lossless=lossless)
    return buffer.getvalue()
