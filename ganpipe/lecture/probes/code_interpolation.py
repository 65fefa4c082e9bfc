"""Between codes: an autoencoder's decoder against a VAE's (Kingma and Welling 2014, arXiv 1312.6114).

Both have the same networks and codes of 8 numbers. Codes of pairs of test digits of different classes are joined by a
line; what is decoded on it is compared with the nearest digit of all.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from ganpipe.algorithms._encoder_decoder import EncoderDecoder
from ganpipe.lecture.probe import ProbeResult, axes
from ganpipe.lecture.probes._autoencoders import codes, train
from ganpipe.lecture.probes._digits import distance_to, load
from ganpipe.utils.rng import make_rng

SEEDS = range(5)
SHARES = torch.linspace(0, 1, 9)
KINDS: dict[Literal["autoencoder", "vae"], str] = {"autoencoder": "autoencoder", "vae": "VAE"}


def run() -> ProbeResult:
    """For each, one for each seed: <kind>_middle, the distance of the middle of the line to the nearest digit (root
    mean square over pixels in [-1, 1]), and <kind>_ratio, the same over the distance at the ends of the line."""
    images = load()
    data = torch.cat([images.train, images.test])
    curves: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    strips: dict[str, Tensor] = {}
    for seed in SEEDS:
        first, second = pairs(images.test_labels, seed)
        for kind in KINDS:
            net = train(kind, images.train, seed)
            lines = decode(net, codes(net, images.test), first, second)
            curves[kind].append([float(distance_to(data, step).mean()) for step in lines])
            if seed == 0:
                strips[kind] = lines[:, :4]
    figure, (left, *panels) = axes(3, width=3.4, height=2.8)
    for i, (kind, label) in enumerate(KINDS.items()):
        for seed, curve in enumerate(curves[kind]):
            left.plot(SHARES, curve, color=f"C{i}", lw=1.2, label=None if seed else label)
        show(panels[i], strips[kind], label)
    left.set(xlabel="share of the way between two codes", ylabel="distance to the nearest digit", ylim=(0, None))
    left.legend(frameon=False, fontsize="small", loc="lower center")
    values: dict[str, Any] = {f"{kind}_ratio": [c[4] / ((c[0] + c[-1]) / 2) for c in curves[kind]] for kind in KINDS}
    values |= {f"{kind}_middle": [c[4] for c in curves[kind]] for kind in KINDS}
    rows = [
        (seed, float(s), *(curves[kind][seed][i] for kind in KINDS)) for seed in SEEDS for i, s in enumerate(SHARES)
    ]
    return ProbeResult(values, ["seed", "share", *KINDS], rows, figure)


def pairs(labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of 300 pairs of different classes."""
    rng = make_rng(seed, "pairs", "cpu")
    first, second = torch.randint(len(labels), (2, 600), generator=rng)
    differ = labels[first] != labels[second]
    return first[differ][:300], second[differ][:300]


@torch.no_grad()
def decode(net: EncoderDecoder, code: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Images (9, pairs, 1, 8, 8) along the lines."""
    return torch.stack([net.decoder((1 - s) * code[first] + s * code[second]) for s in SHARES])


def show(axis: Any, lines: Tensor, title: str) -> None:
    """A row of images for each pair."""
    steps, n = lines.shape[:2]
    tiles = lines[:, :, 0].permute(1, 2, 0, 3).reshape(n * 8, steps * 8)
    axis.imshow(np.asarray(tiles), cmap="gray", vmin=-1, vmax=1)
    axis.set(xticks=[], yticks=[], title=title)
    axis.grid(False)
