"""The autoencoder: the Gaussian of its codes, and principal components as the optimum of a linear one."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn
from training_cases import CPU, PARAMS, build, digits

from ganpipe.algorithms.autoencoder import GaussianCodes
from ganpipe.batches import Batches, DataTransform
from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant
from ganpipe.training.sampling import Sampler

MLP = {"kind": "mlp", "width": 8, "depth": 1, "norm": "none"}
ROW: dict[str, Any] = {
    **{"title": "Autoencoder", "objective": {"kind": "none"}, "critic": {"kind": "none"}, "latent": {"size": 3}},
    "generator_optimizer": {"lr": 0.01, "betas": [0.9, 0.99]},
    "generator": MLP,
    "algorithm": {"kind": "autoencoder", "encoder": MLP},
}


def trainer(shape: tuple[int, ...], **changes: Any) -> Any:
    whole = merge(merged(PARAMS["train"], ROW, "images" if len(shape) == 3 else "points", ""), changes)
    return build(Variant.model_validate(whole), shape)


def linear(at: Any, features: int) -> Any:
    """The same with one linear map each way."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        latent = at.variant.latent.size
        at.net.encoder, at.net.decoder = nn.Linear(features, latent), nn.Linear(latent, features)
    at.ema = copy.deepcopy(at.net).requires_grad_(False)
    at.optimizer = at.variant.generator_optimizer.build(at.net.parameters())
    at.gaussian, at.gaussian_ema = GaussianCodes(at.net.decoder, latent), GaussianCodes(at.ema.decoder, latent)
    at.generators = {"raw": at.gaussian, "ema": at.gaussian_ema}
    return at


def cloud(n: int, features: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Points with correlated features of different spread, away from 0."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((features, features))
    return (rng.standard_normal((n, features)) @ mixing + rng.standard_normal(features)).astype(np.float32)


def batches(data: np.ndarray[Any, Any], batch: int = 64) -> Batches:
    return Batches(data, batch, DataTransform("images" if data.ndim == 4 else "points", 1.0), 0, "order", CPU)


def encoded(net: nn.Module, data: np.ndarray[Any, Any]) -> Tensor:
    """The codes of all the data, in evaluation mode."""
    net.eval()
    with torch.no_grad():
        codes: Tensor = net(torch.cat(list(batches(data).all_samples())))
    net.train()
    return codes


def test_the_gaussian_has_the_mean_and_the_covariance_of_the_codes() -> None:
    codes = torch.from_numpy(cloud(500, 4))
    coded = GaussianCodes(nn.Identity(), 4)
    coded.fit(codes)
    torch.testing.assert_close(coded.mean, codes.mean(0))
    expected = torch.from_numpy(np.cov(codes.numpy().T).astype(np.float32))
    torch.testing.assert_close(coded.root @ coded.root.T, expected, atol=1e-4, rtol=1e-4)
    made = coded(torch.randn(200_000, 4, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(made.mean(0), codes.mean(0), atol=0.02, rtol=0.02)
    torch.testing.assert_close(made.T.cov(), expected, atol=0.05, rtol=0.02)


@pytest.mark.parametrize("size", [1, 3])
def test_codes_that_never_change_have_a_gaussian_too(size: int) -> None:
    codes = torch.randn(100, size, generator=torch.Generator().manual_seed(0))
    codes[:, -1] = 2.0
    coded = GaussianCodes(nn.Identity(), size)
    coded.fit(codes)
    made = coded(torch.randn(50, size))
    assert made.isfinite().all()
    torch.testing.assert_close(made[:, -1], torch.full((50,), 2.0), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(coded.root @ coded.root.T, codes.T.cov().reshape(size, size))


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("form", ["points", "images"])
def test_settling_fits_each_gaussian_to_the_codes_of_its_own_encoder(form: str, norm: str) -> None:
    data = digits().train[:300] if form == "images" else cloud(300, 2)
    at = trainer(data.shape[1:], algorithm={"encoder": {"norm": norm}}, ema=0.9)
    real = batches(data)
    for _ in range(5):
        at.train_step(real)
    at.prepare_for_sampling(real)
    found = {}
    for name, pair in (("raw", at.net), ("ema", at.ema)):
        found[name] = encoded(pair.encoder, data)
        coded = at.generators[name]
        assert coded.decoder is pair.decoder
        torch.testing.assert_close(coded.mean, found[name].mean(0), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(coded.root @ coded.root.T, found[name].T.cov(), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(found["raw"], found["ema"], atol=1e-3)


def test_the_average_encoder_has_standing_statistics_of_the_data() -> None:
    """Those that it copied belong to other weights."""
    data = cloud(5001, 2)  # the last chunk is a single sample, which has no deviation
    at = trainer((2,), algorithm={"encoder": {"norm": "batch"}}, ema=0.5)
    real = batches(data)
    for _ in range(3):
        at.train_step(real)
    at.prepare_for_sampling(real)
    encoder = at.ema.encoder
    layer = next(m for m in encoder.modules() if isinstance(m, nn.BatchNorm1d))
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    encoded(encoder, data[:5000])
    hook.remove()
    assert layer.running_mean is not None
    assert layer.running_var is not None
    torch.testing.assert_close(layer.running_mean, seen[0].mean(0), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.running_var, seen[0].var(0), atol=1e-4, rtol=1e-3)


def test_the_loss_is_the_squared_error_per_feature() -> None:
    at, x = trainer((1, 8, 8)), torch.rand(6, 1, 8, 8) * 2 - 1
    error = ((at.net.decoder(at.net.encoder(x)) - x) ** 2).sum() / (6 * 64)
    torch.testing.assert_close(at.losses(x)["generator_loss"], error)


def test_a_linear_autoencoder_reconstructs_as_principal_components_do() -> None:
    """Baldi and Hornik 1989: the optimum of two linear maps is the projection on the first components."""
    data = cloud(2000, 6)
    pca = PCA(3).fit(data)
    best = float(((pca.inverse_transform(pca.transform(data)) - data) ** 2).mean())
    rate = {"lr": {"kind": "linear", "start": 0.03, "end": 0.0, "until": 1.0}}
    at, real = linear(trainer((6,), steps=600, generator_optimizer=rate), 6), batches(data, 500)
    for _ in range(600):
        at.train_step(real)
    x = torch.from_numpy(data)
    with torch.no_grad():
        reached = at.losses(x)["generator_loss"].item()
    assert best - 1e-5 <= reached <= 1.01 * best
    # and then the generator's samples have the mean and covariance of the projected data
    at.prepare_for_sampling(real)
    made = Sampler(at.variant.latent, DataTransform("points", 1.0), 0, 8, CPU).sample(
        at.generators["raw"], 100_000, "test"
    )
    with torch.no_grad():
        projected = at.net.decoder(at.net.encoder(x)).numpy()
    np.testing.assert_allclose(made.mean(0), projected.mean(0), atol=0.05)
    scale = np.abs(np.cov(projected.T)).max()
    np.testing.assert_allclose(np.cov(made.T), np.cov(projected.T), atol=0.02 * scale)
