"""Every key of params.yaml with every kind of wrong value: one sentence with key, value and remedy, nothing written.

`pytest -s tests/bad_input/test_bad_params.py` prints how many mutations there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from mutations import ORIGINAL, SCHEMA, Mutation, Raw, alternatives, drop, example, mutations, put, read_by
from small_params import checked, is_one_sentence, said, small, whole_row

from ganpipe.errors import dotted, shown

VARIANT = alternatives(SCHEMA["properties"]["train"])[0]["properties"]
SLOTS = {
    "objective": (), "penalties": (0,), "constraints": (0,), "generator": (), "critic": (), "procedure": (),
    "generator_optimizer": (), "pretrain": ("optimizer",), "first": (),
}  # fmt: skip
TOP = [key for key in SCHEMA["properties"] if key not in ("train", "variants", "datasets")]
counted: dict[str, int] = {}


@pytest.fixture(scope="module", autouse=True)
def _count() -> Iterator[None]:
    """The number of mutations, where all of them ran."""
    yield
    total = sum(counted.values())
    print(f"\nbad params.yaml: {total} of {total} mutations were one sentence with key, value and remedy")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with specs from before, in which nothing may change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANPIPE_DATA_ROOT", raising=False)
    spec = tmp_path / "data" / "specs" / "data.json"
    spec.parent.mkdir(parents=True)
    spec.write_text("{}")
    yield
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [spec]
    assert spec.read_text() == "{}"


def refused(raw: Raw, all_of_them: Iterable[Mutation], name: str, fewest: int) -> None:
    """Each of the mutations is refused in one sentence that begins as it should, and there are so many of them."""
    names: set[str] = set()
    failed = []
    for mutation in all_of_them:
        sentence = said(mutation.applied(raw))
        # what is said after key and value is the remedy
        remedy = sentence.removeprefix(mutation.says)
        if not (sentence.startswith(mutation.says) and is_one_sentence(sentence) and (remedy or "add it" in sentence)):
            failed.append(f"{mutation.name}\n    expected {mutation.says}\n    said     {sentence}")
        names.add(mutation.name)
    assert not failed, f"{len(failed)} of {len(names)}:\n" + "\n".join(failed[:20])
    assert len(names) >= fewest
    counted[name] = len(names)


def test_the_smaller_files_are_legal() -> None:
    for raw in (whole_row(), small(ORIGINAL["variants"], list(ORIGINAL["datasets"]))):
        checked(raw)


@pytest.mark.parametrize("key", TOP)
def test_a_key_of_the_top_level(key: str) -> None:
    raw = whole_row()
    refused(raw, mutations(raw[key], SCHEMA["properties"][key], (key,)), key, 8)


@pytest.mark.parametrize("name", ORIGINAL["datasets"])
def test_a_data_set(name: str) -> None:
    raw = whole_row()
    raw["datasets"][name] = ORIGINAL["datasets"][name]
    node = SCHEMA["properties"]["datasets"]["additionalProperties"]
    refused(raw, mutations(raw["datasets"][name], node, ("datasets", name)), name, 20)


def test_the_file_itself() -> None:
    raw = whole_row()
    wrong = [
        *(Mutation(f"no {key}", (key,), drop((key,)), f"params.yaml lacks the key {key}: add it.") for key in raw),
        Mutation("unknown key", ("unheard",), put(("unheard",), 1), "unheard is 1, but no such key is known"),
        *(
            Mutation(f"{key}: {value}", (key,), put((key,), value), f"{key} is {shown(value)}")
            for key in ("datasets", "variants", "train")
            for value in (3, "{}", None, [])
        ),
        *(Mutation(f"no {key}", (key,), put((key,), {}), f"{key} is {{}}") for key in ("datasets", "variants")),
    ]
    refused(raw, wrong, "the file itself", 20)


@pytest.mark.parametrize("key", VARIANT)
def test_a_key_of_a_row(key: str) -> None:
    """A row that says everything itself, so that each key of it is needed."""
    raw = whole_row()
    row = raw["variants"]["row"]
    if key not in row:
        row[key] = example(VARIANT[key])
    place = ("variants", "row", key)
    refused(raw, mutations(row[key], VARIANT[key], place), f"row.{key}", 8)


def parts() -> Iterator[tuple[str, tuple[str | int, ...], Raw]]:
    """Every kind of every part that a row may have, by the place where it stands."""
    for slot, inside in SLOTS.items():
        node = VARIANT[slot]
        for key in inside:
            node = alternatives(node)[0]["items" if isinstance(key, int) else "properties"]
            node = node[key] if isinstance(key, str) else node
        for one in alternatives(node):
            if one.get("properties", {}).get("kind", {}).get("const"):
                yield f"{slot}: {one['properties']['kind']['const']}", (slot, *inside), one


@pytest.mark.parametrize(("way", "node"), [case[1:] for case in parts()], ids=[case[0] for case in parts()])
def test_a_part_of_every_kind(way: tuple[str | int, ...], node: Raw) -> None:
    raw = whole_row()
    row = raw["variants"]["row"]
    if way[-1] == 0:
        row[way[0]] = [None]
    value = example(node)
    put(way, value)(row)
    name = f"{dotted(*way)} {value['kind']}"
    refused(raw, mutations(value, node, ("variants", "row", *way)), name, 8)


@pytest.mark.parametrize("row", ["train", *ORIGINAL["variants"]])
def test_a_place_of_the_file_as_it_is(row: str) -> None:
    """One of the wrong values at each place of `train` and of a row, another one at each."""
    at = row if row != "train" else "non_saturating"
    raw = small({at: ORIGINAL["variants"][at]}, ["digits", "ring", "mnist"])
    way = ("train",) if row == "train" else ("variants", row)
    value = raw["train"] if row == "train" else raw["variants"][row]

    places: dict[str, list[Mutation]] = {}
    for mutation in mutations(value, SCHEMA["properties"]["train"], way, required=False):
        if read_by(raw, mutation.way, at):
            places.setdefault(dotted(*mutation.way), []).append(mutation)
    chosen = [of_one[turn % len(of_one)] for turn, of_one in enumerate(places.values())]
    refused(raw, chosen, f"all of {row}", 2)
