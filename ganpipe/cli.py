"""The command line. Commands import what they need when they run, so that --help answers at once."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganpipe.utils.errors import ResourceError, UserError, resource_hint

if TYPE_CHECKING:
    from ganpipe.config.configuration import Configuration

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train, evaluate and compare GANs. The pipeline runs under DVC: dvc repro, dvc exp run summary -S loss=lsgan.",
)
Params = Annotated[Path, typer.Option("--params", help="The parameters to read.")]


def main() -> None:
    """Entry point: an illegal input is one sentence on stderr and exit code 2; out of disk or memory, one and 1."""
    try:
        app()
    except UserError as error:
        print(f"ganpipe: {error}", file=sys.stderr)
        sys.exit(2)
    except (ResourceError, OSError, RuntimeError, MemoryError) as error:
        if (sentence := resource_hint(error)) is None:
            raise
        print(f"ganpipe: {sentence}.", file=sys.stderr)
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        from ganpipe import __version__

        print(f"ganpipe {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


def _checked(params: Path) -> Configuration:
    from ganpipe.config import configuration

    chosen = configuration.load(params)
    configuration.check(chosen)
    return chosen


@app.command()
def check(params: Params = Path("params.yaml")) -> None:
    """Validate params.yaml, the presence of the data and DVC's lock files: a sentence and exit code 2 if need be."""
    from ganpipe.pipeline import locks
    from ganpipe.pipeline.specs import resolve_runtime

    locks.check(Path())
    locks.check_git(Path())
    chosen = _checked(params)
    resolve_runtime(chosen.runtime)
    print(f"{params} is valid: {len(chosen.variants)} variants, {len(chosen.seeds)} seeds, data {chosen.data.kind}.")


@app.command()
def plan(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    selected: Annotated[bool, typer.Option(help="Only what `dvc repro` runs, not `dvc repro -P`.")] = False,
) -> None:
    """Say which stages `dvc repro -P` will run, why, and about how long they take. * marks those of `dvc repro`."""
    from rich.console import Console
    from rich.table import Table

    from ganpipe.pipeline import locks
    from ganpipe.pipeline import plan as planning

    root = Path()
    locks.check(root)
    items = planning.plan(root, lambda: _checked(root / "params.yaml"), selected)
    if as_json:
        print(json.dumps([vars(item) for item in items], indent=2))
        return
    if not items:
        print("Everything is up to date: no stage will run.")
        return
    table = Table("", "stage", "why", "about", box=None, pad_edge=False)
    for item in items:
        table.add_row("*" if item.selected else "", item.stage, item.reason, planning.duration(item.seconds))
    Console(soft_wrap=not sys.stdout.isatty()).print(table, markup=False)
    timed = [item.seconds for item in items if item.seconds is not None]
    about = (
        f"the {len(timed)} that were timed before take about {planning.duration(sum(timed))}"
        if timed
        else "none was timed"
    )
    print(f"{len(items)} stages run, or are restored from DVC's run cache; {about}.")


@app.command()
def sweep(
    variants: Annotated[list[str] | None, typer.Argument(help="Variants; none means all.")] = None,
    jobs: Annotated[str, typer.Option("-j", "--jobs", help="How many at a time; auto: as the cores allow.")] = "auto",
    per_gpu: Annotated[int | None, typer.Option("--per-gpu", help="How many at a time on each GPU.")] = None,
    data: Annotated[str | None, typer.Option(help="Data sets, one after another: digits,ring,grid.")] = None,
    on: Annotated[str, typer.Option("--on", help="local, slurm or ray.")] = "local",
    slurm: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of submitit; any number.")] = None,
    device: Annotated[str | None, typer.Option(help="Of the cluster: cpu, cuda or mps.")] = None,
    precision: Annotated[str | None, typer.Option(help="Of the cluster: float32, bfloat16 or tf32.")] = None,
    remote: Annotated[bool, typer.Option("--remote", help="No shared disk: use DVC's remote.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Say how far a sweep on a cluster is, and end.")] = False,
) -> None:
    """Run what `dvc repro -P` would, several stages at a time; name what failed and finish the rest."""
    from ganpipe.pipeline import cluster, data_sets, locks, progress

    if status:
        return print("\n".join(progress.status(Path())))
    options = cluster.Options(on, jobs, per_gpu, tuple(slurm or ()), device, precision, remote)
    run, params = partial(cluster.sweep, root=Path(), variants=variants or (), options=options), Path("params.yaml")
    locks.check(Path())
    code = run(_checked(params)) if data is None else data_sets.one_after_another(params, data.split(","), run)
    raise typer.Exit(code)


