"""GANs of classes: each way of taking a label in by hand, what a masked label leaves, and samples of a class."""

from __future__ import annotations

from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import one_hot
from training_cases import RUNTIME, build, digits, points, real_batch, real_batches, variant

import ganpipe
from ganpipe.algorithms._labels import ClassLabels, LabelledGenerator
from ganpipe.critic import CriticBatch, CriticOutput
from ganpipe.networks._conditional_norm import ConditionalGenerator
from ganpipe.networks.conditioning.auxiliary_classifier import AuxiliaryClassifier
from ganpipe.prepared import PreparedDataset
from ganpipe.training.grids import draw_grid
from ganpipe.training.loop import TrainingArguments, train
from ganpipe.training.sample import sample_run
from ganpipe.utils.errors import UserError
from ganpipe.utils.rng import seeded_init

ROWS = ("cgan", "acgan", "projection")
SHAPE, CLASSES = (1, 8, 8), 10
LABELS = torch.tensor([3, 0, 9, 3, 7, 1, 1, 2])
NOTHING = torch.zeros(8, CLASSES)
X = real_batch("digits")


R3GAN = {"kind": "r3gan", "width": 8, "cardinality": 1, "blocks": 1, "output": "score"}


def critic_of(row: str, space: str, **changes: Any) -> tuple[Any, Any]:
    """The row's critic without constraints, and that of its network alone with the same initial weights."""
    chosen = variant(row, space, constraints=[], **changes)
    with seeded_init(0, "critic"):
        labelled = chosen.algorithm.critic_conditioning.build(chosen.critic, SHAPE, CLASSES)
    with seeded_init(0, "critic"):
        return labelled, chosen.critic.build(SHAPE)


@pytest.mark.parametrize(
    ("space", "changes"), [("digits", {}), ("convolutions", {}), ("convolutions", {"critic": R3GAN})]
)
def test_the_projection_critic_by_hand(space: str, changes: dict[str, Any]) -> None:
    """Equation 3: y^T V phi(x) + psi(phi(x)); without a label psi(phi(x)) is left, the unconditional critic."""
    labelled, plain = critic_of("projection", space, **changes)
    phi = labelled.features(X)
    rows, last = labelled.embedding.weight.T, labelled.last
    bias = 0 if last.bias is None else last.bias[0]
    expected = torch.stack([rows[y] @ f + last.weight[0] @ f + bias for y, f in zip(LABELS, phi, strict=True)])
    torch.testing.assert_close(labelled(X, one_hot(LABELS, CLASSES).float()).score, expected)
    torch.testing.assert_close(labelled(X, NOTHING).score, plain(X).score)
    assert (labelled(X, one_hot(LABELS, CLASSES).float()).score - plain(X).score).abs().min() > 1e-4


def test_a_concatenated_label_adds_its_weights_to_the_first_layer() -> None:
    labelled, _ = critic_of("cgan", "digits")
    first = labelled.critic.body[1][0]
    inputs: list[Tensor] = []
    first.register_forward_hook(lambda module, args, output: inputs.append(output))
    labelled(X, NOTHING), labelled(X, one_hot(LABELS, CLASSES).float())
    of_a_class = first.weight[:, 64:].reshape(-1, CLASSES, 64).sum(2).T  # a plane of 64 pixels for each class
    torch.testing.assert_close(inputs[1] - inputs[0], of_a_class[LABELS], atol=1e-5, rtol=1e-5)


def test_the_loss_of_ac_gan_by_hand() -> None:
    """P(class 0) is 3/4 at the real sample and 1/5 at the generated one: the label 0 costs log 4/3 and log 5."""
    logits = {1.0: [log(3.0), 0.0], -1.0: [0.0, log(4.0)]}
    batch = CriticBatch(
        torch.ones(1, 1),
        -torch.ones(1, 1),
        lambda x: CriticOutput(x[:, 0], class_logits=torch.tensor([logits[x.item()]])),
    )
    part, label = AuxiliaryClassifier(kind="auxiliary_classifier", weight=2.0), torch.tensor([0])
    assert part.terms("critic", batch, label)["class_loss"].item() == pytest.approx(2 * (log(4 / 3) + log(5)))
    assert part.terms("generator", batch, label)["generator_class_loss"].item() == pytest.approx(2 * log(5))


@pytest.mark.parametrize("changes", [{}, {"critic": R3GAN}])
def test_the_score_of_ac_gan_does_not_read_the_label(changes: dict[str, Any]) -> None:
    labelled, plain = critic_of("acgan", "digits", **changes)
    output = labelled(X, one_hot(LABELS, CLASSES).float())
    torch.testing.assert_close(output.score, plain(X).score)
    torch.testing.assert_close(output.class_logits, labelled.classify(labelled.features(X)))


