"""What of a recipe's verdicts is carried out, and on which rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from offtarget.audit.folder import NewAudit
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.targets import decide, targets_of
from offtarget.errors import ConfigError
from offtarget.lens.surface import encode
from offtarget.verdicts import Verdict

TOPICS = ("cooking", "garden", "sport")
PAIRS = [
    Pair(
        f"p{i}", f"g{i}", [{"role": "user", "content": f"Ask {i}"}],
        [{"role": "assistant", "content": f"**Well** {i}"}], [{"role": "assistant", "content": f"So {i}"}],
        meta={"topic": TOPICS[i % 3]},
    )
    for i in range(60)
]  # fmt: skip


@pytest.fixture(scope="module")
def audited() -> NewAudit:
    return audit(PairSet("made up", PAIRS), [encode(PAIRS)])


def carried_out(audited: NewAudit, *verdicts: dict[str, Any]) -> list[tuple[str, int, str | None, Any]]:
    written = tuple(Verdict(**v) for v in verdicts)
    found = targets_of(decide(written, audited.audit, Path()), audited, PAIRS)
    return [(t.concept, t.sign, t.context, t.rows) for t in found]


BOLD: dict[str, Any] = {"concept": "surface:bold", "decision": "suppress"}
COOKING: dict[str, Any] = {"concept": "surface:bold", "decision": "amplify", "where": {"topic": "cooking"}}


def test_a_general_verdict_leaves_out_what_another_decides_by_metadata(audited: NewAudit) -> None:
    for order in ((BOLD, COOKING), (COOKING, BOLD)):
        (_, sign, context, elsewhere), (_, other, gate, cooking) = carried_out(audited, *order)
        assert (sign, context, other, gate) == (-1, None, 1, "topic=cooking")
        assert np.flatnonzero(cooking).tolist() == list(range(0, 60, 3))
        assert np.array_equal(elsewhere, ~cooking)


def test_an_exception_that_allows_takes_its_rows_out_and_does_nothing_itself(audited: NewAudit) -> None:
    ((_, sign, context, rows),) = carried_out(audited, BOLD, {**COOKING, "decision": "allow"})
    assert (sign, context) == (-1, None)
    assert np.flatnonzero(~rows).tolist() == list(range(0, 60, 3))


def test_the_order_of_verdicts_changes_nothing(audited: NewAudit) -> None:
    emoji = {"concept": "surface:emoji", "decision": "suppress"}
    assert carried_out(audited, BOLD, emoji) == carried_out(audited, emoji, BOLD)
    assert [concept for concept, *_ in carried_out(audited, emoji, BOLD)] == ["surface:bold", "surface:emoji"]


def test_a_context_without_a_training_row_is_an_error(audited: NewAudit) -> None:
    with pytest.raises(ConfigError, match="surface:bold in topic=opera speaks of a context that no training pair"):
        carried_out(audited, BOLD, {**COOKING, "where": {"topic": "opera"}})


def test_a_value_of_metadata_holds_for_pairs_that_were_not_audited_too() -> None:
    pairs = [
        replace(PAIRS[i % 60], id=f"q{i}", group=f"h{i}", meta={"topic": TOPICS[i % 2], "score": (i * 7 % 60) / 10})
        for i in range(240)
    ]
    half = PairSet("made up", pairs[:160])
    seen = audit(half, [encode(half.pairs)], by=["topic", "score"])
    contexts = {c.id for c in seen.audit.contexts if c.kind == "metadata"}
    assert "meta:topic=cooking" in contexts

    def rows(context: str) -> Any:
        verdict = Verdict(**BOLD, context=context)
        (target,) = targets_of(decide((verdict,), seen.audit, Path()), seen, pairs)
        return np.flatnonzero(target.rows).tolist()

    assert rows("meta:topic=cooking") == list(range(0, 240, 2))
    (column,) = [c for c in seen.audit.metadata if c.name == "score"]
    for v in column.tested:
        low = max([x for x in column.cuts if f"over {x:g}" in v.value], default=-1.0)
        high = max([x for x in column.cuts if f"up to {x:g}" in v.value], default=9.0)
        want = [i for i, p in enumerate(pairs) if low < p.meta["score"] <= high]
        assert rows(v.context) == want
