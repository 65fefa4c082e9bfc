"""A Gaussian mixture by maximum likelihood (Dempster, Laird and Rubin 1977), fitted by scikit-learn; no network."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.batches import Batches
from ganpipe.networks.generators.gmm import GMMGenerator, Mixture
from ganpipe.parts import Count, Positive
from ganpipe.utils.rng import make_rng

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape


class GMM(Algorithm):
    """Expectation maximisation on the whole training data; the variant's `steps` count its iterations.

    reg_covar: added to the diagonal of every covariance, in the networks' space squared; it keeps components of few
    samples, and pixels that never change, from collapsing. Where it is not small beside the variances the likelihood
    may fall a little. n_init: initial clusterings by k-means, the best of which is used.
    """

    kind: Literal["gmm"]
    reg_covar: Positive
    n_init: Count
    is_adversarial: ClassVar[bool] = False
    supports_pretraining: ClassVar[bool] = False
    trained_networks: ClassVar[frozenset[NetworkName]] = frozenset()
    requires_generator: ClassVar[str | None] = "gmm"
    requires_normal_latent: ClassVar[bool] = True

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return GMMTrainer(self, variant, shape, runtime, seed)


class GMMTrainer(Trainer):
    """Each step is one iteration on all training samples, so `batch` and the optimizers have no effect.

    Maximum likelihood is min KL(p_data || p_theta) (Goodfellow 2016, arXiv 1701.00160, equation 4). The steps one
    after another are one run of scikit-learn's EM. There is nothing to average: `ema` is the same mixture as `raw`.
    """

    def __init__(self, algorithm: GMM, variant: Variant, shape: Shape, runtime: Runtime, seed: int) -> None:
        from sklearn.mixture import GaussianMixture

        generator = variant.generator
        assert isinstance(generator, GMMGenerator)
        self.runtime = runtime
        self.mixture = generator.build(variant.latent.size, shape).to(runtime.device)
        self.model = GaussianMixture(
            generator.components,
            covariance_type=generator.covariance,
            reg_covar=algorithm.reg_covar,
            max_iter=1,
            n_init=algorithm.n_init,
            init_params="kmeans",
            random_state=make_rng(seed, "mixture", "cpu").initial_seed() % 2**32,
            warm_start=True,  # each fit continues from the last one
        )
        self.generators = {"raw": self.mixture, "ema": self.mixture}
        self.saved_networks, self.loss_state = {}, {}
        self._data = np.empty((0, 0))

    def train_step(self, batches: Batches) -> Metrics:
        """generator_loss: minus the mean log-likelihood in nats per sample, of the mixture before the iteration.

        Raises ValueError where there are fewer samples than components.
        """
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits

        if not len(self._data):
            self._data = np.concatenate([_flat(x) for x in batches.all_samples()])
        # the number of threads shows in the bits of a sum
        with threadpool_limits(self.runtime.threads), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one iteration at a time never converges
            self.model.fit(self._data)
        return {"generator_loss": torch.tensor(-self.model.lower_bound_, dtype=torch.float32)}

    def held_out_metrics(self, real: Tensor) -> Metrics:
        """held_out_loss: the same for samples that are not in the training data, after the iteration."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(self.runtime.threads):
            return {"held_out_loss": torch.tensor(-self.model.score(_flat(real)), dtype=torch.float32)}

    def prepare_for_sampling(self, batches: Batches) -> None:
        """Copy the fitted weights, means and covariances into the generator."""
        assert isinstance(self.mixture, Mixture)
        fitted = (self.model.weights_, self.model.means_, self.model.covariances_)
        self.mixture.set_parameters(*(torch.from_numpy(array) for array in fitted))

    def state_dict(self) -> dict[str, Any]:
        fitted = {name: value for name, value in vars(self.model).items() if name.endswith("_")}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in fitted.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self.model).update(state_dict)


def _flat(x: Tensor) -> Any:
    """(N, *shape) to (N, D), float64."""
    return x.flatten(1).cpu().double().numpy()