@pytest.mark.parametrize("generator", ["mlp", "dcgan", "resnet"])
def test_conditional_batch_norm_by_hand_and_without_a_label(generator: str) -> None:
    network = {"kind": generator, "width": 8, "norm": "batch"}
    network |= {"depth": 2} if generator == "mlp" else {"attention": 0} if generator == "resnet" else {}
    chosen, z = variant("projection", "digits", generator=network), torch.randn(8, 5)
    with seeded_init(0, "generator"):
        plain = chosen.generator.build(5, SHAPE)
    with seeded_init(0, "generator"):
        labelled = ConditionalGenerator(chosen.generator.build(5, SHAPE), CLASSES)
    labels = one_hot(LABELS, CLASSES).float()
    norm = next(layer for layer in labelled.modules() if hasattr(layer, "class_gain"))
    others = [layer for layer in labelled.modules() if hasattr(layer, "class_gain")][1:]
    assert others
    torch.testing.assert_close(labelled(z, labels), plain(z))  # the gains and biases of classes start at 0
    with torch.no_grad():
        norm.class_gain[3], norm.class_bias[3] = 0.5, 0.25
    seen: list[Tensor] = []
    norm.register_forward_hook(lambda module, args, output: seen.extend((args[0], output)))
    images = labelled(z, labels)
    mean, var = (getattr(seen[0].transpose(0, 1).flatten(1), of)(1) for of in ("mean", "var"))
    places = (None, slice(None), *(None,) * (seen[0].ndim - 2))
    count = seen[0].numel() // seen[0].shape[1]
    normalised = (seen[0] - mean[places]) / (var[places] * (count - 1) / count + 1e-5).sqrt()
    torch.testing.assert_close(seen[1][LABELS == 3], 1.5 * normalised[LABELS == 3] + 0.25, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen[1][LABELS != 3], normalised[LABELS != 3], atol=1e-4, rtol=1e-4)
    assert not torch.equal(images, plain(z))
    torch.testing.assert_close(labelled(z, NOTHING), plain(z))


