"""Where the latents of a concept fire strongest, and what they promote: evidence without a word of meaning."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.evidence import Peak
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import FeatureMatrix, peak_place

PEAKS = 6
TOKENS_READ = 30
"""Strongest places of a concept whose tokens are counted."""
NAMED_TOKENS = 3
PROMOTED = 8


def strongest_places(
    part: FeatureMatrix,
    concepts: Sequence[ConceptSpec],
    rows: NDArray[Any],
    made: NDArray[np.bool_],
    pairs: Sequence[Pair],
) -> tuple[list[tuple[Peak, ...]], list[tuple[str, ...]]]:
    """Where each concept fires strongest: its members' activation in units of each one's largest.

    Args:
        part: features of a lens of latents.
        concepts: its concepts.
        rows: the distinct responses, as row numbers of chosen above rejected.
        made: those of the half of the prompts that labels are made of.
        pairs: the rows of the set.

    Returns:
        The strongest places of each concept, one a response; and its tokens: those that hold at least a tenth of its
        `TOKENS_READ` strongest places in the half that labels are made of.
    """
    from scipy.sparse import vstack

    if ("chosen", "peak") not in part.values:
        return [() for _ in concepts], [() for _ in concepts]
    n = len(pairs)
    strength, where = (
        vstack([part.values["chosen", stat], part.values["rejected", stat]], format="csr")[rows].tocsc()
        for stat in ("max", "peak")
    )
    largest = np.maximum(np.asarray(strength.max(axis=0).todense()).ravel(), 1e-12)
    place = {c.id: j for j, c in enumerate(part.columns)}
    peaks, fired = [], []
    for spec in concepts:
        found = []
        for j in (place[g] for g in spec.members):
            cells = slice(strength.indptr[j], strength.indptr[j + 1])
            values = strength.data[cells] / largest[j]
            for k in np.argsort(-values, kind="stable")[: 3 * TOKENS_READ]:
                found.append((float(values[k]), int(strength.indices[cells][k]), int(where.data[cells][k])))
        seen: dict[int, Peak] = {}
        tokens: list[str] = []
        for value, row, code in sorted(found, key=lambda f: (-f[0], f[1])):
            i = int(rows[row])
            start, stop = peak_place(code)
            if stop <= start or row in seen:
                continue
            side: Literal["chosen", "rejected"] = "chosen" if i < n else "rejected"
            text = text_of(pairs[i % n].chosen if side == "chosen" else pairs[i % n].rejected)
            if made[row] and len(tokens) < TOKENS_READ:
                tokens.append(text[start:stop].strip(" ").lower() or " ")
            seen[row] = Peak(row=pairs[i % n].id, side=side, start=start, stop=stop, strength=round(value, 4))
            if len(tokens) == TOKENS_READ and len(seen) >= PEAKS:
                break
        peaks.append(tuple(seen.values())[:PEAKS])
        fired.append(_common(tokens))
    return peaks, fired


def _common(tokens: Sequence[str]) -> tuple[str, ...]:
    """The tokens that hold at least a tenth of a concept's strongest places, the commonest first."""
    enough = max(2, len(tokens) / 10)
    return tuple(t for t, n in Counter(tokens).most_common(NAMED_TOKENS) if n >= enough)


def promoted(part: FeatureMatrix, concepts: Sequence[ConceptSpec]) -> list[tuple[str, ...]]:
    """Tokens that more than one of a concept's members promote, those of a single latent as they are."""
    hints = {c.id: c.hints for c in part.columns}
    out = []
    for spec in concepts:
        votes: Counter[str] = Counter()
        names: dict[str, str] = {}
        for g in spec.members:
            for rank, token in enumerate(hints[g]):
                names.setdefault(token.lower(), token)
                votes[token.lower()] += 100 - rank
        enough = 100 if len(spec.members) > 1 else 0  # of a cluster: more than one member's
        out.append(tuple(names[t] for t, v in votes.most_common(PROMOTED) if v > enough))
    return out
