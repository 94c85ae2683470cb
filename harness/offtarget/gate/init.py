"""`offtarget gate init`: what a repository needs so that its data is gated, written once and never over something."""

import glob
import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from offtarget.audit.folder import AuditFolder
from offtarget.audit.records import Audit
from offtarget.data.reading import is_data_file
from offtarget.engine.auditing import GENERIC
from offtarget.errors import ConfigError
from offtarget.gate.accepted import page_path, write_page
from offtarget.gate.baseline import BASELINE, baseline_of, like_folder, write_baseline
from offtarget.gate.changes import from_sums
from offtarget.gate.config import CONFIG
from offtarget.gate.install import EDIT, address
from offtarget.gate.measure import measure
from offtarget.gate.records import Settings
from offtarget.gate.sight import sees_of
from offtarget.store import write_atomic
from offtarget.verdicts import decided, empty, read

WORKFLOW = ".github/workflows/offtarget.yml"
HOOKS = ".pre-commit-config.yaml"
VERDICTS = "verdicts.yaml"
IGNORE = "audits/.gitignore"
GITIGNORE = ".gitignore"
BESIDE = (f"{VERDICTS}.journal.jsonl", f".{VERDICTS}.lock")
"""What lies beside the verdicts file while and after somebody decides."""
PACKED = (".gz", ".zst")
SUFFIXES = "jsonl|ndjson|json|csv|tsv|parquet|arrow|gz|zst"
OURS = r"(^|/)(offtarget(\.toml|-baseline\.json|-baseline\.like/.*)|verdicts\.yaml)$"
"""What else the gate reads, as a pattern of pre-commit."""


def init(audit_dir: Path, root: Path) -> Iterator[str]:
    """Write baseline, verdicts, offtarget.toml, workflow and hook into `root`.

    Yields:
        What was written, and what to do next, one line each.

    Raises:
        ConfigError: no audit there, one of the files exists, or the verdicts are broken; then nothing is written.
        UndecidedError: the verdicts are of another vocabulary.
    """
    folder = AuditFolder(audit_dir)
    audit = folder.audit
    like = str(like_folder(Path(BASELINE)))
    there = [
        name for name in (BASELINE, str(page_path(Path(BASELINE))), like, CONFIG, WORKFLOW) if (root / name).exists()
    ]
    if there:
        raise ConfigError(
            f"{', '.join(there)}: exists already, and nothing was written; take it away, or update the baseline with "
            f"`offtarget gate {shlex.quote(str(audit_dir))} --update-baseline`"
        )
    verdicts, said = _verdicts(audit_dir, root, audit)
    views = Settings().views
    measured = measure(folder, views)
    baseline = baseline_of(folder, measured, views)
    write_baseline(root / BASELINE, baseline, folder)
    yield f"wrote {BASELINE} and {like}/: {baseline.rows} pairs, {len(baseline.entries)} effects"
    accepted = page_path(Path(BASELINE))
    yield f"wrote {accepted}: the same in words; {write_page(root / BASELINE, None, baseline, Settings())[0]}"
    if verdicts is not None:
        write_atomic(root / VERDICTS, verdicts)
    yield said
    data = _relative(audit.reading.data if audit.reading else None, root)
    pattern = _pattern(data, root) if data else None
    columns = audit.reading.columns if audit.reading else None
    write_atomic(root / CONFIG, _toml(data, pattern, columns))
    yield f"wrote {CONFIG}: settings and limits"
    whence = address(root)
    write_atomic(root / WORKFLOW, _template("offtarget.yml").replace("@ADDRESS@", whence or EDIT))
    yield f"wrote {WORKFLOW}: `offtarget gate` on every push"
    hook = _template("pre-commit-config.yaml").replace("@FILES@", _files(pattern or data, root).replace("'", "''"))
    if (root / HOOKS).exists():
        yield f"{HOOKS} exists; add to its `repos`:"
        yield hook.partition("repos:\n")[2].rstrip()
    else:
        write_atomic(root / HOOKS, hook)
        yield f"wrote {HOOKS}: the same before every commit"
    kept = [
        name for name in (BASELINE, str(accepted), like, VERDICTS, CONFIG, WORKFLOW, HOOKS) if (root / name).exists()
    ]
    if not (root / IGNORE).exists():
        write_atomic(root / IGNORE, _template("gitignore"))
        kept.append(IGNORE)
        yield f"wrote {IGNORE}: reports hold texts of the data, and stay out of git"
    if said := _ignored(root):
        kept += [GITIGNORE] if said.startswith("wrote") else []
        yield said
    if audit_dir.resolve().parent != (root / IGNORE).parent.resolve():
        yield f"note: {audit_dir}/report.html holds texts of the data; keep it out of git if they are not to be there"
    if audit.reading is not None and audit.reading.limit is not None:
        yield (
            f"note: the accepted audit read {audit.dataset.n_pairs} pairs (--limit {audit.reading.limit}); the gate reads all "
            "rows of a drop"
        )
    sees, must = sees_of(measured, from_sums(baseline, measured)), Settings().must_see
    if sees is not None and sees.median > must:
        yield (
            f"note: between two drops of {audit.dataset.n_pairs} pairs the gate sees changes of {sees.median:.1f} points or more, "
            f"and must_see is {must:g}: it will not decide (exit 3) before there are more rows, or must_see in {CONFIG} is raised"
        )
    if whence is None:
        yield f"next: write into OFFTARGET of {WORKFLOW} what the runner installs offtarget from; it fails until then"
    if pattern:
        yield f"next: `offtarget gate` judges each file of {pattern} that is later by name than {Path(data or '').name}"
    elif data:
        yield f"next: `offtarget gate` judges {data}; set `data` in {CONFIG} to the next drop, or to a pattern of files, each a drop"
    else:
        yield f"next: set `data` in {CONFIG} (the audit does not name one dataset or file): `offtarget gate` judges what it names"
    yield f"next: git add {shlex.join(kept)}"


