"""Every network on every size: shapes, ranges, and what each says of itself against what it does."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import pytest
import torch
from network_cases import (
    ALL,
    CRITIC_CASES,
    CRITICS,
    ENCODER_CASES,
    ENCODERS,
    GENERATOR_CASES,
    GENERATORS,
    IMAGES,
    NO_CASE,
    Case,
    build_generator,
    every_critic,
    every_encoder,
    every_generator,
    innermost,
    norms_of,
    randn,
)

from ganpipe.game import Judgement
from ganpipe.networks import CriticNetwork, EncoderNetwork, GeneratorNetwork, Network, Shape
from ganpipe.params import kinds, part_class

EVERYTHING = [(GENERATORS, GENERATOR_CASES, set[str]()), (CRITICS, CRITIC_CASES, set(NO_CASE))]
EVERYTHING += [(ENCODERS, ENCODER_CASES, set())]
every_package = pytest.mark.parametrize(("package", "cases", "exempt"), EVERYTHING, ids=["generator", "critic", "code"])
every_network = pytest.mark.parametrize("case", [*GENERATOR_CASES, *CRITIC_CASES, *ENCODER_CASES], ids=str)


def build(case: Case, shape: Shape) -> Any:
    part = case.part()
    if isinstance(part, GeneratorNetwork):
        return build_generator(part, shape)[0]
    return part.build(shape, 5) if isinstance(part, EncoderNetwork) else part.build(shape)


@every_package
def test_every_kind_has_a_case(package: str, cases: list[Case], exempt: set[str]) -> None:
    assert {case.kind for case in cases} == set(kinds(package)) - exempt, "add it to network_cases.py"
    assert all(case.package == package for case in cases)


@every_package
def test_every_choice_of_a_kind_has_a_case(package: str, cases: list[Case], exempt: set[str]) -> None:
    """Each norm, each output, with and without: whatever a kind offers by name is tested."""
    for kind in set(kinds(package)) - exempt:
        for name, field in part_class(package, kind).model_fields.items():
            offered = set(get_args(field.annotation)) if get_origin(field.annotation) is not None else set()
            offered = {False, True} if field.annotation is bool else offered
            if name != "member" and name != "kind" and offered:
                assert {case.parameters[name] for case in cases if case.kind == kind} == offered, (kind, name)


def test_the_only_critic_without_a_case_builds_nothing() -> None:
    classes = {kind: part_class(CRITICS, kind) for kind in kinds(CRITICS)}
    assert {kind for kind, of in classes.items() if vars(of).get("build") is None} == set(NO_CASE)
    for kind in NO_CASE:
        part = classes[kind].model_validate({"kind": kind})
        assert isinstance(part, CriticNetwork)
        assert all(part.unfit(shape) is None for shape in ALL)
        with pytest.raises(NotImplementedError):
            part.build((2,))


def test_a_generator_that_one_procedure_makes_is_what_that_procedure_makes() -> None:
    found = {kind: getattr(part_class(GENERATORS, kind), "made_by", None) for kind in kinds(GENERATORS)}
    assert {kind: maker for kind, maker in found.items() if maker} == {
        **{"climber": "critic_only", "gmm": "gmm", "unet": "translation"}
    }
    for kind, maker in found.items():
        if maker:  # a procedure that makes any generator makes this one as well
            assert getattr(part_class("ganpipe.algorithms", maker), "makes", "") in (kind, None)


@every_network
def test_fits_the_shapes_that_its_case_says(case: Case) -> None:
    assert {shape for shape in ALL if case.part().unfit(shape) is None} == set(case.fits)
    assert case.few or case.fits == tuple(s for s in IMAGES if s[1] == 28)


@every_generator
def test_generator_makes_samples_of_the_shape_and_images_in_range(case: Case) -> None:
    part = case.generator()
    for shape in case.shapes if case.norm == "none" else case.few:
        net, latent = build_generator(part, shape)
        with torch.no_grad():
            for weight in net.parameters():
                weight.mul_(20)  # a trained network is not a tame one
            made = net(100 * randn(5, latent))
        assert made.shape == (5, *shape)
        assert made.dtype == torch.float32
        if len(shape) == 3:
            assert made.abs().max() <= 1
            assert made.min() < -0.99
            assert made.max() > 0.99
        else:
            assert made.abs().max() > 1


@every_critic
def test_critic_judges_each_sample(case: Case) -> None:
    part = case.critic()
    for shape in case.shapes if case.norm == "none" else case.few:
        said = part.build(shape)(randn(5, *shape))
        assert isinstance(said, Judgement)
        assert said.score.shape == ((5,) if part.judges == 1 else (5, part.judges))
        assert len(set(said.score.flatten().tolist())) == 5 * part.judges
        if part.has_code:
            assert said.code is not None
            assert said.code.shape == (5, case.parameters["code"])
        else:
            assert said.code is None
    assert part.judges == case.parameters.get("count", 1)


@every_encoder
def test_encoder_codes_each_sample_by_any_numbers(case: Case) -> None:
    for shape in case.shapes if case.norm == "none" else case.few:
        code = case.encoder().build(shape, 7)(randn(9, *shape))
        assert code.shape == (9, 7)
        assert len(set(code.flatten().tolist())) == 63
        assert code.min() < 0 < code.max()
        assert code.std() > 1e-3


@every_critic
def test_energies_are_not_negative_and_scores_may_be(case: Case) -> None:
    part = case.critic()
    for shape in case.few:
        lowest, highest = 0.0, 0.0
        for fresh in range(12):  # the scores of one fresh critic often have all the same sign
            if highest > 0 and (lowest < 0 or (part.emits == "energy" and fresh > 2)):
                break
            net = part.build(shape)
            with torch.no_grad():
                for scale in (0.1, 1.0, 30.0):
                    scores = net(scale * randn(8, *shape)).score
                    assert scores.isfinite().all()
                    lowest, highest = min(lowest, scores.min().item()), max(highest, scores.max().item())
            assert lowest == 0 or part.emits == "score"
        assert highest > 0
        assert (lowest < 0) == (part.emits == "score")


@every_critic
def test_couples_samples_says_what_is_measured(case: Case) -> None:
    part = case.critic()
    for shape in case.few:
        net = part.build(shape)
        x = randn(6, *shape)
        others = torch.cat([x[:1], 3 * randn(5, *shape, seed=1) + 1])
        with torch.no_grad():
            for weight in net.parameters():
                if case.norm == "batch" and weight.dim() > 1:
                    weight.mul_(20)  # they start so small that no input would make a difference
            one, same = net(x).score, net(others).score
        assert not torch.allclose(one[1:], same[1:], rtol=1e-2)
        changed = not torch.allclose(one[0], same[0], rtol=1e-4, atol=1e-6)
        assert changed == part.couples_samples, shape


@every_critic
def test_coupling_names_a_setting_without_it(case: Case) -> None:
    """The remedy is applied as it stands: to the key it names, the value it names."""
    part = case.critic()
    layer, remedy = part.coupling
    if not part.couples_samples:
        return
    assert layer == ("the minibatch deviation" if innermost(part).kind == "progressive" else "batch norm")
    setting, *_ = remedy.split("` or `")
    path, value = setting.strip("`").split(": ")
    start, *keys, last = path.split(".")
    assert start == "critic"
    parameters = part.model_dump()
    place = parameters
    for key in keys:
        place = place[key]
    assert last in place
    place[last] = False if value == "false" else value
    cured = type(part).model_validate(parameters)
    assert not cured.couples_samples
    assert keys == (["member"] if case.kind == "ensemble" else [])


@every_critic
def test_packed_input_widens_only_what_sees_the_image(case: Case) -> None:
    """That is the first layer and a shortcut past it; but every from-image layer of the progressive critic sees it.

    An autoencoder reconstructs the whole pack, so its last layer widens as well.
    """
    part = case.critic()
    for shape in case.fits:
        single, pair = (part.build((m * shape[0], *shape[1:])).state_dict() for m in (1, 2))
        assert list(single) == list(pair)
        wider = {name for name in single if single[name].shape != pair[name].shape}
        weights = [name for name in single if name.endswith(("weight", "weight.original")) and single[name].dim() > 1]
        expected: set[str] = set()
        for i in range(part.judges):
            prefix = f"members.{i}." if case.kind == "ensemble" else ""
            own = [name for name in weights if name.startswith(prefix)]
            seeing = {
                "progressive": {name for name in own if ".from_image." in name},
                "resnet": {f"{prefix}body.0.branch.0.weight", f"{prefix}body.0.shortcut.weight"},
            }.get(innermost(part).kind, {own[0]})
            assert all(pair[name].shape[:2] == (len(single[name]), 2 * single[name].shape[1]) for name in seeing)
            expected |= seeing
        if case.kind == "autoencoder":
            expected |= {weights[-1], weights[-1].replace("weight", "bias")}
        assert wider == expected


@every_network
def test_norm_is_the_one_that_was_asked_for(case: Case) -> None:
    for shape in case.few:
        assert norms_of(build(case, shape)) == ({case.norm} - {"none"}), shape


@every_critic
def test_a_fresh_critic_says_something(case: Case) -> None:
    """Weights so small that the signal dies from layer to layer leave a critic that never starts to learn."""
    part = case.critic()
    for shape in case.few:
        x = randn(16, *shape).clamp(-1, 1).requires_grad_(True)
        said = part.build(shape)(x)
        said.score.sum().backward()
        assert x.grad is not None
        assert x.grad.abs().max() > 1e-5
        assert said.score.std(0).min() > 1e-3


@every_network
def test_every_weight_takes_part(case: Case) -> None:
    """But the layers to and from smaller images than those of a grown network."""
    part = case.part()
    for shape in case.few:
        net = build(case, shape)
        for name, weight in net.named_parameters():
            if name.endswith("gamma"):
                torch.nn.init.ones_(weight)  # attention starts as the identity
        inputs = randn(6, *shape)
        if isinstance(part, GeneratorNetwork):
            net, latent = build_generator(part, shape)
            inputs = randn(6, latent)
        if case.kind in ("climber", "gmm"):  # not made by the gradient of what they make
            assert not net(inputs).requires_grad
            continue
        out = net(inputs)
        (out.score if isinstance(out, Judgement) else out).square().sum().backward()
        idle = {name for name, weight in net.named_parameters() if weight.grad is None}
        assert all("to_image" in name or "from_image" in name for name in idle)
        assert bool(idle) == (innermost(part).kind == "progressive")


@every_network
def test_the_global_random_state_draws_the_weights(case: Case) -> None:
    shape = case.fits[-1] if case.fits[-1] == (2,) else case.fits[0]
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append([weight for weight in build(case, shape).parameters() if weight.dim() > 1])
    assert all(torch.equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(drawn[0], drawn[2], strict=True)) or case.kind in ("affine", "gmm")


CONVOLUTIONAL = [case for case in [*GENERATOR_CASES, *CRITIC_CASES, *ENCODER_CASES] if (2,) not in case.fits]
DENSE = [case for case in [*GENERATOR_CASES, *CRITIC_CASES, *ENCODER_CASES] if {(1, 8, 8), (2,)} < set(case.fits)]


@pytest.mark.parametrize("case", CONVOLUTIONAL, ids=str)
def test_convolutions_say_which_samples_fit(case: Case) -> None:
    part = case.part()
    assert isinstance(part, Network)
    for shape, words in (((1, 10, 10), "these are 10x10"), ((3, 8, 16), "these are 8x16"), ((1, 16, 8), "16x8")):
        sentence = part.unfit(shape)
        assert sentence is not None
        assert words in sentence
        assert "8, 16, 28, 32, 64" in sentence
        assert innermost(part).kind in sentence
    assert "images, the data are points" in str(part.unfit((2,)))


@pytest.mark.parametrize("shape", [(1, 10, 10), (3, 8, 16), (5,)])
@pytest.mark.parametrize("case", DENSE, ids=str)
def test_dense_networks_take_any_shape(case: Case, shape: Shape) -> None:
    part = case.part()
    assert part.unfit(shape) is None
    if isinstance(part, GeneratorNetwork):
        net, latent = build_generator(part, shape)
        assert net(randn(4, latent)).shape == (4, *shape)
    elif isinstance(part, EncoderNetwork):
        assert part.build(shape, 3)(randn(4, *shape)).shape == (4, 3)
    else:
        assert len(build(case, shape)(randn(4, *shape)).score) == 4
