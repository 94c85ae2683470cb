"""What is within lists and mappings of a file that nothing fits: rows, a label, answers with their scores."""

from collections.abc import Sequence
from typing import Any

from offtarget.data import columns as names_of
from offtarget.data.amounts import amount_of
from offtarget.data.cells import NO_AMOUNT, Row, cell_of
from offtarget.data.evidence import NUMBER, OTHER, RECORDS, TEXT, Census, Evidence
from offtarget.data.labels import read_winner
from offtarget.data.winners import LabelRule

LOW = {"rank", "ranks", "ranking", "place", "position", "loss", "losses", "perplexity", "ppl", "error", "errors", "nll"}
"""Words for numbers of which the lowest is the best."""


def is_amount(evidence: Evidence, column: str) -> bool:
    """Whether a column holds numbers, or text that says numbers such as 4/5."""
    if evidence.columns[column].kind == NUMBER:
        return True
    cells = [c for row in evidence.rows if isinstance(c := cell_of(row, column), str) and c.strip()]
    return _all_amounts(cells) and evidence.columns[column].kind == TEXT


def _all_amounts(cells: Sequence[object]) -> bool:
    """Whether cells are numbers, but for those that say that there is none."""
    known = [c for c in cells if str(c).strip().lower() not in NO_AMOUNT]
    return len(known) >= 0.5 * len(cells) > 0 and all(amount_of(c) is not None for c in known)


def listed(seen: Census) -> str | None:
    """What to say of a list of answers with a list of numbers beside it, or within it."""
    rows = seen.whole.rows[:100]
    lists = _lists(rows, seen.whole)
    texts = [c for c, cells in lists.items() if all(isinstance(x, str) and len(x) > _WORDY for v in cells for x in v)]
    for answers in texts:
        for beside, cells in lists.items():
            even = all(len(x) == len(y) for x, y in zip(lists[answers], cells, strict=False))
            if beside in texts or not even or not _all_amounts([x for v in cells for x in v]):
                continue
            found = f"a list of answers to each prompt ({answers}) and a number for each of them ({beside})"
            words = {w for part in beside.split(".") for w in names_of.words_of(part)}
            ways = [
                f"--columns responses={answers},{role}={beside} (the {which} is the best)"
                for role, which in (("ranks", "lowest"), ("scores", "highest"))
            ]
            said = ways if words & LOW else ways[1:]
            return f"{found}; say which is best with {' or '.join(said)}"
    return None


_WORDY = 8
"""Characters from which texts in a list may be answers."""


def _lists(rows: Sequence[Row], evidence: Evidence) -> dict[str, list[list[Any]]]:
    """Columns of which every cell is a list of at least two plain values, also those of mappings in a list."""
    names = list(evidence.columns)
    for name, column in evidence.columns.items():
        first = cell_of(rows[0], name) if column.kind == RECORDS else None
        names += [f"{name}.{key}" for key in first[0]] if isinstance(first, list) and first else []
    out = {}
    for name in names:
        cells = [cell_of(row, name) for row in rows]
        if all(isinstance(c, list) and len(c) > 1 and not isinstance(c[0], list | dict) for c in cells):
            out[name] = cells
    return out


def nested_rows(seen: Census) -> str | None:
    """What to say of one object that keeps the rows somewhere within it."""
    if seen.whole.n != 1:
        return None
    path, rows = _rows_within(dict(seen.whole.rows[0]), "", 4)
    if not path:
        return None
    held = [k for k, v in rows[0].items() if isinstance(v, dict) and len(v) > 1]
    path += "[]" + (f".{held[0]}" if len(held) == 1 else "")
    inner = rows[0][held[0]] if len(held) == 1 else rows[0]
    return (
        f"one object, whose rows seem to be nested in {path.lstrip('.')} ({len(rows)} of them, with {', '.join(list(inner)[:6])}); "
        f"write them one a line, for instance with `jq -c '{path}' OLD > NEW.jsonl`"
    )


def _rows_within(value: dict[str, Any], path: str, depth: int) -> tuple[str, list[dict[str, Any]]]:
    """Where a mapping keeps its longest list of mappings, and that list."""
    best: tuple[str, list[dict[str, Any]]] = ("", [])
    for key, inner in value.items():
        if isinstance(inner, dict) and depth:
            found = _rows_within(inner, f"{path}.{key}", depth - 1)
        elif isinstance(inner, list) and len(inner) > 1 and all(isinstance(x, dict) for x in inner):
            found = (f"{path}.{key}", inner)
        else:
            continue
        best = max(best, found, key=lambda x: len(x[1]))
    return best


def nested_label(seen: Census, answers: Sequence[str]) -> str | None:
    """What to say where the label is within lists and mappings, as labelling tools write it."""
    rows = seen.whole.rows
    for name, column in seen.whole.columns.items():
        if column.kind not in (RECORDS, OTHER):
            continue
        paths = _leaves(cell_of(rows[0], name), name, _DEEP)
        for path in paths:
            if path in answers or any(path not in _leaves(cell_of(row, name), name, _DEEP) for row in rows):
                continue
            rule = read_winner(path, answers, seen.whole, rows)
            if isinstance(rule, LabelRule) and rule.sure:
                return (
                    f"two answers to each prompt ({', '.join(answers)}), and what seems to say who won is nested in {name}; name it "
                    f"with --columns {_nested_prompt(seen)}a={answers[0]},b={answers[1]},label={path}"
                )
    return None


def _nested_prompt(seen: Census) -> str:
    """The role of the prompt, where it is in a mapping under its usual name."""
    inner = [c for c in seen.whole.columns if "." in c]
    found = [c for c in inner if names_of.named([c.rpartition(".")[2]], names_of.SURE_PROMPT)]
    return f"prompt={found[0]}," if found else ""


_DEEP = 6


def _leaves(value: Any, path: str, depth: int) -> list[str]:
    """Paths of the plain values within a cell, through lists of one entry: of several, which counts is not known."""
    if isinstance(value, dict) and depth:
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{key}", depth - 1)]
    if isinstance(value, list) and len(value) == 1 and depth:
        return _leaves(value[0], f"{path}.0", depth - 1)
    return [path] if isinstance(value, str | int) else []
