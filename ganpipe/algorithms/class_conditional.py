"""A GAN of classes (Mirza and Osindero 2014, conditional GAN, arXiv 1411.1784): both networks get the label.

How the critic takes it in is `critic_conditioning`, beside the variant's objective and penalties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ganpipe.algorithms import Algorithm, Metrics, NetworkName, Trainer, Weights
from ganpipe.algorithms._labels import LabelledGenerator
from ganpipe.algorithms._steps import attach_constraints, autocast
from ganpipe.algorithms.adversarial import GANTrainer, plain_gan
from ganpipe.batches import Batches
from ganpipe.critic import CriticBatch, CriticFunction
from ganpipe.networks._conditional_norm import ConditionalGenerator
from ganpipe.networks.conditioning import CriticConditioning
from ganpipe.parts import Choice, Count
from ganpipe.utils.errors import UserError
from ganpipe.utils.rng import sample_latents

if TYPE_CHECKING:
    from ganpipe.config.variant import Runtime, Variant
    from ganpipe.networks import Shape

MAX_CLASSES = 100
REMEDY = "use digits, an image_folder with a sub-folder for each class, or other images of 2 to 100 classes"


class ClassConditional(Algorithm):
    """critic_steps: updates of the critic before each update of the generator.

    critic_conditioning: how the critic takes in the label. generator_conditioning: the one-hot label behind the noise
    (`concatenation`), or a gain and a bias of its own for each class in every batch norm (`batch_norm`, Miyato and
    Koyama 2018, arXiv 1802.05637). classes: null, for as many as the data have; the number stands in the files of
    trained generators. Generated samples have the labels of the real ones that they are compared with.
    """

    kind: Literal["class_conditional"]
    critic_steps: Count
    critic_conditioning: Annotated[CriticConditioning, Choice("ganpipe.networks.conditioning")]
    generator_conditioning: Literal["concatenation", "batch_norm"]
    classes: Annotated[int, Field(ge=2, le=MAX_CLASSES)] | None
    is_conditional: ClassVar[bool] = True
    takes_labels: ClassVar[bool] = True
    supports_pretraining: ClassVar[bool] = False
    supports_augmentation: ClassVar[bool] = True
    requires_normal_latent: ClassVar[bool] = True

    def incompatibility(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) == 3 else f"it trains on class labels, which points have not; {REMEDY}"

    def label_incompatibility(self, classes: int) -> str | None:
        if 2 <= classes <= MAX_CLASSES:
            return None
        found = "only one class" if classes < 2 else f"{classes} classes"
        return f"it trains on the labels of 2 to {MAX_CLASSES} classes, the data have {found}; {REMEDY}"

    def for_classes(self, classes: int) -> ClassConditional:
        reason = self.label_incompatibility(classes)
        if not reason and self.classes not in (None, classes):
            reason = f"`algorithm.classes` is {self.classes}, the data have {classes}; use null"
        if reason:
            raise UserError(f"The algorithm {self.kind} makes no sense on these data: {reason}.")
        return self.model_copy(update={"classes": classes})

    @property
    def num_classes(self) -> int:
        """Those of the data, once `for_classes` has said them."""
        if self.classes is None:
            raise TypeError("the number of classes is not known yet: see `for_classes`")
        return self.classes

    def trainer(
        self, variant: Variant, shape: Shape, runtime: Runtime, seed: int, pretrained: Weights | None
    ) -> Trainer:
        return ClassConditionalTrainer(self, variant, shape, runtime, seed)

    def build_generator(self, variant: Variant, shape: Shape) -> nn.Module:
        labelled = self.build_labelled(variant, shape)
        attach_constraints(variant, {"generator": labelled})
        return LabelledGenerator(self.num_classes, labelled)

    def build_labelled(self, variant: Variant, shape: Shape) -> nn.Module:
        """Noise (N, latent.size - 1) and one-hot labels (N, classes) to samples (N, *shape)."""
        noise = variant.latent.size - variant.condition_latent
        if self.generator_conditioning == "batch_norm":
            return ConditionalGenerator(variant.generator.build(noise, shape), self.num_classes)
        return variant.generator.build_translator(noise, (self.num_classes,), shape)


class ClassConditionalTrainer(GANTrainer):
    """A GANTrainer whose networks are functions of the label, too."""

    def __init__(
        self, algorithm: ClassConditional, variant: Variant, shape: Shape, runtime: Runtime, seed: int
    ) -> None:
        self.conditional = algorithm
        super().__init__(plain_gan(algorithm.critic_steps), variant, shape, runtime, seed, None)
        networks = {"raw": self.generator, "ema": self.ema}
        self.labelled = {
            name: LabelledGenerator(algorithm.num_classes, net).to(runtime.device) for name, net in networks.items()
        }
        self.generators = {**self.labelled}

    def build_generator(self, shape: Shape) -> nn.Module:
        return self.conditional.build_labelled(self.variant, shape)

    def build_critic(self, shape: Shape) -> nn.Module:
        return self.conditional.critic_conditioning.build(self.variant.critic, shape, self.conditional.num_classes)

    def generate(self, n: int, labels: Tensor | None = None) -> Tensor:
        """G(z, y) for n new latents z and labels y (n,): (n, *shape), float32."""
        z = sample_latents(self.variant.latent, n, self.latent_rng)[:, self.variant.condition_latent :]
        with autocast(self.runtime):
            fake: Tensor = self.generator(z, self._one_hot(labels))
        return fake.float()

    def critic_given(self, labels: Tensor | None) -> CriticFunction:
        """D(x, y) as a function of N samples x, or of 2 N of which both halves have the labels y (N,)."""
        encoded = self._one_hot(labels)
        return lambda x: self.critic(x, encoded.repeat(len(x) // len(encoded), 1))

    def penalties(
        self, network: NetworkName, critic: CriticFunction, batch: CriticBatch, labels: Tensor | None
    ) -> Metrics:
        terms = super().penalties(network, critic, batch, labels)
        assert labels is not None
        return terms | self.conditional.critic_conditioning.terms(network, batch, labels)

    def _one_hot(self, labels: Tensor | None) -> Tensor:
        assert labels is not None
        return one_hot(labels, self.conditional.num_classes).float()

    def prepare_for_sampling(self, batches: Batches) -> None:
        """Tell the generators how often each class is among the training data: so often it is among the samples."""
        for generator in self.labelled.values():
            if batches.labels is not None:
                generator.stage1.fill(batches.labels)
