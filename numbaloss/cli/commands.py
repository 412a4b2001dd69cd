"""The commands and their options. What a command does is in a module of its own, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from numbaloss.cli.errors import PlainErrors

app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Loss functions as compiled kernels: what there is, what it computes, and whether it runs well here.",
    epilog="Start with [bold]numbaloss demo[/bold], which trains a classifier, or [bold]numbaloss list[/bold].",
)
cache = typer.Typer(no_args_is_help=True, help="The compiled kernels on disk.")
app.add_typer(cache, name="cache", rich_help_panel="This machine")

LOSSES, MACHINE = "Losses", "This machine"


def _complete_loss(incomplete: str) -> list[str]:
    from numbaloss.plugins.registry import builtins

    return [name for name in builtins() if name.startswith(incomplete)]


def _complete_answer(question: str) -> Callable[[str], list[tuple[str, str]]]:
    def complete(incomplete: str) -> list[tuple[str, str]]:
        from numbaloss.guide import table

        answers = table().question(question).answers.items()
        return [(answer, means) for answer, means in answers if answer.startswith(incomplete)]

    return complete


def _answer(question: str, text: str) -> Any:
    """An option of `choose`."""
    return typer.Option(help=text, autocompletion=_complete_answer(question))


def _version(asked: bool) -> None:
    if asked:
        import numbaloss

        typer.echo(f"numbaloss {numbaloss.__version__}")
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
Losses = Annotated[
    list[str] | None,
    typer.Option("--losses", "-l", help="Only these; names with commas between, or the option repeated."),
]


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The options before a command."""


@app.command("list", rich_help_panel=LOSSES)
def list_(
    task: Annotated[str | None, typer.Option(help="Only losses of this task, such as regression.")] = None,
    target: Annotated[str | None, typer.Option(help="Only losses for such targets, such as class.")] = None,
    hessian: Annotated[
        bool | None, typer.Option("--hessian/--no-hessian", help="Only losses with (without) a Hessian.")
    ] = None,
    json: Json = False,
) -> None:
    """Name the losses, with what is known of each."""
    from numbaloss.cli.listing import list_losses

    list_losses(task, target, hessian, json)


@app.command(rich_help_panel=LOSSES)
def show(
    loss: Annotated[
        str,
        typer.Argument(
            help="A name, or a name with hyper-parameters: [bold]'huber_loss(delta=2)'[/bold].",
            autocompletion=_complete_loss,
        ),
    ],
    source: Annotated[bool, typer.Option("--source", help="Print the mathematics and the kernel made of it.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it into this PNG, SVG or PDF file.")] = None,
    plain: Annotated[bool, typer.Option("--no-plot", help="Leave the plot out.")] = False,
) -> None:
    """Explain one loss: formula, facts, value and slope."""
    from numbaloss.cli.showing import show_loss

    show_loss(loss, source, plot, plain)


@app.command(rich_help_panel=LOSSES)
def choose(
    task: Annotated[str | None, _answer("task", "What is predicted, such as [bold]regression[/bold].")] = None,
    outputs: Annotated[
        str | None, _answer("outputs", "What comes out of the network, such as [bold]logits[/bold].")
    ] = None,
    targets: Annotated[str | None, _answer("targets", "What the targets are, such as [bold]labels[/bold].")] = None,
    goal: Annotated[str | None, _answer("goal", "What matters most, such as [bold]recall[/bold].")] = None,
    imbalance: Annotated[str | None, _answer("imbalance", "none, some or extreme: how uneven the classes are.")] = None,
    outliers: Annotated[str | None, _answer("outliers", "none, some or many: outliers, or wrong targets.")] = None,
    json: Json = False,
) -> None:
    """Find the loss for a task: asks a few questions, or takes the answers as options."""
    from numbaloss.cli.choosing import choose_loss

    answers = {
        "task": task,
        "outputs": outputs,
        "targets": targets,
        "goal": goal,
        "imbalance": imbalance,
        "outliers": outliers,
    }
    choose_loss(answers, json)


