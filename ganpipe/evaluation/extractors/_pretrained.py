"""Networks with published weights: fetched once, verified by their digest, applied in chunks."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganpipe.evaluation.extractors import Extract
from ganpipe.utils.errors import UserError

CHUNK = 50

T = TypeVar("T")


@dataclass(frozen=True)
class Weights:
    """Published weights. name: of the extractor in params.yaml. file: below the folder of torch's hub.

    sha256: of the file; torch reads such files by pickle, so nothing but the original may be opened. url: where it is
    fetched from. code: what else has to lie in that folder, in words, and under which name, where the network's code
    is fetched too.
    """

    name: str
    file: str
    sha256: str
    url: str
    code: tuple[str, str] | None = None

    def load(self, build: Callable[[], T]) -> T:
        """What `build` makes once the original file is in its place.

        Raises UserError where the file can't be fetched or is not the original, or `build` fails.
        """
        hub = Path(torch.hub.get_dir())
        path = hub / self.file
        also = f" and {self.code[0]} at {hub / self.code[1]}" if self.code else ""
        others = "use another of evaluate.feature_extractors, as classifier or pixels"
        remedy = f"put the original file at {path}{also}, or {others}"
        try:
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                torch.hub.download_url_to_file(self.url, str(path), hash_prefix=self.sha256, progress=False)
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found == self.sha256:
                return build()
        except (OSError, EOFError, ImportError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            sentence = f"evaluate.feature_extractors names {self.name}, which could not be opened or fetched ({reason})"
            raise UserError(f"{sentence}: {remedy}.") from None
        digests = f"SHA-256 {found[:8]}... and not {self.sha256[:8]}..."
        sentence = f"evaluate.feature_extractors names {self.name}, and {path} is not its weights ({digests})"
        raise UserError(f"{sentence}: {remedy}.")


def in_chunks(features: Callable[[Tensor], Tensor], device: str) -> Extract:
    """An Extract of a function of uint8 images (n, 3, H, W) on the device; grey ones get three equal channels."""

    @torch.no_grad()
    def extract(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(images), CHUNK):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + CHUNK])).to(device)
            parts.append(features(part.expand(-1, 3, -1, -1)).float().cpu())
        return torch.cat(parts).numpy()

    return extract