@app.command()
def exps(
    every: Annotated[bool, typer.Option("-A", "--all-commits", help="Of every commit, not of HEAD alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List DVC's experiments: the variant, what was overridden, the main metric with its 95 % interval, the status."""
    from ganpipe.pipeline.exps import experiments, print_table

    found = experiments(Path(), every)
    if as_json:
        print(json.dumps([vars(experiment) for experiment in found], indent=2))
    else:
        print_table(found)


@app.command()
def variants(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, params: Params = Path("params.yaml")
) -> None:
    """List the variants: the parts that each combines, on the chosen data."""
    from ganpipe.pipeline.listing import entries, print_table

    found = entries(_checked(params))
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print_table(found)


@app.command()
def sample(
    run: Annotated[str, typer.Argument(help="A run: its folder, or <variant>/<seed> on the chosen data.")],
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=10_000, help="How many samples.")] = 64,
    output: Annotated[Path, typer.Option("-o", "--output", help="The PNG to write.")] = Path("grid.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of the latents.")] = 0,
    averaged: Annotated[bool, typer.Option("--ema/--raw", help="The averaged generator or the last one.")] = True,
    interpolate: Annotated[
        bool, typer.Option("--interpolate", help="-n rows, each from one sample to another.")
    ] = False,
    label: Annotated[
        int | None, typer.Option(help="The class, of a conditional variant; if none, a column each.")
    ] = None,
) -> None:
    """Draw new samples from a trained generator and write them as one picture."""
    from ganpipe.training.sample import sample_run

    sample_run(_run_folder(run), number, seed, averaged, output, interpolate=interpolate, label=label)
    print(output)


@app.command()
def animate(
    run: Annotated[str, typer.Argument(help="A run: its folder, or <variant>/<seed> on the chosen data.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The WebP or GIF to write.")] = Path("training.webp"),
) -> None:
    """Show the samples of a training's fixed noise, step after step, as one moving picture."""
    from ganpipe.report.animation import animate_run

    animate_run(_run_folder(run), output)
    print(output)


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="A run: its folder, or <variant>/<seed> on the chosen data.")],
    to: Annotated[str, typer.Option("--to", help="torch-export, onnx or mlflow.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="What to write.")] = None,
    averaged: Annotated[bool, typer.Option("--ema/--raw", help="The averaged generator or the last one.")] = True,
) -> None:
    """Write a trained generator for other programs; -o is generator.pt2, generator.onnx or generator-mlflow."""
    from ganpipe.export.write import export_run

    print(export_run(_run_folder(run), to, output, averaged))


@app.command()
def register() -> None:
    """Put the best seed of the selected variant into MLflow's model registry, under the alias champion."""
    from ganpipe.config.overlay import selected
    from ganpipe.export.registry import register as put
    from ganpipe.tracking.paths import find_root

    print(put(find_root(), *selected(Path("params.yaml"))))


@app.command()
def evaluate(
    samples: Annotated[list[Path], typer.Argument(help="A folder of images, a .npy or an .npz; several are seeds.")],
    data: Annotated[str | None, typer.Option(help="The data set; that of params.yaml if none is named.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the row; that of the folder or file if none is given.")] = None,
) -> None:
    """Evaluate samples that another program made, as a row of the table of all variants and a page of its own."""
    from ganpipe.pipeline.external import evaluate_external

    said, page = evaluate_external(_checked(Path("params.yaml")), samples, data, name)
    zoo = page.parent / "zoo.html"
    print("\n".join([*said, f"page: {page}", f"{zoo} has the row after the next `ganpipe sweep` or `dvc repro -P`."]))


@app.command()
def verify(
    run: Annotated[str, typer.Argument(help="A run: its folder, or <variant>/<seed> on the chosen data.")],
) -> None:
    """Train a run again and compare every file that it wrote, bit by bit; exit code 1 where one differs."""
    from ganpipe.training.verify import verify as again

    found = again(_run_folder(run))
    for name in found.different:
        print(f"differs: {name}")
    total = len(found.same) + len(found.different)
    print("\n".join([*found.notes, f"{len(found.same)} of {total} files are the same, bit by bit."]))
    if found.different:
        raise typer.Exit(1)


@app.command()
def variance(
    variant: Annotated[str, typer.Argument(help="A variant of params.yaml.")],
    runs: Annotated[int, typer.Option(min=5, max=1000, help="Trainings for each source of chance.")] = 10,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, max=1000, help="Trainings at a time.")] = 1,
) -> None:
    """Train a variant with one source of chance varied at a time, and show what share of the variance each has."""
    from ganpipe.variance.measure import measure
    from ganpipe.variance.page import write_page

    print(f"page: {write_page(measure(_checked(Path('params.yaml')), variant, runs, jobs))}")


