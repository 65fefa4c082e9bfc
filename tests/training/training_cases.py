"""Small variants of every variant of params.yaml on every form of data, and their trainers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganpipe.algorithms import Weights
from ganpipe.batches import Batch, Batches, DataTransform
from ganpipe.config.overlay import merge, merged, read_project
from ganpipe.config.variant import Runtime, Variant
from ganpipe.networks import Shape
from ganpipe.prepared import PreparedDataset

PARAMS = read_project(Path(__file__).resolve().parents[2] / "params.yaml")
CPU = torch.device("cpu")
RUNTIME = Runtime(device="cpu", threads=1, precision="float32", deterministic=False)
# form and data set of params.yaml, and the shape of a sample: digits as convolutions and as variants of numbers see
# them
SPACES = {
    "convolutions": ("images", "", (1, 8, 8)),
    "digits": ("images", "digits", (1, 8, 8)),
    "points": ("points", "ring", (2,)),
}
FEW = {
    "batch": 8,
    "steps": 20,
    "num_samples": 100,
    "log_every": 5,
    "sample_grid_every": 10,
    "snapshots": {"count": 2, "num_samples": 100},
}

every_space = pytest.mark.parametrize("space", SPACES)


def small(network: Any) -> Any:
    """The network's parameters with a width of 8 wherever they have one, in the members of an ensemble too."""
    if not isinstance(network, dict):
        return network
    return {key: 8 if key == "width" else small(value) for key, value in network.items()}


def _kinds(value: Any) -> tuple[Any, ...]:
    """The kinds of all parts in a variant, in order; a number of several variants with the same parts is left out."""
    if isinstance(value, dict):
        return (value.get("kind"), value.get("network"), *(_kinds(part) for part in value.values()))
    return tuple(map(_kinds, value)) if isinstance(value, list) else ()


def _different() -> list[str]:
    """The variants that are a GAN, critic and generator in turn, on any data, one for each combination of parts."""
    found: dict[Any, str] = {}
    for row in PARAMS["variants"]:
        whole = merged(PARAMS["train"], PARAMS["variants"][row], "points", "ring")
        turns = whole["algorithm"]
        if turns["kind"] != "adversarial" or 8 % turns["pack"] or Variant.model_validate(whole).incompatibility((2,)):
            continue
        switches = (turns["critic_steps"], turns["pack"], turns["unroll_steps"], turns["instance_noise"])
        parts = [whole[axis] for axis in ("objective", "penalties", "constraints", "generator", "critic", "latent")]
        names = (
            turns["dynamics"],
            whole["generator_optimizer"]["kind"],
            turns["lookahead"] is None,
            turns["top_k"] == 1,
        )
        found.setdefault((_kinds(parts), *names, *(switch > 1 or 0 < switch < 1 for switch in switches)), row)
    return list(found.values())


ROWS = _different()
# one variant of each other algorithm, and those of GANs with a state of their own
OTHER_ROWS = list({row["algorithm"]["kind"]: name for name, row in PARAMS["variants"].items() if "algorithm" in row and
                   row["algorithm"].get("kind", "adversarial") != "adversarial"}.values())  # fmt: skip


def variant(row: str, space: str, **changes: Any) -> Variant:
    """The variant of params.yaml with narrow networks, small batches and few steps, and these changes."""
    form, data, _ = SPACES[space]
    whole = merged(PARAMS["train"], PARAMS["variants"][row], form, data)
    kind = whole["algorithm"]["kind"]
    tiny: dict[str, Any] = FEW | {network: small(whole[network]) for network in ("generator", "critic")}
    if kind == "adversarial":
        tiny |= {"latent": {"size": 6}}
    elif kind not in ("gmm", "ebm", "flow_matching"):  # their latents have a number for each feature
        tiny |= {"latent": {"size": 24}}
    if whole["stage1"]:
        networks = {network: small(whole["stage1"][network]) for network in ("generator", "critic")}
        tiny |= {"stage1": FEW | networks | {"latent": {"size": 5}}}
    if kind == "pix2pix":
        tiny |= {"algorithm": {"num_conditions": 20}}
    if kind == "class_conditional":
        tiny |= {"algorithm": {"classes": 10}}
    if kind == "progressive":
        tiny |= {"algorithm": {"phases": [phase | {"batch": 8} for phase in whole["algorithm"]["phases"]]}}
    if kind == "gmm":
        tiny["generator"] |= {"components": 3}
    if whole["generator"]["kind"] == "ensemble" or whole["algorithm"].get("pack", 1) == 3:
        tiny |= {"batch": 12}
    return Variant.model_validate(merge(merge(whole, tiny), changes))


def build(chosen: Variant, shape: Shape, seed: int = 0, pretrained: Weights | None = None, **runtime: Any) -> Any:
    """The trainer of a variant."""
    return chosen.algorithm.trainer(chosen, shape, RUNTIME.model_copy(update=runtime), seed, pretrained)


def trainer(row: str, space: str, seed: int = 0, **changes: Any) -> Any:
    return build(variant(row, space, **changes), SPACES[space][2], seed)


def real_batch(space: str, n: int = 8, seed: int = 0) -> Tensor:
    """Random samples (n, *shape) in the networks' space; images are black and white."""
    shape = SPACES[space][2]
    x = torch.rand((n, *shape), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return x.round() if len(shape) == 3 else x


class RandomBatches:
    """A different random batch at each step."""

    def __init__(self, space: str, n: int = 8) -> None:
        self.space, self.n, self.count = space, n, 0

    def __next__(self) -> Batch:
        self.count += 1
        return Batch(real_batch(self.space, self.n, self.count))


def real_batches(space: str, n: int = 8, seed: int = 0) -> Batches:
    """Batches of the digits, or of points."""
    data = points() if SPACES[space][0] == "points" else digits()
    labels = data.train_labels if data.classes > 1 else None
    return Batches(data.train, n, DataTransform(data.form, data.scale), seed, "order", CPU, labels)


def parameters(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in net.named_parameters()}


def weights(net: nn.Module) -> dict[str, Tensor]:
    """A copy of parameters and buffers."""
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Bit for bit."""
    assert list(a) == list(b)
    return all(torch.equal(a[name], b[name]) for name in a)


def inputs_of(net: nn.Module) -> list[Tensor]:
    """The inputs of the network's forward passes from now on."""
    seen: list[Tensor] = []
    net.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach().clone()))
    return seen


def bare(space: str, norm: str = "none", output: str = "score", **more: Any) -> dict[str, Any]:
    """Changes of a variant: a small critic with this norm, no penalties, no constraints."""
    critic = {
        "kind": "mlp",
        "width": 8,
        "depth": 2,
        "norm": norm,
        "output": output,
        "first_layer_scale": 1.0,
        "bias_spread": 0.0,
    }
    if space == "convolutions":
        critic = {"kind": "dcgan", "width": 4, "norm": norm, "output": output}
    return {"critic": critic, "penalties": [], "constraints": [], "algorithm": {"critic_steps": 1}, **more}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@cache
def digits() -> PreparedDataset:
    from sklearn.datasets import load_digits

    source = load_digits()
    images = np.rint(source.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = source.target.astype(np.int64)
    return PreparedDataset(images[:1000], labels[:1000], images[1000:1200], labels[1000:1200], classes=10)


def points() -> PreparedDataset:
    rng = np.random.default_rng(0)
    x = (5 * rng.standard_normal((600, 2))).astype(np.float32)
    labels = np.zeros(600, np.int64)
    return PreparedDataset(x[:500], labels[:500], x[500:], labels[500:], 1, 5.0, np.zeros((1, 2)), 5.0)
