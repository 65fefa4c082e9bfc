"""Every network: shapes and ranges of what it gives, and what its part says of it against what it does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from network_cases import (
    GENERATORS,
    SIZES,
    build,
    build_generator,
    every_critic,
    every_encoder,
    every_generator,
    every_network,
    fitting,
    norms_of,
    randn,
)
from parts_in_use import parts_in_use

from ganpipe.critic import CriticOutput
from ganpipe.networks import CriticNetwork, EncoderNetwork, GeneratorNetwork, Network, form_of
from ganpipe.networks._growing import ProgressiveModule
from ganpipe.networks._images import ImageNetwork
from ganpipe.networks.critics.none import NoCritic


@every_generator
def test_generators_make_samples_of_the_shape_and_images_in_range(part: GeneratorNetwork) -> None:
    for shape in fitting(part):
        net, latent = build_generator(part, shape)
        with torch.no_grad():
            for weight in net.parameters():
                weight.mul_(20)  # large weights, as after a training
            samples = net(100 * randn(5, latent))
        assert samples.shape == (5, *shape)
        assert samples.dtype == torch.float32
        if form_of(shape) == "images":
            assert -1 <= samples.min() < -0.9
            assert 0.9 < samples.max() <= 1
        else:
            assert samples.abs().max() > 1


@every_critic
def test_critics_give_each_sample_its_scores_and_a_code_where_they_say_so(part: CriticNetwork) -> None:
    scores = (5,) if part.num_scores == 1 else (5, part.num_scores)
    for shape in fitting(part):
        output = part.build(shape)(randn(5, *shape))
        assert isinstance(output, CriticOutput)
        assert output.score.shape == scores if not part.has_patches else output.score.ndim == 2
        assert len(set(output.score.flatten().tolist())) == output.score.numel()
        assert (output.code is not None) == part.has_code
        assert output.code is None or output.code.shape[0] == 5


@every_encoder
def test_encoders_code_each_sample_by_any_numbers(part: EncoderNetwork) -> None:
    for shape in fitting(part):
        code = part.build(shape, 7)(randn(9, *shape))
        assert code.shape == (9, 7)
        assert len(set(code.flatten().tolist())) == 63
        assert code.min() < 0 < code.max()


@every_critic
def test_energies_are_not_negative_and_scores_may_be(part: CriticNetwork) -> None:
    for shape in fitting(part)[:2]:
        lowest, highest = 0.0, 0.0
        for _ in range(12):  # the scores of one fresh critic often have all the same sign
            if highest > 0 and (lowest < 0 or part.output_type == "energy"):
                break
            net = part.build(shape)
            for scale in (0.1, 1.0, 30.0):
                scores = net(scale * randn(8, *shape)).score
                assert scores.isfinite().all()
                lowest, highest = min(lowest, scores.min().item()), max(highest, scores.max().item())
        assert highest > 0
        assert (lowest < 0) == (part.output_type == "score")


@every_critic
def test_uses_batch_stats_is_what_is_measured_and_its_remedy_helps(part: CriticNetwork) -> None:
    for shape in fitting(part):
        net = part.build(shape)
        x = randn(6, *shape)
        others = torch.cat([x[:1], 3 * randn(5, *shape, seed=1) + 1])
        with torch.no_grad():
            for weight in net.parameters():
                if "batch" in norms_of(net) and weight.dim() > 1:
                    weight.mul_(20)  # they start so small that no input would make a difference
            one, same = net(x).score, net(others).score
        changed = not torch.allclose(one[0], same[0], rtol=1e-4, atol=1e-6)
        assert changed == part.uses_batch_stats, shape
    if part.uses_batch_stats:  # "`critic.norm: layer` or ...": the key that it names, the value that it names
        path, value = part.batch_stats_layer[1].split("` or `")[0].strip("`").split(": ")
        start, *keys, last = path.split(".")
        assert start == "critic"
        parameters: Any = part.model_dump()
        inner = parameters
        for key in keys:
            inner = inner[key]
        assert last in inner
        inner[last] = False if value == "false" else value
        assert not type(part).model_validate(parameters).uses_batch_stats


@every_critic
def test_packed_input_widens_only_layers_that_see_the_image(part: CriticNetwork) -> None:
    """PacGAN (Lin et al. 2018): an autoencoder reconstructs the whole pack, so its last layer widens as well."""
    for shape in fitting(part):
        single, pair = (part.build((m * shape[0], *shape[1:])).state_dict() for m in (1, 2))
        assert list(single) == list(pair)
        wider = [name for name in single if single[name].shape != pair[name].shape]
        weights = [name for name in single if single[name].dim() > 1]
        assert wider
        for name in wider:
            assert pair[name].numel() == 2 * single[name].numel(), name
        if part.kind in ("mlp", "dcgan"):
            assert wider == weights[:1]
            assert pair[wider[0]].shape[1] == 2 * single[wider[0]].shape[1]


@every_critic
def test_an_untrained_critic_passes_signal_and_gradient(part: CriticNetwork) -> None:
    """Weights so small that the signal dies from layer to layer leave a critic that never starts to learn."""
    for shape in fitting(part):
        x = randn(16, *shape).clamp(-1, 1).requires_grad_(True)
        scores = part.build(shape)(x).score
        (gradient,) = torch.autograd.grad(scores.sum(), x)
        assert gradient.abs().max() > 1e-5
        assert scores.std(0).min() > 1e-3


@every_network
def test_every_weight_takes_part_and_norms_are_those_that_are_asked_for(part: Any) -> None:
    inner = getattr(part, "base", part)
    for shape in fitting(part):
        net, x = build(part, shape)
        if hasattr(inner, "norm"):
            assert norms_of(net) == {inner.norm} - {"none"}, shape
        for name, weight in net.named_parameters():
            if name.endswith("gamma"):
                torch.nn.init.ones_(weight)  # attention starts as the identity
        output = net(x)
        output = output.score if isinstance(output, CriticOutput) else output
        if not output.requires_grad:  # only what an algorithm trains in another way
            assert getattr(part, "requires_algorithm", None)
            continue
        output.square().sum().backward()
        idle = {name for name, weight in net.named_parameters() if weight.grad is None}
        assert not idle or any(isinstance(module, ProgressiveModule) for module in net.modules()), idle


@every_network
def test_the_global_random_state_decides_the_weights(part: Any) -> None:
    shape, drawn = fitting(part)[0], []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append([weight for weight in build(part, shape)[0].parameters() if weight.dim() > 1])
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not drawn[0] or any(not torch.equal(a, b) for a, b in zip(drawn[0], drawn[2], strict=True))


@every_network
def test_convolutions_are_for_square_images_of_known_sizes(part: Network) -> None:
    inner = getattr(part, "base", part)
    if not isinstance(inner, ImageNetwork) and getattr(inner, "layers", None) != "convolutions":
        return
    assert "images, the data are points" in str(part.incompatibility((2,)))
    for shape, words in (((1, 10, 10), "these are 10x10"), ((3, 8, 16), "these are 8x16")):
        sentence = str(part.incompatibility(shape))
        assert words in sentence
        assert "8, 16, 28, 32, 64" in sentence
        assert inner.kind in sentence
    if not getattr(inner, "attention", 0):
        assert all(part.incompatibility((1, size, size)) is None for size in SIZES)


def test_a_generator_that_requires_an_algorithm_is_what_that_algorithm_makes() -> None:
    for kind, part in parts_in_use(GENERATORS).items():
        if part.requires_algorithm:
            assert parts_in_use("ganpipe.algorithms")[part.requires_algorithm].requires_generator in (kind, None)


def test_no_critic_builds_nothing() -> None:
    with pytest.raises(NotImplementedError):
        NoCritic(kind="none").build((2,))
