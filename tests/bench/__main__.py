"""`python -m tests.bench [NAME...] [--quick] [--json FILE]`: a table, and figures for programs.

`python -m tests.bench [NAME...] --plot FILE.json OUT.svg` draws the figures of an earlier run.
"""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.bench.frame import Figure, Run, read, write
from tests.bench.plot import plot
from tests.bench.registry import BENCHES


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(BENCHES)))
@click.option("--quick", is_flag=True, help="One round, smaller inputs: does it still run?")
@click.option(
    "--json",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures here, as a JSON list.",
)
@click.option(
    "--plot",
    "drawing",
    nargs=2,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.json OUT.svg",
    help="Measure nothing; draw the figures of an earlier run.",
)
def main(
    *,
    names: tuple[str, ...],
    quick: bool,
    path: Path | None,
    drawing: tuple[Path, Path] | None,
) -> None:
    """Measure CatNet and its peers in one run; every ratio above 1 says that CatNet is better."""
    if drawing is not None:
        source, picture = drawing
        known = [each for each in read(source) if not names or each.bench in names]
        picture.write_text(plot(known, title="CatNet Controller: times better"), encoding="utf-8")
        return
    console = Console(stderr=True)
    chosen = [BENCHES[name] for name in names or BENCHES]
    figures: list[Figure] = []
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} figures, {task.fields[doing]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        for bench in chosen:
            task = progress.add_task(f"{bench.name}: {bench.about}", total=None, doing="")

            def tell(what: str, task: object = task) -> None:
                progress.update(task, doing=what)  # type: ignore[arg-type]

            for figure in bench.run(Run(quick=quick, tell=tell)):
                figures.append(figure)
                progress.advance(task)
            progress.update(task, total=1, completed=1, doing="done")
    if path is not None:
        write(figures, path)
    Console().print(_table(figures))


def _table(figures: list[Figure]) -> Table:
    table = Table("bench", "measure", "ours", "theirs", "against", "ratio")
    for each in figures:
        colour = "green" if (each.ratio or 1) >= 1 else "yellow"
        table.add_row(
            each.bench,
            each.measure,
            _number(each.ours),
            _number(each.theirs),
            each.against,
            f"[{colour}]{_number(each.ratio)}[/]",
        )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
