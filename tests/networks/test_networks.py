"""Every generator and critic on every size: shapes, ranges, and what each says of itself against what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganpipe.game import Judgement
from ganpipe.networks import CriticNetwork, GeneratorNetwork, Shape
from ganpipe.params import kinds, part_class

GENERATORS, CRITICS = "ganpipe.networks.generators", "ganpipe.networks.critics"
SIZES = (8, 16, 28, 32, 64)
NORMS = ("none", "batch", "layer")
IMAGES = [(channels, size, size) for channels in (1, 3) for size in SIZES]
POINTS = (2,)

# parameters beside kind and norm, several sets where the kind has several ways to work
GENERATOR_CASES: dict[str, list[dict[str, Any]]] = {"dcgan": [{"width": 4}], "mlp": [{"width": 8, "depth": 2}]}
CRITIC_CASES: dict[str, list[dict[str, Any]]] = {
    "dcgan": [{"width": 4, "output": "score"}, {"width": 4, "output": "energy"}],
    "mlp": [{"width": 8, "depth": 2, "output": "score"}, {"width": 8, "depth": 2, "output": "energy"}],
    "autoencoder": [{"layers": "convolutions", "width": 4, "code": 5}, {"layers": "dense", "width": 8, "code": 5}],
}
FOR_IMAGES_ONLY = {"generators.dcgan", "critics.dcgan", "critics.autoencoder.convolutions"}


def cases(package: str, known: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """One test parameter for each set; a kind that is not known here fails when its test runs."""
    return [
        pytest.param(kind, parameters, id="-".join([kind, *(str(v) for v in parameters.values())]))
        for kind in kinds(package)
        for parameters in known.get(kind, [{}])
    ]


def generator(kind: str, parameters: dict[str, Any], norm: str = "none") -> GeneratorNetwork:
    if kind not in GENERATOR_CASES:
        pytest.fail(f"the generator {kind} is not tested: add it to GENERATOR_CASES")
    part = part_class(GENERATORS, kind).model_validate({"kind": kind, "norm": norm, **parameters})
    assert isinstance(part, GeneratorNetwork)
    return part


def critic(kind: str, parameters: dict[str, Any], norm: str = "none") -> CriticNetwork:
    if kind not in CRITIC_CASES:
        pytest.fail(f"the critic {kind} is not tested: add it to CRITIC_CASES")
    part = part_class(CRITICS, kind).model_validate({"kind": kind, "norm": norm, **parameters})
    assert isinstance(part, CriticNetwork)
    return part


def images_only(package: str, kind: str, parameters: dict[str, Any]) -> bool:
    name = f"{package.rpartition('.')[2]}.{kind}"
    return name in FOR_IMAGES_ONLY or f"{name}.{parameters.get('layers')}" in FOR_IMAGES_ONLY


def shapes(part: GeneratorNetwork | CriticNetwork) -> list[Shape]:
    return [shape for shape in [*IMAGES, POINTS] if part.unfit(shape) is None]


def few_shapes(part: GeneratorNetwork | CriticNetwork) -> list[Shape]:
    """One of each sort, for what does not depend on the size."""
    return [shape for shape in shapes(part) if shape in ((1, 8, 8), (3, 16, 16), POINTS)]


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def layers_of(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """The same weights each time, on one thread: these networks are too small for more."""
    torch.manual_seed(0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every_generator = pytest.mark.parametrize(("kind", "parameters"), cases(GENERATORS, GENERATOR_CASES))
every_critic = pytest.mark.parametrize(("kind", "parameters"), cases(CRITICS, CRITIC_CASES))
every_norm = pytest.mark.parametrize("norm", NORMS)


def test_no_case_is_left_over() -> None:
    assert set(GENERATOR_CASES) == set(kinds(GENERATORS))
    assert set(CRITIC_CASES) == set(kinds(CRITICS))


@every_norm
@every_generator
def test_generator_makes_samples_of_the_shape_and_images_in_range(
    kind: str, parameters: dict[str, Any], norm: str
) -> None:
    part = generator(kind, parameters, norm)
    assert set(shapes(part)) == set(IMAGES if images_only(GENERATORS, kind, parameters) else [*IMAGES, POINTS])
    for shape in shapes(part) if norm == "none" else few_shapes(part):
        net = part.build(6, shape)
        with torch.no_grad():
            for weight in net.parameters():
                weight.mul_(20)  # a trained network is not a tame one
            made = net(100 * randn(5, 6))
        assert made.shape == (5, *shape)
        assert made.dtype == torch.float32
        if len(shape) == 3:
            assert made.abs().max() <= 1
            assert made.min() < -0.99
            assert made.max() > 0.99
        else:
            assert made.abs().max() > 1


@every_norm
@every_critic
def test_critic_judges_each_sample(kind: str, parameters: dict[str, Any], norm: str) -> None:
    part = critic(kind, parameters, norm)
    assert set(shapes(part)) == set(IMAGES if images_only(CRITICS, kind, parameters) else [*IMAGES, POINTS])
    for shape in shapes(part) if norm == "none" else few_shapes(part):
        said = part.build(shape)(randn(5, *shape))
        assert isinstance(said, Judgement)
        assert said.score.shape == (5,)
        assert len(set(said.score.tolist())) == 5
        if part.has_code:
            assert said.code is not None
            assert said.code.shape == (5, parameters["code"])
        else:
            assert said.code is None


@every_critic
def test_energies_are_not_negative_and_scores_may_be(kind: str, parameters: dict[str, Any]) -> None:
    part = critic(kind, parameters)
    for shape in few_shapes(part):
        net = part.build(shape)
        with torch.no_grad():
            for scale in (0.1, 1.0, 30.0):
                scores = net(scale * randn(32, *shape)).score
                assert scores.isfinite().all()
                if part.emits == "energy":
                    assert (scores >= 0).all()
                    assert scores.max() > 0
    if part.emits == "score":
        assert scores.min() < 0 < scores.max()


def test_autoencoder_energy_is_the_mean_over_the_features() -> None:
    """Mean and not sum: an image twice as large has the same energy where every pixel is as wrong."""
    for layers, shape in (("convolutions", (3, 8, 8)), ("dense", (1, 4, 4)), ("dense", (2,))):
        net = critic("autoencoder", {"layers": layers, "width": 4, "code": 3}).build(shape)
        x = randn(3, *shape)
        with torch.no_grad():
            said = net(x)
            errors = [(net.decoder(net.encoder(one[None])) - one).square().sum().item() for one in x]
        numbers = x[0].numel()
        torch.testing.assert_close(said.score, torch.tensor(errors) / numbers)
        assert said.code is not None
        torch.testing.assert_close(said.code, net.encoder(x))


@every_norm
@every_critic
def test_couples_samples_says_what_is_measured(kind: str, parameters: dict[str, Any], norm: str) -> None:
    part = critic(kind, parameters, norm)
    for shape in few_shapes(part):
        net = part.build(shape)
        x = randn(6, *shape)
        others = torch.cat([x[:1], 3 * randn(5, *shape, seed=1) + 1])
        with torch.no_grad():
            for layer in layers_of(net):
                layer.weight.mul_(20)  # with batch norm they start so small that no input would make a difference
            one, same = net(x).score[0], net(others).score[0]
        changed = not torch.allclose(one, same, rtol=1e-4, atol=1e-7)
        assert changed == part.couples_samples, shape


@every_critic
def test_packed_input_widens_the_first_layer_only(kind: str, parameters: dict[str, Any]) -> None:
    """An autoencoder reconstructs the whole pack, so its last layer widens as well."""
    part = critic(kind, parameters)
    for shape in shapes(part):
        single, pair = (part.build((m * shape[0], *shape[1:])).state_dict() for m in (1, 2))
        assert list(single) == list(pair)
        wider = [name for name in single if single[name].shape != pair[name].shape]
        weights = [name for name in single if name.endswith("weight")]
        first, last = weights[0], {weights[-1], weights[-1].replace("weight", "bias")}
        assert set(wider) == ({first} | last if part.has_code else {first})
        assert pair[first].shape[1] == 2 * single[first].shape[1]
        assert pair[first].shape[0] == single[first].shape[0]


@pytest.mark.parametrize(
    ("shape", "words"), [((1, 10, 10), "these are 10x10"), ((3, 8, 16), "these are 8x16"), ((1, 16, 8), "16x8")]
)
def test_convolutions_say_which_images_fit(shape: Shape, words: str) -> None:
    for part in (
        generator("dcgan", GENERATOR_CASES["dcgan"][0]),
        critic("dcgan", CRITIC_CASES["dcgan"][0]),
        critic("autoencoder", CRITIC_CASES["autoencoder"][0]),
    ):
        sentence = part.unfit(shape)
        assert sentence is not None
        assert words in sentence
        assert "8, 16, 28, 32, 64" in sentence
        assert part.kind in sentence


def test_networks_for_images_say_so_of_points() -> None:
    for part in (
        generator("dcgan", GENERATOR_CASES["dcgan"][0]),
        critic("dcgan", CRITIC_CASES["dcgan"][0]),
        critic("autoencoder", CRITIC_CASES["autoencoder"][0]),
    ):
        sentence = part.unfit((2,))
        assert sentence is not None
        assert "images, the data are points" in sentence


@pytest.mark.parametrize("shape", [(1, 10, 10), (3, 8, 16), (5,)])
def test_dense_networks_take_any_shape(shape: Shape) -> None:
    made = generator("mlp", GENERATOR_CASES["mlp"][0])
    assert made.unfit(shape) is None
    assert made.build(3, shape)(randn(2, 3)).shape == (2, *shape)
    for part in (critic("mlp", CRITIC_CASES["mlp"][0]), critic("autoencoder", CRITIC_CASES["autoencoder"][1])):
        assert part.unfit(shape) is None
        assert part.build(shape)(randn(2, *shape)).score.shape == (2,)


@every_norm
@every_critic
def test_norm_is_the_one_that_was_asked_for(kind: str, parameters: dict[str, Any], norm: str) -> None:
    part = critic(kind, parameters, norm)
    found = {type(m).__name__ for shape in few_shapes(part) for m in part.build(shape).modules()}
    named = {"BatchNorm1d": "batch", "BatchNorm2d": "batch", "LayerNorm": "layer", "GroupNorm": "layer"}
    assert {named[name] for name in found & set(named)} == (set() if norm == "none" else {norm})


def test_layer_norm_of_a_feature_map_is_over_channels_and_positions() -> None:
    net = critic("dcgan", CRITIC_CASES["dcgan"][0], "layer").build((1, 16, 16))
    (norm,) = (layer for layer in net.modules() if isinstance(layer, nn.GroupNorm))
    normalised = norm(randn(2, 8, 4, 4) * torch.arange(1.0, 9.0).view(1, 8, 1, 1))
    torch.testing.assert_close(normalised.flatten(1).mean(1), torch.zeros(2), atol=1e-5, rtol=0)
    assert normalised[:, 7].std() > 2 * normalised[:, 0].std()  # channels keep their scale relative to each other


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_convolutional_critic_has_no_norm_after_its_first_layer(norm: str) -> None:
    """Radford et al. 2016, section 3: batch norm everywhere but on the generator's output and the critic's input."""
    normalising = (nn.BatchNorm2d, nn.GroupNorm)
    for part in (
        critic("dcgan", CRITIC_CASES["dcgan"][0], norm),
        critic("autoencoder", CRITIC_CASES["autoencoder"][0], norm),
    ):
        leaves = [layer for layer in part.build((1, 32, 32)).modules() if not list(layer.children())]
        assert isinstance(leaves[0], nn.Conv2d)
        assert isinstance(leaves[1], nn.LeakyReLU)
    made = list(generator("dcgan", {"width": 4}, norm).build(6, (1, 32, 32)).modules())
    assert isinstance(made[-1], nn.Tanh)
    assert isinstance(made[-2], nn.ConvTranspose2d)
    assert sum(isinstance(layer, normalising) for layer in made) == 3


@every_norm
def test_weights_start_at_the_scale_of_their_paper(norm: str) -> None:
    """0.02 with batch norm (Radford et al.), else He et al.: variance 2 / (1 + 0.2^2) over the inputs of a neuron."""
    part = critic("autoencoder", {"layers": "convolutions", "width": 32, "code": 64}, norm)
    for layer in layers_of(part.build((32, 16, 16))):
        inputs = layer.weight[0].numel()
        if isinstance(layer, nn.ConvTranspose2d):
            inputs = layer.weight.shape[0] * layer.weight[0, 0].numel()
        std = 0.02 if norm == "batch" else (2 / (1 + 0.2**2) / inputs) ** 0.5
        assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
        assert torch.equal(layer.bias, torch.zeros_like(layer.bias))


@every_critic
@every_norm
def test_a_fresh_critic_says_something(kind: str, parameters: dict[str, Any], norm: str) -> None:
    """Weights so small that the signal dies from layer to layer leave a critic that never starts to learn."""
    part = critic(kind, parameters, norm)
    for shape in few_shapes(part):
        x = randn(16, *shape).clamp(-1, 1).requires_grad_(True)
        said = part.build(shape)(x)
        said.score.sum().backward()
        assert x.grad is not None
        assert x.grad.abs().max() > 1e-5
        assert said.score.std() > 1e-3


@pytest.mark.parametrize("size", SIZES)
def test_images_come_from_a_map_of_a_few_pixels(size: int) -> None:
    """2 pixels at 8, 7 at 28, else 4: the first map of the generator and the last of the critic."""
    base = {8: 2, 16: 4, 28: 7, 32: 4, 64: 4}[size]
    made = generator("dcgan", {"width": 4}).build(6, (1, size, size))
    judged = critic("dcgan", {"width": 4, "output": "score"}).build((1, size, size))
    depth = (size // base).bit_length() - 1
    top = 4 * 2 ** (depth - 1)
    assert layers_of(made)[0].weight.shape == (top * base**2, 6)
    assert layers_of(judged)[-1].weight.shape == (1, top * base**2)
    assert len(layers_of(made)) == len(layers_of(judged)) == depth + 1
