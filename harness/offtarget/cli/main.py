"""Assembles the verbs, and turns every error into one line and an exit code.

Exit codes: 0 done or passed · 1 gate failed · 2 wrong usage, configuration or data · 3 could not decide ·
130 interrupted, 143 terminated.
"""

import errno
import gc
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from offtarget.cli import (
    audit,
    bench,
    board,
    cell,
    check,
    claims,
    compare,
    concepts,
    curve,
    data,
    demo,
    diff,
    drop,
    evaluate,
    export,
    forecast,
    gate,
    lens,
    listing,
    new,
    plan,
    reproduce,
    review,
    rows,
    run,
    signals,
    status,
    verdicts,
    verify,
    why,
)
from offtarget.cli.ui import printable
from offtarget.errors import OfftargetError
from offtarget.streams import write_what_can_be_written

app = typer.Typer(
    name="offtarget",
    help="Audit a preference dataset before training on it, decide concept by concept what may be learned, "
    "reshape, retrain with DPO, and measure what really changed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("demo")(demo.demo)
app.command("list")(listing.list_)
app.command("show")(listing.show)
app.add_typer(data.app, name="data")
app.command("audit")(audit.audit)
app.command("concepts")(concepts.concepts)
app.command("why")(why.why)
app.command("rows")(rows.rows)
app.command("diff")(diff.diff)
app.command("review")(review.review)
app.add_typer(verdicts.app, name="verdicts")
app.command("gate")(gate.gate)
app.command("drop")(drop.drop)
app.command("plan")(plan.plan)
app.command("check")(check.check)
app.command("new")(new.new)
app.command("run")(run.run)
app.command("reproduce")(reproduce.reproduce)
app.command("verify")(verify.verify)
app.command("status")(status.status)
app.command("forecast")(forecast.forecast)
app.command("eval")(evaluate.eval_)
app.command("cell")(cell.cell)
app.command("curve")(curve.curve)
app.command("compare")(compare.compare)
app.add_typer(board.app, name="board")
app.command("claims")(claims.claims)
app.command("bench-audits")(bench.bench_audits)
app.add_typer(export.app, name="export")
app.add_typer(lens.app, name="lens")


def _version(value: bool) -> None:
    if value:
        from offtarget import __version__

        typer.echo(f"offtarget {__version__}")
        raise typer.Exit


@app.callback()
def options(
    registry: Annotated[
        list[Path] | None,
        typer.Option(
            help="Also search this folder for tasks/, datasets_registry/ and baselines/. May be repeated; "
            "works before or after the verb."
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads; by default the cores this process may use.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what is being done in more detail.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every verb."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", force=True)
    for noisy in ("httpx", "filelock", "transformers", "datasets", "torch", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # it sets the level of its logger itself
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    else:
        from offtarget.machine import cores

        os.environ.setdefault("OMP_NUM_THREADS", str(cores()))
    if registry:
        from offtarget.registry import use

        use(registry)


def hoist(argv: list[str]) -> list[str]:
    """Options of every verb may be anywhere: move them before the verb."""
    front, rest = [], []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in {"--registry", "--threads"}:
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word == "--verbose" or word.startswith(("--registry=", "--threads=")):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""Typer carries its own click in some versions and shares the installed one in others."""

INTERRUPTED = 130
"""Of typer, for an interrupt."""
SAY_INTERRUPTED = "interrupted; what was finished is kept, and the same command goes on from there"

DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EISDIR: "a folder of that name is in the way",
}


FULL = re.compile(r"No space left on device|os error 28\b|PytorchStreamWriter failed writing")


def main(argv: list[str] | None = None) -> None:
    """Run the command line; exits with the code of the contract."""
    # at Python's own 700 objects, loading transformers spends a fifth of its time in collections
    gc.set_threshold(100_000, 20)
    write_what_can_be_written()
    with signals.ending(f"offtarget: {SAY_INTERRUPTED}\n"):
        code = call(sys.argv[1:] if argv is None else argv)
    sys.stdout.flush()
    if signals.received():
        signals.end(code)
    sys.exit(code)


def call(argv: list[str]) -> int:
    """Run one command and give its exit code; errors are one line on the standard error stream."""
    try:
        code = app(hoist(argv), standalone_mode=False, obj=argv)
        return _interrupted() if code == INTERRUPTED else code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except Exception as e:
        # Python and libraries wrap the interruption that they meet in errors of their own
        return _interrupted() if signals.received() else _said(e, argv)


def _said(e: Exception, argv: list[str]) -> int:
    """An error as one line, and its exit code; what nobody foresaw is raised again."""
    if isinstance(e, OfftargetError):
        return _fail(str(e), e.exit_code)
    if isinstance(e, UsageError):
        if type(e).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(e.format_message() + "\n")
            return 2
        dashed = next((w for w in argv if w.startswith("-") and os.path.lexists(w)), None)
        hint = f"; for the file of that name write ./{dashed}" if dashed else ""
        return _fail(f"{e.format_message()}{hint} (see `offtarget --help`)", 2)
    if isinstance(e, BrokenPipeError):
        sys.stderr.close()
        return 0
    if isinstance(e, OSError):
        if e.errno in DISK:
            where = f" ({e.filename})" if e.filename else ""
            return _fail(f"cannot write: {DISK[e.errno]}{where}; choose another --out or OFFTARGET_HOME", 2)
        return _fail(f"the system refused: {e}; check the path and try again", 2)
    if FULL.search(str(e)):  # safetensors and torch say it in their own errors
        return _fail(f"cannot write: {DISK[errno.ENOSPC]}; choose another --out or OFFTARGET_HOME", 2)
    raise e


def _interrupted() -> int:
    return _fail(SAY_INTERRUPTED, signals.exit_code())


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"offtarget: {printable(' '.join(message.split()))}\n")
    return code
