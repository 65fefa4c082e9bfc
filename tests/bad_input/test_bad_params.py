"""Every key of params.yaml and variants/ with every kind of wrong value: one sentence with key, value and remedy.

Nothing is written. `make test` takes a sample of these mistakes, `make test-slow` all of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest
from mutations import ORIGINAL, ROW, SCHEMA, Mutation, Raw, Way, alternatives, drop, example, mutations, put, read_by
from small_params import checked, is_one_sentence, said, small, untouched, whole_row

from ganpipe.utils.errors import format_value

VARIANT = ROW["properties"]
# where a variant holds parts, and the way to a part inside
SLOTS: dict[str, Way] = {
    "objective": (), "penalties": (0,), "constraints": (0,), "generator": (), "critic": (), "algorithm": (),
    "generator_optimizer": (), "pretrain": ("optimizer",),
}  # fmt: skip
Case = tuple[Raw, Iterable[Mutation]]
_nothing_changes = pytest.fixture(untouched, autouse=True)


def of_the_file() -> Case:
    raw = whole_row()
    wrong = [
        *(Mutation(f"no {key}", (key,), drop((key,)), f"params.yaml lacks the key {key}: add it.") for key in raw),
        Mutation("unknown key", ("unheard",), put(("unheard",), 1), "unheard is 1, but no such key is known"),
        *(
            Mutation(f"{key}: {value}", (key,), put((key,), value), f"{key} is {format_value(value)}")
            for key in ("datasets", "train")
            for value in (3, "{}", None, [])
        ),
        Mutation("no data sets", ("datasets",), put(("datasets",), {}), "datasets is {}"),
    ]
    return raw, wrong


def of_a_key(key: str) -> Case:
    raw = whole_row()
    return raw, mutations(raw[key], SCHEMA["properties"][key], (key,))


def of_a_data_set(name: str) -> Case:
    raw = whole_row()
    raw["datasets"][name] = ORIGINAL["datasets"][name]
    node = SCHEMA["properties"]["datasets"]["additionalProperties"]
    return raw, mutations(raw["datasets"][name], node, ("datasets", name))


def of_a_key_of_a_row(key: str) -> Case:
    """In a variant that holds everything itself, so that each key of it is needed."""
    raw = whole_row()
    return raw, mutations(raw["variants"]["variant"][key], VARIANT[key], ("variants", "variant", key))


def of_a_part(way: Way, node: Raw) -> Case:
    raw = whole_row()
    row = raw["variants"]["variant"]
    if way[-1] == 0:
        row[way[0]] = [None]
    value = example(node)
    put(way, value)(row)
    return raw, mutations(value, node, ("variants", "variant", *way))


def of_the_file_as_it_is(row: str) -> Case:
    """One of the wrong values at each place of `train` or of a variant of the repository, another one at each place."""
    at = row if row != "train" else "non_saturating"
    raw = small({at: ORIGINAL["variants"][at]}, ["digits", "ring", "mnist"])
    way, value = (("train",), raw["train"]) if row == "train" else (("variants", row), raw["variants"][row])
    node = SCHEMA["properties"]["train"] if row == "train" else ROW
    places: dict[Way, list[Mutation]] = {}
    for mutation in mutations(value, node, way, required=False):
        places.setdefault(mutation.way, []).append(mutation)
    read = [of_one for place, of_one in places.items() if read_by(raw, place, at)]
    return raw, [of_one[turn % len(of_one)] for turn, of_one in enumerate(read)]


def parts() -> Iterator[tuple[str, Way, Raw]]:
    """Every kind of every part that a variant may have, by the place where it stands."""
    for slot, inside in SLOTS.items():
        node = VARIANT[slot]
        for key in inside:
            node = alternatives(node)[0]
            node = node["items"] if isinstance(key, int) else node["properties"][key]
        for one in alternatives(node):
            yield f"{slot} {one['properties']['kind']['const']}", (slot, *inside), one


CASES: dict[str, Callable[[], Case]] = {
    "the file": of_the_file,
    **{key: partial(of_a_key, key) for key in SCHEMA["properties"] if key not in ("train", "variants", "datasets")},
    **{f"data set {name}": partial(of_a_data_set, name) for name in ORIGINAL["datasets"]},
    **{f"row: {key}": partial(of_a_key_of_a_row, key) for key in VARIANT if key not in ("overrides", "extends")},
    **{f"part: {name}": partial(of_a_part, way, node) for name, way, node in parts()},
    **{f"as it is: {row}": partial(of_the_file_as_it_is, row) for row in ("train", *ORIGINAL["variants"])},
}


def unclear(raw: Raw, wrong: Iterable[Mutation]) -> list[str]:
    """What is said of each mistake for which it is not one sentence with key, value and remedy."""
    failed = []
    for mutation in wrong:
        sentence = said(mutation.applied(raw))
        # what follows key and value is the remedy
        remedy = "add it" in sentence or len(sentence) > len(mutation.says) + 5
        if not (sentence.startswith(mutation.says) and is_one_sentence(sentence) and remedy):
            failed.append(f"{mutation.name}\n    expected {mutation.says}\n    said     {sentence}")
    return failed


def test_some_mistakes_at_every_key_and_part() -> None:
    """Of every case a few, others in each case."""
    chance, failed = random.Random(0), []
    for name, case in CASES.items():
        raw, wrong = case()
        every = list(wrong)
        failed += unclear(raw, chance.sample(every, 1 if name.startswith("as it is") else 4))
    assert not failed, "\n".join(failed[:20])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_mistake_is_one_sentence(case: Callable[[], Case]) -> None:
    failed = unclear(*case())
    assert not failed, f"{len(failed)} mistakes:\n" + "\n".join(failed[:20])


def test_without_the_mistakes_the_files_are_legal() -> None:
    for raw in (whole_row(), small(ORIGINAL["variants"], list(ORIGINAL["datasets"]))):
        checked(raw)


def test_every_number_is_bounded_on_both_sides() -> None:
    """What is beyond 10^9 is no number of samples and no rate: it ends without memory, or in infinite floats."""
    lows, highs = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    todo: list[object] = [SCHEMA, ROW]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            todo += node.values()
            if node.get("type") in ("integer", "number") and not {"enum", "const"} & node.keys():
                assert lows & node.keys(), node
                assert highs & node.keys(), node
        elif isinstance(node, list):
            todo += node
