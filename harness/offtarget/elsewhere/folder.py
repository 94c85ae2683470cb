"""The folder of an exported plan: `plan.json`, the rows, and whether they are still those that were written."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from offtarget.board.cell import PlanSummary
from offtarget.documents import read_json
from offtarget.errors import ConfigError, UndecidedError
from offtarget.records import Record, explain
from offtarget.store import canonical_json, hash_of
from offtarget.verdicts import Verdict

PLAN, CARD, DATA, TEMPLATE = "plan.json", "README.md", "data", "chat_template.jinja"
ROWS = f"{DATA}/train-00000-of-00001.parquet"
"""As the hub names the one file of a split."""
AGAIN = "export the plan again with `offtarget plan ... --export DIR`"


class Exported(Record):
    """A plan and its rows in a folder for another trainer."""

    schema_version: Literal[1] = 1
    key: str = ""
    """Filled in: hash of all the rest that is not as by default."""
    protocol: str
    parameters: dict[str, JsonValue] = {}
    """Of the protocol, all of them, presets too."""
    protocol_sha256: str
    """Hash of the protocol's file."""
    plan_sha256: str
    """Hash of the plan, as `offtarget plan` prints it."""
    plan: PlanSummary
    """What it does to the pairs that it was made on."""
    seed: int = 0
    """Random seed of the control protocols."""
    verdicts: tuple[Verdict, ...] = ()
    """What it carries out."""
    contexts_sha256: str | None = None
    """Hash of the rows in the contexts of verdicts; None where every verdict is on all rows."""
    dataset: str
    dataset_revision: str | None = None
    rows_sha256: str
    """Identity of the pairs that were planned on."""
    n_pairs: int
    """Their number."""
    model: str
    """The start model, as it was named."""
    model_identity: str
    """Hash of its files, or hub id and revision."""
    architecture: dict[str, JsonValue] = {}
    """What its configuration says of its shape: a policy trained from it has the same."""
    template_hash: str
    """Hash of the chat template that the tokens were counted with."""
    own_template: bool = False
    """Whether that is not the model's but `chat_template.jinja` of this folder."""
    training: dict[str, JsonValue]
    """Training options that the columns are made for, without those that the plan sets itself."""
    trl: dict[str, JsonValue]
    """With those, as arguments of trl's DPOConfig: any trainer must use the same."""
    columns: tuple[str, ...]
    n_rows: int
    export_sha256: str
    """Hash of what the rows of the folder say, in order."""
    left_out: dict[str, int] = {}
    """Pairs that cannot be trained on at this length, by reason; those that the plan leaves out are not among them."""
    ignored: tuple[str, ...] = ()
    """What of the plan trl's DPOTrainer would ignore; empty: it carries out all of it."""
    start_loss: float | None = None
    """Mean loss over all rows before the first step, in nats, of loss sigmoid: what a trainer that reads the columns logs
    first, up to the rows of its batch. Plain DPO begins at log 2 = 0.693."""

    def model_post_init(self, _context: Any, /) -> None:
        """Fill in the key, or refuse one that does not belong to the content."""
        # without defaults: a field that a later version adds leaves the keys of earlier files as they are
        want = hash_of(self.model_dump(mode="json", exclude={"key"}, exclude_defaults=True))
        if not self.key:
            object.__setattr__(self, "key", want)
        elif self.key != want:
            raise ValueError("the key does not match the content")


def rows_hash(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over what rows say, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(canonical_json(dict(row)).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def read_export(path: Path) -> Exported:
    """The plan of an exported folder, once its rows are found to be those that were written.

    Args:
        path: the folder, or its plan.json.

    Raises:
        ConfigError: no exported plan lies there.
        UndecidedError: the plan or the rows were changed since.
    """
    file = path / PLAN if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"{path}: no {PLAN} there; name a folder that `offtarget plan ... --export DIR` wrote")
    data = read_json(file, remedy=AGAIN)
    if not isinstance(data, dict) or "export_sha256" not in data:
        raise ConfigError(f"{file}: not the plan of an exported folder; name one that `offtarget plan --export` wrote")
    try:
        found = Exported.model_validate(data)
    except ValidationError as e:
        if "the key does not match" in str(e):
            raise UndecidedError(
                f"{file}: was changed since it was written, so nobody knows what was trained under it; {AGAIN}"
            ) from None
        raise ConfigError(f"{file}: {explain(e, Exported)}; {AGAIN}") from None
    require_rows(file.parent, found)
    return found


def require_rows(folder: Path, of: Exported) -> None:
    """Refuse rows that are no longer those of the plan.

    Raises:
        UndecidedError: rows are missing, were added, or say something else.
    """
    rows = _rows(folder)
    if len(rows) == of.n_rows and rows_hash(rows) == of.export_sha256:
        return
    what = f"{len(rows):,} rows" if len(rows) != of.n_rows else "other rows"
    raise UndecidedError(
        f"{folder}: holds {what}, {PLAN} was written for {of.n_rows:,} (hash {of.export_sha256[:12]}): they were changed since, "
        f"so what was trained on them is not this plan; {AGAIN}"
    )


def _rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of all data files, in order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for file in sorted((folder / DATA).glob("*.parquet")):
        try:
            rows += pq.ParquetFile(file).read().to_pylist()
        except (pa.ArrowException, OSError) as e:
            raise UndecidedError(f"{file}: cannot be read ({' '.join(str(e).split())[:120]}); {AGAIN}") from None
    return rows
