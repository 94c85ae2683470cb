"""What curves are made of: the policies of a run folder, or adapters wherever they lie."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offtarget.board.cell import START, Cell
from offtarget.board.folder import read_cells
from offtarget.board.group import evaluation_of, row_key
from offtarget.board.labels import row_labels
from offtarget.curve.run import Row
from offtarget.engine.links import policy_of
from offtarget.engine.run import RUN_FILE, read_run
from offtarget.errors import ConfigError
from offtarget.models import resolve
from offtarget.store import Store


@dataclass(frozen=True)
class Source:
    """Policies, and how a run asked them."""

    rows: tuple[Row, ...]
    behaviours: tuple[str, ...] = ()
    """Of the run; empty for adapters alone."""
    roles: Mapping[str, str] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None


def read_sources(given: Sequence[str], store: Store) -> Source:
    """The policies that were named.

    Args:
        given: one run folder; or adapters, of which those with a comma between are seeds of one curve.
        store: where models are kept.

    Raises:
        ConfigError: a run without policies, several runs, or no such adapter.
    """
    runs = [g for g in given if (Path(g) / RUN_FILE).is_file()]
    if len(runs) == 1 == len(given):
        return _of_run(Path(runs[0]), store)
    if runs:
        raise ConfigError(f"{runs[0]}: name one run folder, or adapters alone (such as {runs[0]}/policies/dpo-s0)")
    labels = _labels(given)
    rows = []
    for label, text in zip(labels, given, strict=True):
        paths = [part for part in text.split(",") if part]
        rows.append(Row(label, {k: resolve(path, store) for k, path in enumerate(paths)}))
    return Source(tuple(rows))


def _labels(given: Sequence[str]) -> list[str]:
    """The name of each first folder, or all of what was given where two have the same."""
    short = [Path(text.split(",")[0]).name or text for text in given]
    return short if len(set(short)) == len(short) else list(given)


def _of_run(folder: Path, store: Store) -> Source:
    recipe, _, _ = read_run(folder)
    cells = [c for c in read_cells(folder / "cells").cells if c.spec.protocol != START]
    kept = {c.key: path for c in cells if (path := policy_of(folder, c)) is not None}
    own = [c for c in cells if c.key in kept]
    if not own:
        raise ConfigError(
            f"{folder}: none of its policies is there any more; run its recipe again (nothing is trained twice)"
        )
    asked = [evaluation_of(c) for c in own]
    if any(a != asked[0] for a in asked):
        raise ConfigError(f"{folder}: its cells were asked in several ways; name the policies ({folder}/policies/...)")
    keys: dict[str, list[Cell]] = defaultdict(list)
    for c in sorted(own, key=lambda c: c.created):
        keys[row_key(c)].append(c)
    labels = row_labels(keys)
    order = [run.protocol for run in recipe.protocols]
    rows = []
    for key, same in keys.items():
        by_seed = {c.spec.seed: c for c in same}  # the youngest of several with one seed
        policies = {s: resolve(str(kept[by_seed[s].key]), store) for s in sorted(by_seed)}
        rows.append(
            (order.index(p) if (p := same[0].spec.protocol) in order else len(order), Row(labels[key], policies))
        )
    return Source(
        tuple(row for _, row in sorted(rows, key=lambda r: (r[0], r[1].label))),
        behaviours=tuple(recipe.behaviours),
        roles=dict(recipe.roles),
        evaluation=asked[0],
        template=recipe.chat_template,
    )
