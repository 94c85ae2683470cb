"""`rest.parquet`: what an audit lists and nobody asks for first, so that audit.json stays a file that people open.

With latents a set has thousands of hypotheses, nearly all of them no findings. Where more than `MOST` are listed, audit.json keeps
the findings, what rules and other named columns do over the whole set, and the concepts that these name. The others lie here, a row
each with its main figures and the whole record as JSON:

    pandas.read_parquet("audits/NAME/rest.parquet").query("part == 'hypotheses' and view == 'global'")
"""

import json
from pathlib import Path
from typing import Any

from offtarget.audit.records import Audit
from offtarget.documents import UNREADABLE, one_line
from offtarget.errors import ConfigError
from offtarget.store import require_intact, write_atomic

REST_FILE = "rest.parquet"
MOST = 500
"""Hypotheses that audit.json lists whole."""
PARTS = ("hypotheses", "concepts", "prediction")
FIGURES = {
    "view": str,
    "concept": str,
    "context": str,
    "direction": str,
    "effect": float,
    "d": float,
    "p": float,
    "q": float,
}
"""Columns of a hypothesis besides its record."""


def split(audit: Audit) -> tuple[Audit, list[dict[str, Any]]]:
    """What audit.json keeps, and the rows of `rest.parquet`: none where all is listed."""
    if len(audit.hypotheses) <= MOST:
        return audit, []
    latent = {"sae", *(c.lens for c in audit.concepts if c.kind == "cluster")}
    of_latents = {c.id for c in audit.concepts if c.lens in latent}
    kept = {
        k for k, h in enumerate(audit.hypotheses) if h.finding or (h.view == "overall" and h.concept not in of_latents)
    }
    named = {audit.hypotheses[k].concept for k in kept} | {c.id for c in audit.concepts if c.id not in of_latents}
    stays = {
        "hypotheses": [k in kept for k in range(len(audit.hypotheses))],
        "concepts": [c.id in named for c in audit.concepts],
        "prediction": [p.concept in named for p in audit.prediction],
    }
    rows, update = [], {}
    for part in PARTS:
        records = getattr(audit, part)
        update[part] = tuple(r for r, stay in zip(records, stays[part], strict=True) if stay)
        for position, (record, stay) in enumerate(zip(records, stays[part], strict=True)):
            if not stay:
                said = record.model_dump(mode="json")
                rows.append(
                    {
                        "part": part,
                        "position": position,
                        "id": said.get("id", said.get("concept")),
                        **{name: said.get(name) if part == "hypotheses" else None for name in FIGURES},
                        "record": json.dumps(said, ensure_ascii=False),
                    }
                )
    return audit.model_copy(update={**update, "rest": len(rows)}), rows


def save(rows: list[dict[str, Any]], folder: Path) -> None:
    """Write `rest.parquet`; without rows an earlier one goes."""
    file = folder / REST_FILE
    if not rows:
        file.unlink(missing_ok=True)
        return
    import pyarrow as pa
    from pyarrow import parquet

    types = {str: pa.string(), float: pa.float64()}
    fields = [("part", pa.string()), ("position", pa.int64()), ("id", pa.string())]
    fields += [(name, types[kind]) for name, kind in FIGURES.items()]
    table = pa.Table.from_pylist(rows, schema=pa.schema([*fields, ("record", pa.string())]))
    whole_file = pa.BufferOutputStream()
    parquet.write_table(table, whole_file, compression="zstd")
    write_atomic(file, whole_file.getvalue().to_pybytes())


def whole(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The record as it was before it was split, from the content of audit.json.

    Args:
        raw: what audit.json says.
        folder: that it lies in.

    Raises:
        ConfigError: `rest.parquet` is absent, damaged or of another audit.
    """
    rest = raw.get("rest", 0)
    if not rest:
        return raw
    file = folder / REST_FILE
    again = "copy the whole folder, or make the audit again"
    if not file.is_file():
        raise ConfigError(f"{file}: not there, and audit.json says that {rest} of its records are in it; {again}")
    require_intact(file)
    try:
        from pyarrow import parquet

        table = parquet.read_table(file, columns=["part", "position", "record"]).to_pydict()
        if len(table["part"]) != rest:
            raise ValueError(f"{len(table['part'])} records, not {rest}")
        out = {**raw, "rest": 0}
        for part in PARTS:
            there = {
                position: json.loads(record)
                for of, position, record in zip(table["part"], table["position"], table["record"], strict=True)
                if of == part
            }
            kept = iter(raw[part])
            out[part] = [there[k] if k in there else next(kept) for k in range(len(raw[part]) + len(there))]
    except (*UNREADABLE, StopIteration) as error:
        raise ConfigError(f"{file}: cannot be read ({one_line(error)}); {again}") from None
    return out
