"""The feature network for the evaluation of images: a small convolutional classifier, trained on the data itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganpipe.config.classifier import ClassifierParams
from ganpipe.optimizers._eager import eager
from ganpipe.prepared import PreparedDataset
from ganpipe.training.checkpoint import Checkpoint
from ganpipe.training.weights import save_weights
from ganpipe.utils.rng import make_rng, seeded_init
from ganpipe.utils.signals import defer_signals
from ganpipe.utils.state import GeneratorState, Stateful

CHUNK = 1000


class Classifier(nn.Module):
    """conv-pool until 4 to 7 pixels are left, dense features, class logits."""

    def __init__(self, params: ClassifierParams, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, size, width = shape[0], shape[1], params.width
        layers: list[nn.Module] = []
        while True:
            for out in (width, 2 * width):
                layers += [nn.Conv2d(channels, out, 3, padding=1)]
                layers += [*([nn.BatchNorm2d(out)] if params.norm == "batch" else []), nn.ReLU()]
                channels = out
            layers += [nn.MaxPool2d(2)]
            width, size = params.growth * width, size // 2
            if size <= 7:
                break
        self.body = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(channels * size * size, params.embedding_dim), nn.ReLU()
        )
        self.head = nn.Linear(params.embedding_dim, classes)

    def features(self, images: Tensor) -> Tensor:
        """uint8 images to features (N, d)."""
        found: Tensor = self.body(images.float() / 127.5 - 1)
        return found

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 images to features (N, d) and logits (N, classes)."""
        features = self.features(images)
        return features, self.head(features)


def augmented(images: Tensor, rng: torch.Generator) -> Tensor:
    """Images (N, C, H, W), each mirrored or not and moved by up to an eighth of its size, edge pixels repeated."""
    (n, _, height, width), device = images.shape, images.device
    moves = [torch.randint(-(of // 8), of // 8 + 1, (n, 1), generator=rng, device=device) for of in (height, width)]
    rows = (torch.arange(height, device=device) + moves[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=device) + moves[1]).clamp(0, width - 1)
    mirrored = torch.rand((n, 1), generator=rng, device=device) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    each = torch.arange(n, device=device)[:, None, None]
    return images[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def fit(
    data: PreparedDataset,
    params: ClassifierParams,
    device: torch.device,
    out: Path,
    checkpoint: Checkpoint | None = None,
) -> dict[str, Any]:
    """Train, write `classifier.safetensors`, and return the accuracy on the test split."""
    with seeded_init(params.seed, "classifier"):
        net = _build(params, data).to(device)
    optimizer = eager(torch.optim.Adam)(net.parameters(), lr=params.lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3 * params.lr, params.steps)
    images, labels = (torch.from_numpy(array).to(device) for array in _single_channel(data))
    rng, augmentation = (make_rng(params.seed, f"classifier {name}", device) for name in ("order", "augmentation"))
    checkpoint = checkpoint or Checkpoint.disabled()
    state: dict[str, Stateful] = {
        "net": net,
        "optimizer": optimizer,
        "schedule": schedule,
        "order": GeneratorState(rng),
        "augmentation": GeneratorState(augmentation),
    }
    with defer_signals():
        for step in range(checkpoint.resume(state) + 1, params.steps + 1):
            now = torch.randint(len(images), (params.batch,), generator=rng, device=device)
            x = augmented(images[now], augmentation) if params.augment else images[now]
            loss = cross_entropy(net(x)[1], labels[now])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            checkpoint.maybe_save(step, state, last=step == params.steps)
    save_weights(net, out / "classifier.safetensors")
    read = Reader(net, data.base, device)
    predicted = read.probabilities(read.features(data.test)).argmax(1)
    return {
        "accuracy": float((predicted == data.test_labels).mean()),
        "embedding_dim": params.embedding_dim,
        "train": len(images),
        "test": len(data.test),
    }


def _build(params: ClassifierParams, data: PreparedDataset) -> Classifier:
    """Where each channel is an image of its own, one network reads them all, one at a time."""
    shape = (1, *data.shape[1:]) if data.base else data.shape
    return Classifier(params, shape, data.base or data.classes)


def _single_channel(data: PreparedDataset) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Training images and labels as the network sees them: the first channel is the first digit of the label."""
    if not data.base:
        return data.train, data.train_labels
    channels = data.shape[0]
    powers = data.base ** np.arange(channels)[::-1]
    digits = data.train_labels[:, None] // powers % data.base
    return data.train.reshape(-1, 1, *data.shape[1:]), digits.reshape(-1)


@dataclass(frozen=True)
class Reader:
    """What the network sees in images, and what follows from it.

    base: of data whose channels are images of their own; the features of the channels then stand side by side, and a
    class is a combination of theirs, its probability the product.
    """

    net: Classifier
    base: int | None
    device: torch.device

    @torch.no_grad()
    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images (N, C, H, W) to features (N, d)."""
        self.net.eval()
        parts = []
        for part in np.split(images, range(CHUNK, len(images), CHUNK)):
            given = torch.from_numpy(part).to(self.device)
            each = given if self.base is None else given.flatten(0, 1)[:, None]
            parts.append(self.net.features(each).reshape(len(part), -1).cpu())
        self.net.train()
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features (N, d) to the probability of each class (N, K)."""
        parts = [
            self._probabilities(torch.from_numpy(part).to(self.device)).cpu()
            for part in np.split(features, range(CHUNK, len(features), CHUNK))
        ]
        return torch.cat(parts).numpy()

    def _probabilities(self, features: Tensor) -> Tensor:
        each: Tensor = self.net.head(features.reshape(-1, self.net.head.in_features)).double().softmax(1)
        if self.base is None:
            return each
        each = each.reshape(len(features), -1, self.base)
        joint = each[:, 0]
        for channel in range(1, each.shape[1]):
            joint = (joint[:, :, None] * each[:, channel, None]).flatten(1)
        return joint


def load(folder: Path, params: ClassifierParams, data: PreparedDataset, device: torch.device) -> Reader:
    """The trained network of this folder."""
    net = _build(params, data)
    net.load_state_dict(load_file(folder / "classifier.safetensors"))
    return Reader(net.to(device), data.base, device)