@app.command(rich_help_panel=LOSSES)
def check(
    losses: Annotated[
        list[str],
        typer.Argument(help="Names of losses, or [bold]all[/bold].", autocompletion=_complete_loss, metavar="NAME|all"),
    ],
    json: Json = False,
) -> None:
    """Run the conformance suite; exit with 1 if a check fails."""
    from numbaloss.cli.checking import check_losses

    if not check_losses(losses, json):
        raise typer.Exit(1)


@app.command(rich_help_panel=LOSSES)
def demo(
    loss: Annotated[
        str, typer.Option(help="A loss, or a sum such as [bold]0.7*cross_entropy+0.3*focal_loss[/bold].")
    ] = "cross_entropy",
    data: Annotated[
        str, typer.Option(help="[bold]digits[/bold], [bold]fashion-mnist[/bold], or a folder of IDX files.")
    ] = "digits",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images.")] = 30,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Step size of Adam.")] = 2e-3,
    hidden: Annotated[str, typer.Option(help="Sizes of the hidden layers, with commas between.")] = "256,128",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the weights and of the shuffling.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder for the history, CSV and PNG.")] = Path("numbaloss-demo"),
) -> None:
    """Train a classifier of images with any loss, in NumPy."""
    from numbaloss.cli.training import train_demo

    train_demo(loss, data, epochs, batch_size, learning_rate, hidden, seed, output)


@app.command(rich_help_panel=MACHINE)
def doctor(json: Json = False) -> None:
    """Say what runs here, and what is degraded and why."""
    from numbaloss.cli.doctor import examine

    examine(json)


@app.command(rich_help_panel=MACHINE)
def warmup(
    losses: Losses = None,
    dtypes: Annotated[str, typer.Option(help="Element types, with commas between.")] = "float32,float64",
    hessian: Annotated[bool, typer.Option("--hessian", help="Also what grad_and_hess runs.")] = False,
) -> None:
    """Compile kernels ahead, so that first calls are fast."""
    from numbaloss.cli.warming import warm_up

    warm_up(losses, dtypes, hessian)


@app.command(rich_help_panel=MACHINE)
def plugins(
    json: Json = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where broken plugins failed.")] = False,
) -> None:
    """Name the plugins: active, blocked or broken, and why."""
    from numbaloss.cli.listing import list_plugins

    list_plugins(json, traceback)


@app.command("new-plugin", rich_help_panel=LOSSES)
def new_plugin(
    name: Annotated[str, typer.Argument(help="What the losses are for, such as [bold]time-series[/bold].")],
    folder: Annotated[Path | None, typer.Option("--in", help="Where to put it; here, if not given.")] = None,
    license_name: Annotated[str, typer.Option("--license", help="MIT, BSD-3-Clause or none.")] = "MIT",
    author: Annotated[str, typer.Option(help="Who holds the copyright.")] = "Its authors",
) -> None:
    """Write a package with one loss, its tests and its CI file."""
    from numbaloss.cli.scaffolding import new_plugin

    new_plugin(name, folder, license_name, author)


@app.command(
    rich_help_panel=MACHINE,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
    options_metavar="[OPTIONS]",
)
def bench(context: typer.Context) -> None:
    """Time losses against PyTorch, JAX and scikit-learn."""
    from numbaloss.bench.command import bench as command

    own = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode="rich")
    own.command()(command)
    own(context.args, prog_name=context.command_path)


@cache.command("info")
def cache_info(json: Json = False) -> None:
    """Say where the kernels lie and how much room they take."""
    from numbaloss.cli.doctor import describe_cache

    describe_cache(json)


@cache.command("clear")
def cache_clear() -> None:
    """Remove every stored kernel; they are compiled again when needed."""
    from numbaloss.compile.kernel_files import clear

    count = clear()
    typer.echo(f"{count} {'file' if count == 1 else 'files'} removed")
