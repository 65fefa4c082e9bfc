"""Covering arrays: few combinations of several axes in which every pair of values occurs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product

Case = tuple[str, ...]
Pair = tuple[tuple[int, str], tuple[int, str]]


def pairs_of(case: Case) -> set[Pair]:
    """The pairs of values in a case, each value with the number of its axis."""
    return set(combinations(enumerate(case), 2))


def all_pairs(axes: Sequence[Sequence[str]]) -> set[Pair]:
    """Every pair of values of two different axes."""
    numbered = [[(i, value) for value in axis] for i, axis in enumerate(axes)]
    return {pair for one, other in combinations(numbered, 2) for pair in product(one, other)}


def covering(axes: Mapping[str, Sequence[str]], legal: Callable[[Case], bool]) -> tuple[list[Case], set[Pair]]:
    """Cases in which every pair occurs, and each pair that any legal case has occurs in a legal one.

    Returns the cases and the pairs that no legal case has. Greedy: of the legal cases with a pair that is still
    missing the one with the most missing pairs, of at most 200 drawn at random; then of the others the same.
    """
    values = list(axes.values())
    chance, everything = random.Random(0), list(product(*values))
    accepted = [case for case in everything if legal(case)]
    possible = {pair for case in accepted for pair in pairs_of(case)}
    cases: list[Case] = []
    missing = set(possible)
    cases += _greedy(accepted, missing, chance)
    forbidden = all_pairs(values) - possible
    cases += _greedy([case for case in everything if not pairs_of(case).isdisjoint(forbidden)], set(forbidden), chance)
    return cases, forbidden


def _greedy(pool: list[Case], missing: set[Pair], chance: random.Random) -> Iterator[Case]:
    having: dict[Pair, list[Case]] = {}
    for case in pool:
        for pair in pairs_of(case):
            having.setdefault(pair, []).append(case)
    while missing:
        # the rarest first: a pair with few cases leaves no choice
        rarest = min(sorted(missing), key=lambda pair: len(having[pair]))
        candidates = having[rarest]
        candidates = candidates if len(candidates) <= 200 else chance.sample(candidates, 200)
        best = max(candidates, key=lambda case: len(pairs_of(case) & missing))
        missing -= pairs_of(best)
        yield best