@app.command()
def across(data: Annotated[list[str], typer.Argument(help="Data sets, two or more, that are evaluated.")]) -> None:
    """Compare the variants across data sets, by scores between noise and real data and by ranks, on one page."""
    from ganpipe.across.page import write_page

    print(f"page: {write_page(Path(), data)}")


def _run_folder(run: str) -> Path:
    folder = Path(run)
    if os.path.isfile(folder / "run.json"):  # which is false of an impossible name, too
        return folder
    from ganpipe.config.overlay import selected

    return Path("runs", selected(Path("params.yaml"))[0], run)


@app.command()
def schema(output: Annotated[Path, typer.Option("-o", "--output", help="The folder.")] = Path(".cache/schema")) -> None:
    """Write the JSON schemas of params.yaml and of variants/, by which editors complete and underline."""
    from ganpipe.config.schema import schemas
    from ganpipe.utils.io import write_json

    for name, content in schemas().items():
        try:
            write_json(output / name, content)
        except OSError as error:
            raise UserError(
                f"--output is {output}, which cannot be written ({error.strerror}): choose another place."
            ) from None
        print(output / name)


@app.command()
def page(zoo: Annotated[bool, typer.Option("--zoo", help="The page of all variants.")] = False) -> None:
    """Print where the page of the selected variant is, or that of all variants."""
    from ganpipe.config.overlay import selected

    data, loss = selected(Path("params.yaml"))
    path = Path("reports", data, "zoo.html" if zoo else f"{loss}.html")
    if not path.is_file():
        raise UserError(f"{path} is not there: run `{'ganpipe sweep' if zoo else 'dvc repro'}` first.")
    print(f"The page: {path.resolve()}")


@app.command()
def clean() -> None:
    """Remove what vanished variants, seeds and data sets left behind; DVC's cache keeps it."""
    from ganpipe.pipeline.clean import clean as remove

    removed = remove(_checked(Path("params.yaml")), Path())
    print("\n".join([*removed, f"{len(removed)} leftovers removed."]))


@app.command()
def track() -> None:
    """Complete MLflow's runs from the records in .tracking/, runs/ and evals/; nothing is logged twice."""
    from ganpipe.tracking.paths import find_root
    from ganpipe.tracking.sync import sync

    report = sync(find_root())
    print(report)
    if report.problems:
        print("\n".join(report.problems), file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def ui(host: str = "127.0.0.1", port: Annotated[int, typer.Option(min=1, max=65535)] = 5000) -> None:
    """Bring MLflow's store up to date, open its pages and print a link to the selected variant.

    On this machine only unless you name another host.
    """
    from ganpipe.config.overlay import selected
    from ganpipe.tracking.paths import find_root
    from ganpipe.tracking.ui import ui as serve

    root = find_root()
    params = root / "params.yaml"
    serve(root, selected(params) if params.is_file() else None, host, port)


if __name__ == "__main__":
    main()
