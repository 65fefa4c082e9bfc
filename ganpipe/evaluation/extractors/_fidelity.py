"""Feature networks of torch-fidelity (Obukhov et al. 2020, Apache 2.0), with their own weights and resizers."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganpipe.evaluation.extractors import Classifying, Extract, ExtractorContext
from ganpipe.utils.errors import UserError

CHUNK = 50


@dataclass(frozen=True)
class Repository:
    """Where torch's hub fetches the network's code from: owner/name on GitHub, and the commit that is meant."""

    name: str
    commit: str

    @property
    def folder(self) -> str:
        """What torch's hub calls its copy."""
        return f"{self.name.replace('/', '_')}_{self.commit}"


def network(
    name: str,
    extractor: str,
    layer: str,
    file: str,
    sha256: str,
    url: str,
    context: ExtractorContext,
    repository: Repository | None = None,
    head: str | None = None,
) -> Extract:
    """torch-fidelity's `extractor` read at `layer`; `name` is what params.yaml calls it.

    file: below the folder of torch's hub, where torch-fidelity looks for it. sha256: of that file; torch reads such
    files by pickle, so nothing but the original may be opened. url: where it is fetched from, not by torch-fidelity,
    which opens whatever comes. repository: where the network's code is not torch-fidelity's own. head: the linear layer
    from these features to its classes, read without its bias.
    """
    try:
        from torch_fidelity.utils import create_feature_extractor
    except ImportError:
        raise UserError(
            f"evaluate.feature_extractors names {name}, which is torch-fidelity's: install "
            "ganpipe[features], or use classifier."
        ) from None
    hub = Path(torch.hub.get_dir())
    path = hub / file
    remedy = f"put the original file at {path}"
    if repository:
        remedy += f" and github.com/{repository.name} at the commit {repository.commit} at {hub / repository.folder}"
    remedy += ", or use another of evaluate.feature_extractors, as classifier or pixels"
    try:
        if not path.is_file():
            _fetch(url, path, sha256)
        _verify(path, name, sha256, remedy)
        with _pinned(repository):
            net = create_feature_extractor(extractor, [layer], cuda=False, verbose=False)
    except (OSError, EOFError, ImportError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        sentence = f"evaluate.feature_extractors names {name}, which could not be opened or fetched ({reason})"
        raise UserError(f"{sentence}: {remedy}.") from None

    net.to(context.device)

    @torch.no_grad()
    def extract(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(images), CHUNK):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + CHUNK])).to(context.device)
            if part.shape[1] == 1:
                part = part.expand(-1, 3, -1, -1)
            features = net.convert_features_tuple_to_dict(net(part))[layer]
            parts.append(features.float().cpu())
        return torch.cat(parts).numpy()

    if head is None:
        return extract
    weight = getattr(net, head).weight.detach().float().cpu()

    def probabilities(features: NDArray[np.float32]) -> NDArray[np.float64]:
        found = (torch.from_numpy(features) @ weight.T).double().softmax(dim=1)
        return np.asarray(found.numpy())

    return Classifying(extract, probabilities)


@contextmanager
def _pinned(repository: Repository | None) -> Iterator[None]:
    """torch's hub with the commit where torch-fidelity names none, which means whatever the branch main is today."""
    load: Any = torch.hub.load

    def at_commit(name: str, *args: Any, **kwargs: Any) -> Any:
        if repository and name == repository.name:
            # what it would validate is that a branch or tag ends there; the commit's own name says more
            name, kwargs = f"{name}:{repository.commit}", kwargs | {"skip_validation": True}
        return load(name, *args, **kwargs)

    torch.hub.load = at_commit  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.hub.load = load


def _fetch(url: str, path: Path, sha256: str) -> None:
    """Raises RuntimeError where what comes is not the original, and leaves nothing of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(url, str(path), hash_prefix=sha256, progress=False)


def _verify(path: Path, name: str, sha256: str, remedy: str) -> None:
    """Raises UserError where the file is not the original."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        said = f"{path} is not its weights (SHA-256 {found[:8]}... and not {sha256[:8]}...)"
        raise UserError(f"evaluate.feature_extractors names {name}, and {said}: {remedy}.")
