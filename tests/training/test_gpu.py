"""Trainings on a GPU: every variant's step, precisions, the same bits again, resuming, and no wait within a step.

`benchmarks/gpu.sh` runs them, and the benchmark of a step, on a machine with a GPU of NVIDIA.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.nn.functional import conv2d
from training_cases import PARAMS, ROWS, RUNTIME, SPACES, build, digits, points, same, variant, weights

from ganpipe.batches import Batches, DataTransform
from ganpipe.pipeline.specs import resolve_runtime
from ganpipe.training.loop import configure
from ganpipe.training.sampling import Sampler
from ganpipe.utils.state import from_bytes, to_bytes

DEVICE = "cuda"
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # is read once, before the first product
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU with CUDA here"),
]
# networks and losses of several kinds; the first three are without convolutions only where the data are points
SOME = ("rpgan", "wgan_gp", "sngan", "sagan", "progressive", "began", "vae")


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)
    configure(RUNTIME)


def training(row: str, **runtime: Any) -> tuple[Any, Batches, Sampler]:
    """A small trainer of the variant on the GPU, batches of data that it is for, and what draws samples."""
    for space, (form, _, shape) in SPACES.items():
        chosen = variant(row, space)
        if chosen.incompatibility(shape) is None:
            data = points() if form == "points" else digits()
            transform = DataTransform(form, data.scale)
            device = torch.device(DEVICE)
            batches = Batches(data.train, chosen.batch, transform, 0, "order", device)
            sampler = Sampler(chosen.latent, transform, 0, chosen.batch, device)
            return build(chosen, shape, 5, device=DEVICE, **runtime), batches, sampler
    return pytest.skip("it is for larger images")


def every(at: Any) -> int:
    """Steps until both networks had one."""
    return getattr(getattr(at, "algorithm", None), "critic_steps", 1)


def networks(at: Any) -> dict[str, torch.Tensor]:
    found = at.generators | at.saved_networks
    return {f"{name} {key}": value for name, net in found.items() for key, value in weights(net).items()}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("row", PARAMS["variants"])
def test_a_step_of_every_network(row: str, precision: str) -> None:
    at, batches, sampler = training(row, precision=precision)
    before = networks(at)
    for _ in range(every(at)):
        metrics = at.train_step(batches)
        assert all(value.isfinite() and value.shape == () for value in metrics.values())
    at.prepare_for_sampling(batches)
    after = networks(at)
    changed = {key.split()[0] for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed == set(at.generators | at.saved_networks)
    assert all(value.device.type == DEVICE and value.isfinite().all() for value in after.values())
    for net in at.generators.values():
        assert len(sampler.sample(net, 5, "test")) == 5


def test_float32_is_float32_and_tf32_is_not() -> None:
    """The error of a product and of a convolution, against float64, over the largest value."""
    rng = torch.Generator(DEVICE).manual_seed(0)
    x, w = (torch.randn(shape, generator=rng, device=DEVICE) for shape in ((32, 64, 32, 32), (64, 64, 3, 3)))
    a, b = (torch.randn(512, 512, generator=rng, device=DEVICE) for _ in range(2))

    def errors() -> list[float]:
        pairs = ((conv2d(x, w), conv2d(x.double(), w.double())), (a @ b, a.double() @ b.double()))
        return [float((one - exact).abs().max() / exact.abs().max()) for one, exact in pairs]

    configure(RUNTIME)
    assert max(errors()) < 1e-5
    if torch.cuda.is_tf32_supported():
        configure(RUNTIME.model_copy(update={"precision": "tf32"}))
        assert min(errors()) > 1e-5


def test_auto_takes_the_gpu_and_its_bfloat16_units() -> None:
    found = resolve_runtime(RUNTIME.model_copy(update={"device": "auto", "precision": "auto"}))
    assert found.device == "cuda"
    assert (found.precision == "bfloat16") == (torch.cuda.get_device_capability()[0] >= 8)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("row", SOME)
def test_deterministic_trainings_have_the_same_bits_resumed_or_not(row: str, precision: str) -> None:
    configure(RUNTIME.model_copy(update={"device": DEVICE, "deterministic": True}))
    runs = []
    for stop in (None, 3):
        at, batches, _ = training(row, precision=precision, deterministic=True)
        for step in range(6):
            if step == stop:  # all that is left is in the bytes
                state = from_bytes(to_bytes({"trainer": at.state_dict(), "batches": batches.state_dict()}))
                at, batches, _ = training(row, precision=precision, deterministic=True)
                at.load_state_dict(state["trainer"])
                batches.load_state_dict(state["batches"])
            at.train_step(batches)
        runs.append(networks(at))
    assert same(*runs)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.startswith("unrolled")])
def test_no_step_waits_for_the_gpu(row: str) -> None:
    """An unrolled critic reads the number of its optimizer's steps, once for each weight."""
    at, batches, _ = training(row)
    for _ in range(2 * every(at)):
        at.train_step(batches)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(every(at)):
            at.train_step(batches)
    finally:
        torch.cuda.set_sync_debug_mode("default")
