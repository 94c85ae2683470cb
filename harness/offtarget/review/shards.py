"""What the page needs of the rows, laid out so that a card reads its own part alone.

`texts.jsonl` holds the rows that hypotheses name, one a line, and `index.json` where each begins; every concept has a
file of its own. So a page holds no more in memory for a million rows than for a thousand. It lies in the store, which
writes its manifest last.
"""

import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.audit.folder import AUDIT_FILE, AuditFolder
from offtarget.audit.workings import Workings
from offtarget.data.pairs import Pair
from offtarget.engine.as_audited import audited_pairs
from offtarget.report.cards import spread_over_prompts
from offtarget.report.marks import Marks
from offtarget.report.statements import state
from offtarget.store import Store, file_sha256

VERSION = 2
TEXTS, INDEX, CONCEPTS = "texts.jsonl", "index.json", "concepts"
RELATED, SOME_R = 8, 0.3
"""Correlated concepts of a card, and from which |r| on."""


class _NoTextsError(Exception):
    """The audited rows cannot be read any more."""


class Shards:
    """The rows behind an audit's hypotheses, read piece by piece.

    Args:
        path: the folder.
        reason: why there are no texts; empty where there are.
    """

    def __init__(self, path: Path, reason: str = "") -> None:
        self.path, self.reason = path, reason

    @cached_property
    def index(self) -> dict[str, Any]:
        """Where each row begins in the texts, the file of each concept, and the statement of each finding."""
        return dict(json.loads((self.path / INDEX).read_text(encoding="utf-8")))

    def concept(self, concept: str) -> dict[str, Any]:
        """What there is of one concept: `places` by row and side, `related` concepts."""
        number = self.index["concepts"][concept]
        return dict(json.loads((self.path / CONCEPTS / f"{number}.json").read_text(encoding="utf-8")))

    def pair(self, row: str) -> Pair | None:
        """One row; None where there is no text of it."""
        offset = self.index["rows"].get(row)
        if offset is None:
            return None
        with (self.path / TEXTS).open("rb") as file:
            file.seek(offset)
            return Pair(**json.loads(file.readline()))


def shards(folder: AuditFolder, store: Store) -> Shards:
    """The shards of an audit: made once, which reads its rows."""
    inputs = {"audit": file_sha256(folder.path / AUDIT_FILE)}
    reason = ""

    def build(out: Path, texts: bool = True) -> None:
        nonlocal reason
        own = AuditFolder(folder.path, folder.audit)  # what it reads of the rows goes with it
        pairs, reason = audited_pairs(own) if texts else ({}, reason)
        if texts and reason:
            raise _NoTextsError
        _build(own, pairs, out)

    try:
        return Shards(store.get("review", VERSION, {**inputs, "texts": True}, build))
    except _NoTextsError:
        made = store.get("review", VERSION, {**inputs, "texts": False}, lambda out: build(out, texts=False))
        return Shards(made, reason)


def _build(folder: AuditFolder, pairs: dict[str, Pair], out: Path) -> None:
    audit, workings = folder.audit, folder.workings
    wanted: dict[str, list[str]] = {c.id: [] for c in audit.concepts}
    for h in audit.hypotheses:
        wanted[h.concept] += h.rows
    for c in audit.concepts:
        wanted[c.id] += [p.row for p in c.evidence.peaks]
    rows: dict[str, int] = {}
    with (out / TEXTS).open("wb") as file:
        for row in dict.fromkeys(r for some in wanted.values() for r in some if r in pairs):
            rows[row] = file.tell()
            file.write(json.dumps(asdict(pairs[row]), ensure_ascii=True, default=str).encode() + b"\n")
    (out / CONCEPTS).mkdir()
    related = _related(workings)
    marks: dict[str, Marks | None] = {}
    for k, c in enumerate(audit.concepts):
        if c.lens not in marks:
            marks = {c.lens: _marks(folder, c.lens)}  # of one lens at a time
        some = list(dict.fromkeys(wanted[c.id]))
        mark = marks[c.lens]
        sides = ("chosen", "rejected")
        found = {
            "places": {} if mark is None else {r: {s: mark.places(c.members, r, s) for s in sides} for r in some},
            "related": related[c.id],
        }
        (out / CONCEPTS / f"{k}.json").write_text(json.dumps(found), encoding="utf-8")
    spread = {
        h.id: [p.id for p in spread_over_prompts([pairs[r] for r in h.rows if r in pairs])] for h in audit.hypotheses
    }
    stated = state(audit, workings)
    groups = {h.id: s.lead.id for s in stated.statements for h in (s.lead, *s.along, *s.explained)}
    index = {
        "rows": rows,
        "concepts": {c.id: k for k, c in enumerate(audit.concepts)},
        "groups": groups,
        "spread": spread,
    }
    (out / INDEX).write_text(json.dumps(index), encoding="utf-8")


def _marks(folder: AuditFolder, lens: str) -> Marks | None:
    """Where the latents of a lens fire; None of a lens that keeps no places."""
    if lens not in folder.lenses:
        return None
    features = folder.features(lens)
    return Marks([features]) if ("chosen", "peak") in features.values else None


def _related(workings: Workings) -> dict[str, list[tuple[str, float]]]:
    """The concepts that go with each over pairs: Pearson's r of their u, the largest |r| first."""
    u = workings.u.astype(np.float32)
    u = u - u.mean(axis=0)
    norm = np.sqrt((u**2).sum(axis=0))
    norm[norm == 0] = np.inf
    u /= norm
    r = u.T @ u
    np.fill_diagonal(r, 0.0)
    out = {}
    for j, concept in enumerate(workings.concepts):
        order = np.argsort(-np.abs(r[j]), kind="stable")[:RELATED]
        out[concept] = [(workings.concepts[k], round(float(r[j, k]), 3)) for k in order if abs(r[j, k]) >= SOME_R]
    return out
