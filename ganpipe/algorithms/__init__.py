"""Algorithms: how the networks are trained. A file holds the parameters of one algorithm and its training step.

Each `Algorithm` builds a `Trainer`, which the loop (`ganpipe.training.loop`) steps.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from torch import Tensor, nn

from ganpipe.parts import Part

if TYPE_CHECKING:
    from ganpipe.batches import Batches
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape

NetworkName = Literal["critic", "generator"]
Metrics = dict[str, Tensor]
"""Scalars by name, each of shape (), on whatever device."""
Weights = dict[str, Tensor]
"""The state dict of a network: its parameters and buffers by name."""


class Trainer(Protocol):
    """The state of one training, and its step.

    generators: what samples are drawn from: `raw`, the trained weights, and `ema`, their moving average.
    saved_networks: the other networks to save, by the names of their files. loss_state: what the objective and
    the penalties keep from step to step (BEGAN's k), saved beside the networks.
    """

    generators: dict[str, nn.Module]
    saved_networks: dict[str, nn.Module]
    loss_state: dict[str, Tensor]

    def train_step(self, batches: Batches) -> Metrics:
        """One of the variant's `steps`. Returns what the history records."""
        ...

    def prepare_for_sampling(self, batches: Batches) -> None:
        """Called before samples are drawn: fit what the generators need of the data. Nothing by default."""
        return

    def held_out_metrics(self, real: Tensor) -> Metrics:
        """Metrics of samples (N, *shape) that the training does not see, for each row of the history."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that a later step reads: a training that is resumed from it ends with the same bits."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


class Algorithm(Part):
    """The parameters of an algorithm, and what the rules on combinations ask of it.

    is_adversarial: whether it is adversarial: it needs an objective and a critic. trained_networks: the networks that
    it trains by gradient steps. requires_generator, requires_critic: the one kind of generator, and of critic, that it
    requires; None: any. requires_normal_latent: it requires latents from N(0, 1). uses_input_gradient: it takes
    dD/dx, the gradient of the critic at each sample, so no layer of the critic may mix the samples of a batch.
    climbs_score: its samples climb the critic's score. is_conditional: its generator is conditional. takes_labels: the
    condition is the class of a sample; else it may come from an earlier training (`stage1`). supports_pretraining: it
    supports pre-training of the critic on single real samples. supports_augmentation: its critic sees samples through
    the variant's augmentation.
    """

    is_adversarial: ClassVar[bool] = True
    trained_networks: ClassVar[frozenset[NetworkName]] = frozenset({"critic", "generator"})
    requires_generator: ClassVar[str | None] = None
    requires_critic: ClassVar[str | None] = None
    requires_normal_latent: ClassVar[bool] = False
    uses_input_gradient: ClassVar[bool] = False
    climbs_score: ClassVar[bool] = False
    is_conditional: ClassVar[bool] = False
    takes_labels: ClassVar[bool] = False
    supports_pretraining: ClassVar[bool] = True
    supports_augmentation: ClassVar[bool] = False

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        """Why it cannot be used with samples of this shape; None where it can."""
        return None

    def label_incompatibility(self, classes: int) -> str | None:
        """Why it cannot be used with data of so many classes; None where it can."""
        return None

    def for_classes(self, classes: int) -> Algorithm:
        """The algorithm for data of so many classes. Raises UserError where it cannot be used with them."""
        return self

    def condition_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the condition for samples of this shape, where the generator is conditional."""
        raise NotImplementedError

    @abstractmethod
    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        """A trainer on the runtime's device. pretrained: weights that an earlier training left, of the critic or of
        the generator of conditions."""

    def build_generator(self, variant: Variant, shape: Shape) -> nn.Module:
        """The untrained module whose weights are saved as `generator.safetensors`: for `ganpipe sample`."""
        generator = variant.generator.build(variant.latent.size, shape)
        for constraint in variant.constraints:
            if constraint.network == "generator":
                constraint.attach(generator)
        return generator
