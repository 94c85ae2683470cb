"""`--engine NAME --workers N` as a crew, or as commands to run elsewhere."""

import re
from collections.abc import Sequence
from importlib.util import find_spec

from offtarget.engine.executors.crew import Crew
from offtarget.errors import ConfigError, unknown_name

PACKAGES = {"ray": "ray", "slurm": "submitit"}
ENGINES = ("local", "ray", "slurm", "shards:N")


def crew_of(engine: str | None, workers: int | None) -> Crew | None:
    """The crew that is asked for; None: this process alone.

    Args:
        engine: local, ray or slurm.
        workers: how many; 2 by default.

    Raises:
        ConfigError: no such engine, or a number of workers without one.
    """
    if engine is None:
        if workers is not None:
            raise ConfigError("--workers: say where they run with --engine local, ray or slurm")
        return None
    n = 2 if workers is None else workers
    if (package := PACKAGES.get(engine)) and find_spec(package) is None:  # before anything is read
        raise ConfigError(f"--engine {engine} needs {package}: `pip install 'offtarget[{engine}]'`")
    if engine == "local":
        from offtarget.engine.executors.local import Local

        return Crew(Local(), n)
    if engine == "ray":
        from offtarget.engine.executors.ray import Ray

        return Crew(Ray(), n)
    if engine == "slurm":
        from offtarget.engine.executors.slurm import Slurm

        return Crew(Slurm(), n)
    raise unknown_name("engine", engine, ENGINES)


def shards_of(engine: str | None) -> int | None:
    """The n of `shards:n`; None of any other engine.

    Raises:
        ConfigError: n is no number from 1.
    """
    if engine is None or not engine.startswith("shards"):
        return None
    found = re.fullmatch(r"shards:([1-9][0-9]{0,3})", engine)
    if not found:
        raise ConfigError(f"--engine {engine}: write it as shards:N, for instance shards:4")
    return int(found[1])


def shard_commands(argv: Sequence[str], n: int) -> list[str]:
    """The command of each share, for any scheduler: the same, with `--shard i/n` in place of the engine.

    Args:
        argv: what was called, without the program.
        n: how many.
    """
    import shlex

    kept, skip = [], False
    for word in argv:
        if skip:
            skip = False
        elif word in ("--engine", "--workers"):
            skip = True
        elif not word.startswith(("--engine=", "--workers=")):
            kept.append(word)
    return [shlex.join(["offtarget", *kept, "--shard", f"{i}/{n}"]) for i in range(1, n + 1)]
