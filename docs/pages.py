"""The pages of the site: those of docs/, CONTRIBUTING, CHANGELOG, and one for each variant, from the code and its file.

python docs/pages.py FOLDER
"""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ganpipe.config import configuration
from ganpipe.config.configuration import Configuration
from ganpipe.config.variant import Variant
from ganpipe.parts import Part
from ganpipe.schedules import Schedule
from ganpipe.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
AXES = ("objective", "penalties", "constraints", "augmentation", "algorithm", "generator", "critic")
DATA = ("digits", "mnist", "ring")  # a variant is shown on the first one on which it makes sense
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def build(out: Path) -> None:
    """Write the pages and Zensical's configuration into the folder, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    skipped = shutil.ignore_patterns("*.py", "__pycache__", "*.ipynb", "*.toml")
    folder, out = out, out / "pages"
    shutil.copytree(ROOT / "docs", out, ignore=skipped)
    shutil.copy(ROOT / "docs/zensical.toml", folder)
    for name in ("CONTRIBUTING", "CHANGELOG"):
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8").replace("](docs/", "](")
        (out / f"{name.lower()}.md").write_text(text, encoding="utf-8")
    for page in out.glob("*.md"):
        page.write_text(_links(page.read_text(encoding="utf-8")), encoding="utf-8")
    chosen = configuration.load(ROOT / "params.yaml")
    variants = {name: on_data(chosen, name) for name in sorted(chosen.variants)}
    (out / "variants").mkdir()
    lines = ["# Variants", "", "| variant | what it fixes |", "|---|---|"]
    for name, (variant, data) in variants.items():
        lines.append(f"| [{variant.title}]({name}.md) | {_purpose(name)} |")
        (out / "variants" / f"{name}.md").write_text("\n".join(variant_page(name, variant, data)), encoding="utf-8")
    (out / "variants/index.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def on_data(chosen: Configuration, name: str) -> tuple[Variant, str]:
    """The variant as it is on the first data set on which it makes sense, and which one that is."""
    refused: UserError | None = None
    for data in DATA:
        try:
            found = chosen.variant(name, data)
            if found.incompatibility(chosen.datasets[data].shape) is None:
                return found, data
        except UserError as error:
            refused = error
    assert refused is not None
    raise refused


def variant_page(name: str, variant: Variant, data: str) -> Iterator[str]:
    """The lines of the page of one variant: what it fixes, results, formulas, file, sources."""
    chosen = [(axis, part) for axis in AXES for part in _listed(getattr(variant, axis)) if part.kind != "none"]
    parts = [pair for axis, part in chosen for pair in _with_inner(axis, part)]
    yield from (f"# {variant.title}", "", _purpose(name), "")
    yield from ("```console", f"$ dvc exp run summary -S loss={name}", "```", "")
    if (ROOT / f"docs/images/{name}.webp").exists():
        yield from (f"![Samples of {variant.title} on the digits](../images/{name}.webp)", "")
    yield from _results(name)
    yield from (f"## Formulas, on {data}", "")
    yield from (
        "r, f: the critic's scores of real and of generated samples. Each network minimises what stands here.",
        "",
    )
    for axis, part in parts:
        yield from (f"### {axis}: {part.kind}", "", _prose(inspect.getmodule(type(part)).__doc__), "")
        for owner in (
            type(part),
            *(getattr(type(part), player, None) for player in ("critic", "generator", "__call__")),
        ):
            doc = inspect.cleandoc(owner.__doc__ or "") if inspect.isclass(owner) or inspect.isfunction(owner) else ""
            if doc and inspect.isclass(owner):
                yield from (_prose(doc), "")
            elif doc:
                yield from (f"{owner.__name__.strip('_')}:", "", "```text", doc, "```", "")
        numbers = part.model_dump(mode="json", exclude={"kind"})
        if numbers:
            texts = {key: json.dumps(value).replace('"', "") for key, value in numbers.items()}
            yield from (", ".join(f"`{key}` = `{text}`" for key, text in texts.items()), "")
    yield from ("## Files", "")
    for base in _files(name):
        text = (ROOT / f"variants/{base}.yaml").read_text(encoding="utf-8").split("\n", 1)[1]
        yield from (f"`variants/{base}.yaml`:", "", "```yaml", text.rstrip(), "```", "")
    docs = " ".join(inspect.getmodule(type(part)).__doc__ or "" for _, part in parts)
    if found := sorted(set(ARXIV.findall(docs))):
        yield from ("## Sources", "", *(f"- [arXiv {number}](https://arxiv.org/abs/{number})" for number in found), "")


def _results(name: str) -> Iterator[str]:
    """The variant's row of the table in docs/results.md, between real data and noise; nothing where it has none."""
    found = (ROOT / "docs/results.md").read_text(encoding="utf-8").partition("<!-- end -->")[0].splitlines()
    rows = [line for line in found if line.startswith("|")]
    if own := [re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", row) for row in rows if f"/{name}.yaml)" in row]:
        yield from ("## Results on the digits", "", *rows[:3], *own, rows[-1], "")
        yield from ("[All, and how they were measured](../results.md)", "")


def _listed(value: Any) -> list[Any]:
    return [part for part in (value if isinstance(value, tuple | list) else [value]) if part is not None]


def _with_inner(axis: str, part: Part) -> Iterator[tuple[str, Part]]:
    """The part and those that it consists of, as the distance of an algorithm, each with its key."""
    yield axis, part
    for name, inner in part:
        if isinstance(inner, Part) and not isinstance(inner, Schedule):
            yield f"{axis}.{name}", inner


def _purpose(name: str) -> str:
    """The comment at the head of the variant's file, after the line that names the schema."""
    lines = (ROOT / f"variants/{name}.yaml").read_text(encoding="utf-8").splitlines()[1:]
    return " ".join(line[2:] for line in lines[: next(i for i, line in enumerate(lines) if line[:2] != "# ")])


def _files(name: str) -> Iterator[str]:
    """The variant and those that it lies on."""
    yield name
    found = re.search(r"^extends: (\w+)$", (ROOT / f"variants/{name}.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    if found:
        yield from _files(found[1])


def _prose(text: str | None) -> str:
    """A docstring as Markdown: nothing in it is markup but code between backticks; papers become links."""
    parts = re.split(r"(`[^`]*`)", inspect.cleandoc(text or ""))
    parts[::2] = [re.sub(r"([*_<\[\]])", r"\\\1", part) for part in parts[::2]]
    return ARXIV.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", "".join(parts))


def _links(text: str) -> str:
    """Links to files of the repository that are pages of the site, or none at all."""
    text = re.sub(r"\]\(\.\./(CONTRIBUTING|CHANGELOG)\.md", lambda found: f"]({found[1].lower()}.md", text)
    return re.sub(r"\[([^]]+)\]\(\.\./variants/(\w+)\.yaml\)", r"[\1](variants/\2.md)", text)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
