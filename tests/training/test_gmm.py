"""The Gaussian mixture: scikit-learn's own fit step by step, and a generator that has its moments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from sklearn.mixture import GaussianMixture
from torch import Tensor
from training_cases import CPU, PARAMS, build, digits

from ganpipe.batches import Batches, DataTransform
from ganpipe.config.overlay import merge, merged
from ganpipe.config.variant import Variant
from ganpipe.data.ring import Ring
from ganpipe.networks.generators.gmm import LIMIT, GMMGenerator, Mixture
from ganpipe.training.sampling import Sampler
from ganpipe.training.weights import save_weights

TYPES = ("full", "tied", "diag", "spherical")
every_type = pytest.mark.parametrize("covariance", TYPES)
ROW: dict[str, Any] = {
    **{"title": "Mixture", "objective": {"kind": "none"}, "critic": {"kind": "none"}, "latent": {"size": 65}},
    "generator": {"kind": "gmm", "components": 3, "covariance": "full"},
    "algorithm": {"kind": "gmm", "reg_covar": 1e-6, "n_init": 2},
}
DATA = DataTransform("points", 1.0)


def row_of(shape: tuple[int, ...], **changes: Any) -> Variant:
    form = "images" if len(shape) == 3 else "points"
    return Variant.model_validate(merge(merged(PARAMS["train"], ROW, form, ""), changes))


def trainer(shape: tuple[int, ...], seed: int = 0, **changes: Any) -> Any:
    return build(row_of(shape, **changes), shape, seed)


def cloud(n: int = 600, features: int = 3, seed: int = 0) -> NDArray[np.float32]:
    """Three overlapping Gaussians of different size, shape and share."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.standard_normal((k * n // 6, features)) @ rng.standard_normal((features, features)) + 2 * k
        for k in (1, 2, 3)
    ]
    return np.concatenate(parts).astype(np.float32)


def batches(data: NDArray[Any], space: DataTransform = DATA) -> Batches:
    return Batches(data, 8, space, 0, "order", CPU)


def fitted(covariance: str, steps: int = 5, data: NDArray[np.float32] | None = None, **changes: Any) -> Any:
    data = cloud() if data is None else data
    changes = merge({"generator": {"covariance": covariance}}, changes)
    at, real = trainer(data.shape[1:], **changes), batches(data)
    for _ in range(steps):
        at.train_step(real)
    at.prepare_for_sampling(real)
    return at


def full(model: GaussianMixture) -> NDArray[np.float64]:
    """The covariances of scikit-learn's mixture as (K, D, D)."""
    k, d = model.means_.shape
    of_type: dict[str, Any] = {
        "full": lambda c: c,
        "tied": lambda c: np.stack([c] * k),
        "diag": lambda c: np.stack([np.diag(row) for row in c]),
        "spherical": lambda c: np.stack([v * np.eye(d) for v in c]),
    }
    found: NDArray[np.float64] = of_type[model.covariance_type](model.covariances_)
    return found


@every_type
def test_the_steps_are_one_run_of_scikit_learn(covariance: str) -> None:
    """As many iterations from the same beginning lead to the same numbers, bit for bit."""
    at = fitted(covariance, steps=7, algorithm={"n_init": 1})
    whole = GaussianMixture(
        3, covariance_type=covariance, reg_covar=1e-6, max_iter=7, tol=0.0, random_state=at.model.random_state
    )
    with pytest.warns(match="did not converge"):
        whole.fit(cloud().astype(np.float64))
    for name in ("weights_", "means_", "covariances_", "lower_bound_"):
        np.testing.assert_array_equal(getattr(at.model, name), getattr(whole, name))


@every_type
def test_the_generator_holds_the_parameters_of_the_fit(covariance: str) -> None:
    at = fitted(covariance)
    net, model = at.mixture, at.model
    assert isinstance(net, Mixture)
    np.testing.assert_allclose(net.weights, model.weights_, rtol=1e-6)
    np.testing.assert_allclose(net.means, model.means_, rtol=1e-6)
    assert (
        tuple(net.factors.shape)
        == {"full": (3, 3, 3), "tied": (1, 3, 3), "diag": (3, 3), "spherical": (3, 1)}[covariance]
    )
    # with the noise of a unit vector each component moves by a column of its factor
    centres = torch.stack([format_value(net, k, torch.zeros(3)) for k in range(3)])
    np.testing.assert_allclose(centres, model.means_, rtol=1e-6)
    columns = [torch.stack([format_value(net, k, unit) - centres[k] for unit in torch.eye(3)], 1) for k in range(3)]
    found = torch.stack([factor @ factor.T for factor in columns])
    np.testing.assert_allclose(found, full(model), rtol=1e-4, atol=1e-4)


def format_value(net: Mixture, k: int, noise: Tensor) -> Tensor:
    """What the generator makes of this noise in component k, whose share of U(0, 1) has this middle."""
    middle = net.weights.cumsum(0)[k] - net.weights[k] / 2
    z = torch.cat([torch.special.ndtri(middle)[None], noise])[None]
    assert net.component(z).tolist() == [k]
    made: Tensor = net(z)[0]
    return made


