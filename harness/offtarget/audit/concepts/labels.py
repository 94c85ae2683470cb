"""Names for concepts that have none: what a cluster of latents moves with, and on which words it fires.

No model is asked. A label is a hint with its evidence beside it, not a claim about what a latent means.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import TAU
from offtarget.audit.concepts.vocabulary import ConceptSpec, is_latent
from offtarget.audit.concepts.words import count_words, keywords
from offtarget.audit.records import Correlate
from offtarget.audit.statistics.means import correlations
from offtarget.data.pairs import Pair, text_of
from offtarget.lens.features import FeatureMatrix

MIN_R = 0.3
MIN_EXTREME = 50
_BLOCK = 128


def reads_model(part: FeatureMatrix) -> bool:
    """Whether a lens reads a model's activations: its concepts are explained by those of the other lenses."""
    return is_latent(part) or "model_identity" in part.info


def unnamed(part: FeatureMatrix) -> bool:
    """Whether a lens's columns have no names of their own: latents, and what was fitted to the rows at hand."""
    return is_latent(part) or bool(part.fitted)


def strongest_correlates(
    u: NDArray[Any], surface: NDArray[Any], ids: Sequence[str], labels: Sequence[str]
) -> list[Correlate | None]:
    """For each column of u the surface concept with the largest |r|, if that is at least 0.3."""
    table = correlations(u, surface)
    out: list[Correlate | None] = []
    for row in table:
        j = int(np.argmax(np.abs(row))) if len(row) else -1
        strong = j >= 0 and abs(row[j]) >= MIN_R
        out.append(Correlate(concept=ids[j], label=labels[j], r=round(float(row[j]), 4)) if strong else None)
    return out


def firing_words(
    part: FeatureMatrix, concepts: Sequence[ConceptSpec], pairs: Sequence[Pair], n: int = 8
) -> list[tuple[str, ...]]:
    """Words that set apart the responses on which each concept fires.

    A response counts as inside by the share of the concept's members that fire on it (frequency > 0.01),
    and as outside by the rest; a response that occurs in several rows counts once.
    """
    from scipy.sparse import csr_matrix, vstack

    texts = [text_of(p.chosen) for p in pairs] + [text_of(p.rejected) for p in pairs]
    first: dict[str, int] = {}
    for i, text in enumerate(texts):
        first.setdefault(text, i)
    rows = list(first.values())
    words, counts = count_words(first, min_texts=3)
    if not words:
        return [() for _ in concepts]
    fires = (vstack([part.values["chosen", "freq"], part.values["rejected", "freq"]], format="csr") > TAU)[
        rows
    ]
    place = {c.id: j for j, c in enumerate(part.columns)}
    total = np.asarray(counts.sum(axis=0)).ravel()
    out: list[tuple[str, ...]] = []
    for start in range(0, len(concepts), _BLOCK):
        block = concepts[start : start + _BLOCK]
        cells = [(m, place[g], 1.0 / len(c.members)) for m, c in enumerate(block) for g in c.members]
        at, latent, share = zip(*cells, strict=True)
        member = csr_matrix((share, (at, latent)), shape=(len(block), len(place)))
        inside = (member @ fires.T.astype(np.float64)) @ counts
        out += keywords(np.asarray(inside.todense()), total, words, n)
    return out


def pole_words(
    u: NDArray[Any], pairs: Sequence[Pair], n: int = 8
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Words that set apart the two poles of signed columns, which have no name for single responses.

    Of a row with u > 0 the chosen response lies towards the positive pole and the rejected one towards the negative;
    with u < 0 it is the other way round. The rows with the largest |u| count: a quarter of those where it is not 0,
    and at least 50.

    Args:
        u: `(n_pairs, n_concepts)`.
        pairs: the rows.
        n: most words of a pole.

    Returns:
        Words of the positive and of the negative pole, for each column.
    """
    texts = [text_of(p.chosen) for p in pairs] + [text_of(p.rejected) for p in pairs]
    words, counts = count_words(texts, min_texts=3)
    out = []
    for column in u.T:
        far = np.argsort(-np.abs(column), kind="stable")[: n_extreme(int((column != 0).sum()))]
        up, down = far[column[far] > 0], far[column[far] < 0]
        positive = np.asarray(counts[np.concatenate([up, down + len(pairs)])].sum(axis=0)).ravel()
        negative = np.asarray(counts[np.concatenate([down, up + len(pairs)])].sum(axis=0)).ravel()
        said = np.flatnonzero(positive + negative)
        poles = np.stack([positive, negative])[:, said]
        high, low = keywords(poles, poles.sum(axis=0), [words[j] for j in said], n)
        out.append((high, low))
    return out


def n_extreme(n_nonzero: int) -> int:
    """How many rows stand for the poles of a signed column."""
    return min(n_nonzero, max(MIN_EXTREME, n_nonzero // 4))


def latent_label(
    spec: ConceptSpec,
    correlate: Correlate | None,
    words: Sequence[str],
    own: str,
    against: Sequence[str] = (),
) -> str:
    """A short name from the evidence, or what the lens itself calls it.

    Args:
        spec: the concept.
        correlate: its strongest surface correlate.
        words: its contrastive words.
        own: the lens's own label of the first member.
        against: for a signed concept, the words of its negative pole.
    """
    parts = []
    if correlate is not None:
        less = "less " if correlate.r < 0 else ""
        parts.append(f"{less}{correlate.label} (r={correlate.r:.2f})")
    if words or against:
        poles = [", ".join(pole[:5]) or "none" for pole in (words, against)]
        parts.append(f"words: {poles[0]}" + (f" against {poles[1]}" if against else ""))
    if not parts:
        return own if spec.kind == "feature" else f"{len(spec.members)} latents without a telling word"
    return "; ".join(parts)