def _ignored(root: Path) -> str:
    """Keep out of git what lies beside the verdicts file for undo alone; what was done, or is to be done, in a line."""
    path = root / GITIGNORE
    there = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.is_file() else []
    missing = [name for name in BESIDE if name not in there]
    if not missing:
        return ""
    if path.is_file():
        return f"{GITIGNORE} exists; add to it: {' and '.join(missing)} (of the page to decide on, for undo alone)"
    write_atomic(path, "".join(f"{name}\n" for name in ("# of the page to decide on, for undo alone", *missing)))
    return f"wrote {GITIGNORE}: {' and '.join(missing)} stay out of git"


def _verdicts(audit_dir: Path, root: Path, audit: Audit) -> tuple[str | None, str]:
    """The text of the verdicts file that the gate reads, None where it is there, and what to say of it."""
    path, made = root / VERDICTS, audit_dir / "verdicts.yaml"
    if path.exists():
        read(path, audit)
        return None, f"{VERDICTS} exists and is kept: the gate reads its decisions"
    if not made.is_file():
        return empty(audit), f"wrote {VERDICTS}: no decision yet"
    found = read(made, audit)
    n = len(list(decided(found)))
    return made.read_text(encoding="utf-8"), (
        f"wrote {VERDICTS}: the {n} decisions of {made}; from now on the gate reads this file, and not that one"
    )


def _relative(data: str | tuple[str, ...] | None, root: Path) -> str | None:
    """The data as it is named from the folder of offtarget.toml; None of several files."""
    if not isinstance(data, str):
        return None
    path, whole = Path(data).resolve(), root.resolve()
    if path.exists() and path.is_relative_to(whole) and path != whole:
        return path.relative_to(whole).as_posix()
    return str(path) if path.exists() and whole != Path().resolve() else data


def _pattern(data: str, root: Path) -> str | None:
    """The pattern of the drops beside a file, or in folders beside its own; None where there is none that is sure."""
    path = Path(data)
    if path.is_absolute() or not is_data_file(data) or not (root / path).is_file():
        return None
    parent = path.parent
    if path.name.split(".")[0] in GENERIC:  # drops/w1/pairs.jsonl
        above = parent.parent
        return f"{glob.escape(above.as_posix())}/*/{glob.escape(path.name)}" if above != Path() else None
    ends = path.suffixes[-2:] if path.suffix in PACKED else path.suffixes[-1:]
    return f"{glob.escape(parent.as_posix())}/*{''.join(ends)}" if parent != Path() else None


def _toml(data: str | None, pattern: str | None, columns: dict[str, str] | None) -> str:
    """The text of offtarget.toml."""
    named = pattern or data
    table = f"{{ {', '.join(f'{k} = {_quoted(v)}' for k, v in columns.items())} }}" if columns else None
    values = {
        "help": "# A pattern is a drop a file: each that is later by name than the one behind the baseline is judged.",
        "data": f"data = {_quoted(named)}" if named else '# data = "drops/*.jsonl"',
        "columns": f"columns = {table}"
        if table
        else '# columns = { prompt = "question", chosen = "winner", rejected = "loser" }',
    }
    toml = _template("offtarget.toml")
    for key, value in values.items():
        toml = toml.replace(f"@{key.upper()}@", value)
    return toml


def _files(data: str | None, root: Path) -> str:
    """The pattern of pre-commit for the files on which the hook runs: the data, and what it is judged by."""
    if data is None or Path(data).is_absolute() or not ("/" in data or (root / data).exists()):
        return OURS
    if (root / data).is_dir():
        mine = f"{re.escape(data)}/.*"
    elif glob.has_magic(data):
        fixed = data[: data.index("*")].replace("[", "").replace("]", "")
        mine = rf"{re.escape(fixed)}.*\.({SUFFIXES})"
    else:
        mine = re.escape(data)
    return f"{OURS}|(^|/){mine}$"


def _template(name: str) -> str:
    return (files("offtarget.gate") / "templates" / name).read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