@every_type
@pytest.mark.parametrize("size", [3, 2])
def test_samples_have_the_shares_the_mean_and_the_covariance_of_the_mixture(covariance: str, size: int) -> None:
    """As many components as features: one covariance for all has the shape of a diagonal for each."""
    at = fitted(covariance, data=cloud(features=size), generator={"components": size})
    n = 200_000
    z = torch.randn(n, 65, generator=torch.Generator().manual_seed(0))
    model, made, chosen = at.model, at.mixture(z).double().numpy(), at.mixture.component(z).numpy()
    shares = np.bincount(chosen, minlength=size) / n
    np.testing.assert_allclose(shares, model.weights_, atol=4 * 0.5 / n**0.5)
    mean = model.weights_ @ model.means_
    away = model.means_ - mean
    covariances = full(model)
    whole = np.einsum("k,kij->ij", model.weights_, covariances + away[:, :, None] * away[:, None, :])
    tolerance = 5 * np.trace(whole) / n**0.5
    np.testing.assert_allclose(made.mean(0), mean, atol=tolerance)
    np.testing.assert_allclose(np.cov(made.T), whole, atol=tolerance)
    for k in range(size):  # and of each component, for the choice says nothing about the noise
        part = made[chosen == k]
        np.testing.assert_allclose(part.mean(0), model.means_[k], atol=3 * tolerance)
        np.testing.assert_allclose(np.cov(part.T), covariances[k], atol=3 * tolerance)


def test_the_likelihood_rises_and_the_figures_are_it() -> None:
    data, held_out = cloud(), torch.from_numpy(cloud(60, seed=1))
    at, real = trainer((3,)), batches(cloud())
    losses: list[float] = []
    for _ in range(12):
        before = None if not losses else -at.model.score(data.astype(np.float64))
        metrics = at.train_step(real)
        losses.append(metrics["generator_loss"].item())
        if before is not None:
            assert losses[-1] == pytest.approx(before, rel=1e-6)
        held = at.held_out_metrics(held_out)
        assert held["held_out_loss"].item() == pytest.approx(-at.model.score(held_out.double().numpy()), rel=1e-6)
        assert all(value.shape == () and value.dtype == torch.float32 for value in (metrics | held).values())
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1] + 0.01


def test_the_likelihood_is_that_of_the_generator() -> None:
    """Of torch's mixture of the very Gaussians that the generator holds."""
    at = fitted("full")
    net = at.mixture
    assert isinstance(net, Mixture)
    parts = torch.distributions.MultivariateNormal(net.means.double(), scale_tril=net.factors.double())
    shares = torch.distributions.Categorical(net.weights.double())
    density = torch.distributions.MixtureSameFamily(shares, parts)
    x = torch.from_numpy(cloud(60, seed=1))
    expected = -density.log_prob(x.double()).mean().item()
    assert at.held_out_metrics(x)["held_out_loss"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_all_modes_of_the_ring(seed: int) -> None:
    ring = Ring(kind="ring", modes=8, radius=2.0, std=0.02, train=4000, test=100, seed=0).load(Path())
    space = DataTransform("points", ring.scale)
    real, changes = batches(ring.train, space), {"generator": {"components": 8}, "algorithm": {"n_init": 5}}
    at = trainer((2,), seed, **changes)
    for _ in range(5):
        at.train_step(real)
    at.prepare_for_sampling(real)
    made = Sampler(row_of((2,)).latent, space, seed, 8, CPU).sample(at.generators["raw"], 2000, "test")
    assert ring.modes is not None
    distance = np.linalg.norm(made[:, None] - ring.modes[None], axis=2)
    near = distance.min(1) < 3 * 0.02
    assert near.mean() > 0.98
    shares = np.bincount(distance.argmin(1)[near], minlength=8) / len(made)
    np.testing.assert_allclose(shares, 1 / 8, atol=0.03)


@every_type
def test_the_weights_survive_the_disk(covariance: str, tmp_path: Path) -> None:
    at = fitted(covariance)
    save_weights(at.mixture, tmp_path / "generator.safetensors")
    chosen = row_of((3,), generator={"covariance": covariance})
    fresh = chosen.algorithm.build_generator(chosen, (3,))
    fresh.load_state_dict(load_file(tmp_path / "generator.safetensors"))
    z = torch.randn(100, 65, generator=torch.Generator().manual_seed(0))
    assert torch.equal(fresh(z), at.mixture(z))


@every_type
def test_images_are_in_range_and_have_their_shape(covariance: str) -> None:
    data = digits().train[:200]
    at = trainer((1, 8, 8), generator={"covariance": covariance}, algorithm={"reg_covar": 0.5})
    real = batches(data, DataTransform("images", 1.0))
    at.train_step(real)
    at.prepare_for_sampling(real)
    made = at.mixture(torch.randn(50, 65, generator=torch.Generator().manual_seed(0)))
    assert made.shape == (50, 1, 8, 8)
    assert made.min() == -1
    assert made.max() == 1
    # in reading order: the means of the corners, where digits have nothing
    assert (torch.as_tensor(at.model.means_).reshape(3, 8, 8)[:, 0, 0] < -0.9).all()


def test_every_part_of_the_line_belongs_to_a_component() -> None:
    net = Mixture(3, "diag", (2,))
    net.weights.copy_(torch.tensor([0.2, 0.0, 0.8]))
    z = torch.tensor([[-50.0], [-1.0], [-0.8], [0.0], [50.0]])  # Phi^-1(0.2) is -0.84
    assert net.component(z).tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_a_mixture_that_would_not_fit_says_so(shape: tuple[int, ...]) -> None:
    numbers = int(np.prod(shape))
    for covariance, size in (("full", 10 * numbers**2), ("tied", numbers**2), ("diag", 0), ("spherical", 0)):
        part = GMMGenerator(kind="gmm", components=10, covariance=covariance)  # type: ignore[arg-type]
        reason = part.incompatibility(shape)
        assert (reason is None) == (size <= LIMIT)
        if reason:
            assert f"{covariance} covariances of {numbers} features" in reason
            assert "use `covariance: diag`" in reason
        need = part.latent_incompatibility(numbers, shape)
        assert need is not None
        assert f"use latent.size {numbers + 1}" in need
        assert part.latent_incompatibility(numbers + 1, shape) is None
