"""Look at a pair: which concepts fire in two answers that somebody pastes, and which findings such a pair feeds."""

from typing import Any

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.folder import AuditFolder
from offtarget.data.pairs import Pair, PairSet, prompt_group
from offtarget.engine.as_audited import MODEL
from offtarget.errors import ConfigError
from offtarget.lens.names import LensName
from offtarget.lens.reader import Reader
from offtarget.lens.table import earlier_readings, features_of
from offtarget.report.amounts import amount, few
from offtarget.report.html import visible
from offtarget.review.desk import item_id
from offtarget.store import Store

UNASKED = frozenset({"columns", "judge"})
"""Lenses that read no text, or ask a model service for every text."""
MOST = 100_000
"""Characters of each text."""


def look(folder: AuditFolder, store: Store, prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    """Read one pair as the audit read its rows.

    Args:
        folder: the audit, whose concepts are looked for.
        store: for what a lens must read.
        prompt: the prompt.
        chosen: the answer that is preferred.
        rejected: the other.

    Returns:
        `concepts` in which the answers differ, the largest first: values of both, and the ids of the findings over the whole
        set that such a difference feeds. JSON values.

    Raises:
        ConfigError: an answer is empty or too long, or both are the same.
    """
    audit, reading = folder.audit, folder.audit.reading
    for name, text in (("chosen", chosen), ("rejected", rejected)):
        if not text.strip():
            raise ConfigError(f"{name} is empty: paste an answer")
        if len(text) > MOST or len(prompt) > MOST:
            raise ConfigError(f"a text is longer than {MOST:,} characters")
    if chosen == rejected:
        raise ConfigError("both answers are the same: nothing tells chosen from rejected")
    asked = [{"role": "user", "content": prompt}]
    answers = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    pair = Pair("pasted", prompt_group(asked), asked, *answers)  # type: ignore[arg-type]
    lenses = reading.lens if reading is not None else folder.lenses
    model, tokens = (None, 512) if reading is None else (reading.model, reading.max_length)
    reader = Reader(model or MODEL, store, tokens, template=reading.template if reading else None)
    texts = [name for name in lenses if LensName.parse(name).kind not in UNASKED]
    if not texts:
        raise ConfigError("no lens of this audit reads a text that it has not seen")
    features = features_of(PairSet("pasted", [pair]), texts, reader, earlier_readings(folder.path, texts))
    there = {f.lens for f in features}
    concepts = [c for c in folder.vocabulary.concepts if c.lens in there and not c.local]
    found = contrasts(features, concepts)
    titles = {c.id: c.title for c in audit.concepts}
    units = {c.id: c.evidence for c in audit.concepts}
    rows: list[dict[str, Any]] = []
    for j, c in enumerate(concepts):
        u = float(found.u[0, j])
        if not u or c.id not in titles:
            continue
        fed = [h for h in audit.findings if h.concept == c.id and h.context is None and (h.effect > 0) == (u > 0)]
        rows.append(
            {
                "id": c.id,
                "label": visible(titles[c.id], 120),
                "chosen": _value(float(found.chosen_mean[j]), units[c.id].unit),
                "rejected": _value(float(found.rejected_mean[j]), units[c.id].unit),
                "hypotheses": [item_id(h) for h in fed],
                "_size": (not fed, -max((abs(h.d) for h in fed), default=0.0), c.id),
            }
        )
    rows.sort(key=lambda r: r.pop("_size"))
    return {"concepts": rows}


def _value(value: float, unit: str) -> str:
    """What one answer has of a concept."""
    if unit == "1 if there":
        return "yes" if value else "no"
    text = amount(value, unit).removesuffix(" per response")
    return text.replace(few(value), f"{value:,.0f}", 1) if value.is_integer() else text
