"""The feature network for the evaluation of images: a small convolutional classifier, trained on the data itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganpipe.optimizers._eager import eager
from ganpipe.params import Count, Frozen, Positive, Seed
from ganpipe.prepared import Prepared
from ganpipe.training.streams import initialised_by, stream
from ganpipe.training.weights import save_weights

Features = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.int64]]]
CHUNK = 1000


class ClassifierParams(Frozen):
    """width: channels of the first layer, doubled in the second. features: width of the layer that is read out."""

    width: Count
    features: Count
    steps: Count
    batch: Count
    lr: Positive
    seed: Seed


class Classifier(nn.Module):
    """conv-pool until 4 to 7 pixels are left, dense features, class logits."""

    def __init__(self, params: ClassifierParams, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, size, width = shape[0], shape[1], params.width
        layers: list[nn.Module] = []
        while True:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            layers += [nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            channels, size = 2 * width, size // 2
            if size <= 7:
                break
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * size * size, params.features), nn.ReLU())
        self.head = nn.Linear(params.features, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 images to features (N, d) and logits (N, classes)."""
        features = self.body(images.float() / 127.5 - 1)
        return features, self.head(features)


def fit(data: Prepared, params: ClassifierParams, device: torch.device, out: Path) -> dict[str, Any]:
    """Train, write `classifier.safetensors`, and return the accuracy on the test split."""
    with initialised_by(params.seed, "classifier"):
        net = Classifier(params, data.shape, data.classes).to(device)
    optimizer = eager(torch.optim.Adam)(net.parameters(), lr=params.lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3 * params.lr, params.steps)
    images, labels = torch.from_numpy(data.train).to(device), torch.from_numpy(data.train_labels).to(device)
    rng = stream(params.seed, "classifier order", device)
    for _ in range(params.steps):
        now = torch.randint(len(images), (params.batch,), generator=rng, device=device)
        loss = cross_entropy(net(images[now])[1], labels[now])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    save_weights(net, out / "classifier.safetensors")
    _, predicted = reader(net, device)(data.test)
    return {
        "accuracy": float((predicted == data.test_labels).mean()),
        "features": params.features,
        "train": len(images),
        "test": len(data.test),
    }


def reader(net: nn.Module, device: torch.device) -> Features:
    """The function from uint8 images (N, C, H, W) to features (N, d) and predicted classes (N,)."""

    @torch.no_grad()
    def features(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        net.eval()
        parts = [net(torch.from_numpy(images[i : i + CHUNK]).to(device)) for i in range(0, len(images), CHUNK)]
        found = (
            torch.cat([f for f, _ in parts]).cpu().numpy(),
            torch.cat([y.argmax(1) for _, y in parts]).cpu().numpy(),
        )
        net.train()
        return found

    return features


def load(folder: Path, params: ClassifierParams, data: Prepared, device: torch.device) -> Features:
    """The trained network of this folder as a feature function."""
    net = Classifier(params, data.shape, data.classes)
    net.load_state_dict(load_file(folder / "classifier.safetensors"))
    return reader(net.to(device), device)
