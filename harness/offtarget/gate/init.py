"""`offtarget gate init`: what a repository needs so that its data is gated, written once and never over something."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.errors import ConfigError
from offtarget.gate.baseline import BASELINE, baseline_of, like_folder, write_baseline
from offtarget.gate.changes import from_sums
from offtarget.gate.config import CONFIG
from offtarget.gate.measure import measure
from offtarget.gate.records import Settings
from offtarget.gate.run import sees_of
from offtarget.store import write_atomic

WORKFLOW = ".github/workflows/offtarget.yml"
HOOKS = ".pre-commit-config.yaml"


def init(audit_dir: Path, root: Path) -> Iterator[str]:
    """Write baseline, offtarget.toml, workflow and hook into `root`.

    Yields:
        What was written, and what to do next, one line each.

    Raises:
        ConfigError: no audit there, or one of the files exists; then nothing is written.
    """
    folder = AuditFolder(audit_dir)
    audit = folder.audit
    there = [name for name in (BASELINE, CONFIG, WORKFLOW) if (root / name).exists()]
    if there:
        raise ConfigError(
            f"{', '.join(there)}: exists already, and nothing was written; take it away, or update the baseline with "
            f"`offtarget gate {audit_dir} --update-baseline`"
        )
    views = Settings().views
    measured = measure(folder, views)
    baseline = baseline_of(folder, measured, views)
    write_baseline(root / BASELINE, baseline, folder)
    yield f"wrote {BASELINE} and {like_folder(Path(BASELINE))}/: {baseline.rows} pairs, {len(baseline.entries)} effects"
    data = audit.reading.data if audit.reading and isinstance(audit.reading.data, str) else ""
    verdicts = audit_dir / "verdicts.yaml"
    columns = audit.reading.columns if audit.reading else None
    values = {
        "data": _quoted(data) if data else None,
        "columns": f"{{ {', '.join(f'{k} = {_quoted(v)}' for k, v in columns.items())} }}" if columns else None,
        "verdicts": _quoted(str(verdicts)) if verdicts.is_file() else None,
    }
    shown = {"data": '"drops/new.jsonl"', "columns": '{ prompt = "question" }', "verdicts": _quoted(str(verdicts))}
    toml = _template("offtarget.toml")
    for key, value in values.items():
        toml = toml.replace(f"@{key.upper()}@", f"{key} = {value}" if value else f"# {key} = {shown[key]}")
    write_atomic(root / CONFIG, toml)
    yield f"wrote {CONFIG}: settings and limits"
    write_atomic(root / WORKFLOW, _template("offtarget.yml"))
    yield f"wrote {WORKFLOW}: `offtarget gate` on every push"
    hook = _template("pre-commit-config.yaml")
    if (root / HOOKS).exists():
        yield f"{HOOKS} exists; add to its `repos`:"
        yield hook.partition("repos:\n")[2].rstrip()
    else:
        write_atomic(root / HOOKS, hook)
        yield f"wrote {HOOKS}: the same before every commit"
    sees, must = sees_of(measured, from_sums(baseline, measured)), Settings().must_see
    if sees is not None and sees.median > must:
        yield (
            f"note: between two drops of {audit.dataset.n_pairs} pairs the gate sees changes of {sees.median:.1f} points or more, "
            f"and must_see is {must:g}: it will not decide (exit 3) before there are more rows, or must_see in {CONFIG} is raised"
        )
    if data:
        yield "next: commit these files; `offtarget gate` judges the data that offtarget.toml names"
    else:
        yield (
            f"next: set `data` in {CONFIG} (the audit does not name one dataset or file), then commit these files; `offtarget "
            "gate` judges what it names"
        )


def _template(name: str) -> str:
    return (files("offtarget.gate") / "templates" / name).read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
