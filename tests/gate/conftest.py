"""Small audits whose truth is known: each row shows a concept in chosen or in rejected with a given chance."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.audit.folder import AuditFolder
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.lens.features import Column, FeatureMatrix

NAMES = ("bold", "offer", "list", "emoji", "never")
BASE = 0.1
"""Chance that an answer shows a concept; `never` none does."""


def _make_audit(
    path: Path, seed: int, n: int, leans: Mapping[str, float] | None = None, names: tuple[str, ...] = NAMES
) -> AuditFolder:
    """An audit of n prompts with one pair each; `leans` is how many more of chosen show a concept, in shares.

    Rejected answers show a concept in a tenth of rows. So that effects are known, the rows that do are counted out.
    """
    rng = np.random.default_rng(seed)
    chosen, rejected = np.zeros((n, len(names))), np.zeros((n, len(names)))
    for j, name in enumerate(names):
        if name == "never":
            continue
        lean = (leans or {}).get(name, 0.0)
        for side, share in ((chosen, BASE + lean), (rejected, BASE)):
            side[rng.permutation(n)[: round(share * n)], j] = 1
    words = ["river", "stone", "cloud", "forest", "harbour", "meadow", "island", "valley"]

    def text() -> list[dict[str, str]]:
        return [{"role": "assistant", "content": " ".join(rng.choice(words, int(rng.integers(5, 20))))}]

    pairs = [
        Pair(f"{seed}-{i}", f"{seed}-{i}", [{"role": "user", "content": f"question {seed} {i}"}], text(), text())
        for i in range(n)
    ]
    features = FeatureMatrix(
        lens="surface",
        columns=tuple(Column(f"surface:{x}", f"{x} <b>label</b>", "count per response", "presence") for x in names),
        values={
            ("prompt", "value"): csr_matrix(np.zeros_like(chosen)),
            ("chosen", "value"): csr_matrix(chosen),
            ("rejected", "value"): csr_matrix(rejected),
        },
        pair_ids=tuple(p.id for p in pairs),
        groups=tuple(p.group for p in pairs),
        info={"version": 1},
    )
    found = audit(PairSet(f"set{seed}", pairs), [features], seed=0)
    path.mkdir(parents=True)
    AuditFolder(path).write(found)
    return AuditFolder(path)


@pytest.fixture(scope="session")
def audits(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AuditFolder]:
    """(seed, n, **leans) -> an audit folder; the same one for the same arguments."""
    root, known = tmp_path_factory.mktemp("audits"), {}

    def of(seed: int, n: int = 600, **leans: float) -> AuditFolder:
        key = (seed, n, *sorted(leans.items()))
        if key not in known:
            known[key] = _make_audit(root / str(len(known)), seed, n, leans)
        return known[key]

    return of


@pytest.fixture(scope="session")
def make_audit() -> Callable[..., AuditFolder]:
    """(path, seed, n, leans, names) -> an audit folder there."""
    return _make_audit