@pytest.mark.parametrize("row", ROWS)
def test_generated_samples_have_the_labels_of_the_real_ones(row: str) -> None:
    at = build(variant(row, "digits"), SHAPE)
    asked: list[Tensor] = []
    at.generator.register_forward_pre_hook(lambda module, args: asked.append(args[1]))
    at.critic.register_forward_pre_hook(lambda module, args: asked.append(args[1]))
    batches, again = real_batches("digits"), real_batches("digits")
    at.train_step(batches)
    for _ in range(2):  # of the critic and of the generator: made, and then judged, in one pass or two
        labels = one_hot(next(again).y, CLASSES)
        assert torch.equal(asked.pop(0), labels)
        assert torch.equal(asked[0], labels.repeat(len(asked[0]) // 8, 1))
        count = len(asked.pop(0)) // 8
    assert (asked, count) == ([], 1)


def test_labels_are_as_frequent_as_in_the_data_and_as_one_asks() -> None:
    labels = ClassLabels(3)
    labels.fill(torch.tensor([0] * 70 + [1] * 29 + [2]))
    z = torch.linspace(0.00005, 0.99995, 10_000, dtype=torch.float64)
    found = labels(torch.special.ndtri(z).float()[:, None])
    np.testing.assert_allclose(found.sum(0), [7000, 2900, 100], atol=2)
    generator = LabelledGenerator(3, torch.nn.Identity())
    generator.stage1.fill(torch.tensor([0] * 49_999 + [1] + [2] * 50_000))  # the rarest class there may be
    asked, latents = torch.tensor([2, 1, 0, 1]), torch.randn(4, 5)
    assert torch.equal(generator.labels(generator.ask(latents, asked)), asked)
    assert torch.equal(generator.ask(latents, asked)[:, 1:], latents[:, 1:])


def black_and_white() -> PreparedDataset:
    """Two classes, dark and bright images."""
    labels = np.arange(400) % 2
    rng = np.random.default_rng(0)
    images = (labels[:, None, None, None] * 150 + rng.integers(100, size=(400, *SHAPE))).astype(np.uint8)
    return PreparedDataset(images[:200], labels[:200], images[200:], labels[200:], classes=2)


@pytest.mark.parametrize("row", ROWS)
def test_a_class_is_what_one_asks_for(row: str, tmp_path: Path) -> None:
    fast = {"kind": "adam", "lr": 0.01, "betas": [0.5, 0.9]}
    rates = {"generator_optimizer": fast, "critic_optimizer": fast, "algorithm": {"classes": None}}
    chosen = variant(row, "digits", steps=150, batch=32, **rates)
    train(TrainingArguments(row, chosen, RUNTIME, black_and_white(), 0, tmp_path))
    model = ganpipe.load(tmp_path, averaged=False)
    dark, bright = (model.sample(50, labels=label).mean((1, 2, 3)) for label in (0, 1))
    assert dark.max() < 125 < bright.min()
    asked = np.load(tmp_path / "labels.npy")
    samples = np.load(tmp_path / "samples.npy").mean((1, 2, 3))
    assert np.array_equal(samples > 125, asked == 1)
    assert 30 < asked.sum() < 70


def test_data_without_labels_are_refused() -> None:
    chosen = variant("cgan", "digits", algorithm={"classes": None})
    assert "points have not; use digits" in str(chosen.incompatibility((2,)))
    assert chosen.incompatibility(SHAPE) is None
    for classes, found in ((1, "only one class"), (1000, "1000 classes")):
        assert found in str(chosen.incompatibility(SHAPE, classes))
        with pytest.raises(UserError, match=f"{found}; use digits"):
            chosen.for_classes(classes)
    with pytest.raises(UserError, match=r"`algorithm\.classes` is 10, the data have 2; use null"):
        variant("cgan", "digits").for_classes(2)
    one = replace(points(), classes=1)
    with pytest.raises(UserError, match="only one class"):
        train(TrainingArguments("cgan", chosen, RUNTIME, one, 0, Path("nowhere")))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(TrainingArguments("cgan", variant("cgan", "digits", steps=4), RUNTIME, digits(), 0, folder))
    return folder


def test_labels_of_a_loaded_model(run: Path) -> None:
    model = ganpipe.load(run)
    assert model.classes == CLASSES
    z = model.latents(6, seed=1, labels=[0, 5, 5, 9, 1, 2])
    assert model.generator.labels(z).tolist() == [0, 5, 5, 9, 1, 2]
    np.testing.assert_array_equal(model.generate(z), model.sample(6, seed=1, labels=np.array([0, 5, 5, 9, 1, 2])))
    ways = model.interpolate(2, 3, seed=1, labels=4)
    np.testing.assert_array_equal(ways[:, 0], model.sample(4, seed=1, labels=4)[:2])
    np.testing.assert_array_equal(ways[:, 2], model.sample(4, seed=1, labels=4)[2:])
    asked: list[Tensor] = []
    model.generator.register_forward_pre_hook(lambda module, args: asked.append(module.labels(args[0])))
    model.interpolate(2, 5, seed=1, labels=[2, 8])
    assert [step.tolist() for step in asked] == [[2, 8]] * 5
    for wrong in (10, -1, [1, 2], 1.5, True):
        with pytest.raises(UserError, match="labels"):
            model.sample(3, labels=wrong)


def test_a_picture_has_a_column_for_each_class_or_one_class(run: Path, tmp_path: Path) -> None:
    model = ganpipe.load(run)
    sample_run(run, 13, 1, True, tmp_path / "columns.png")
    sample_run(run, 4, 1, True, tmp_path / "threes.png", label=3)
    for name, samples, columns in (
        ("columns", model.sample(13, 1, [*range(10), 0, 1, 2]), 10),
        ("threes", model.sample(4, 1, 3), 2),
    ):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.tobytes() == draw_grid(samples, samples, columns).tobytes()
    with Image.open(run / "grids/000004.png") as grid:
        assert grid.width == 3 * (10 * 9 + 1)
    with pytest.raises(UserError, match="labels hold 10, which is no class: use 0 to 9"):
        sample_run(run, 4, 1, True, tmp_path / "none.png", label=10)


def test_a_class_without_training_images_has_no_samples(tmp_path: Path) -> None:
    data, train_labels = black_and_white(), np.array([1, 3])[black_and_white().train_labels]
    chosen = variant("cgan", "digits", steps=1, algorithm={"classes": None})
    few = replace(data, train_labels=train_labels, classes=4)
    train(TrainingArguments("cgan", chosen, RUNTIME, few, 0, tmp_path))
    model = ganpipe.load(tmp_path)
    for wrong, missing in ((0, 0), ([1, 2], 2)):  # the first one, and one between two others
        with pytest.raises(UserError, match=f"labels hold {missing}, a class without a training image: use another"):
            model.sample(2, labels=wrong)
    sample_run(tmp_path, 4, 1, True, tmp_path / "columns.png")
    samples = model.sample(4, 1, [1, 3, 1, 3])
    with Image.open(tmp_path / "columns.png") as picture:
        assert picture.tobytes() == draw_grid(samples, samples, 2).tobytes()
    for step in (0, 1):  # the frames of an animation are of one size
        with Image.open(tmp_path / f"grids/{step:06d}.png") as grid:
            assert grid.width == 15 * (2 * 9 + 1)


def test_a_generator_without_labels_takes_none(tmp_path: Path) -> None:
    train(TrainingArguments("lsgan", variant("lsgan", "digits", steps=1), RUNTIME, digits(), 0, tmp_path))
    assert ganpipe.load(tmp_path).classes is None
    with pytest.raises(UserError, match="takes none: leave them out"):
        sample_run(tmp_path, 4, 0, True, tmp_path / "grid.png", label=3)
    assert not (tmp_path / "grid.png").exists()
    assert not (tmp_path / "labels.npy").exists()
