"""Token-level filtering: words that show the concept are not learned from, in either answer.

Each word's score is the largest of its tokens'; words over a threshold are left out of the log-probabilities of the
policy and of the reference, on both sides (arXiv 2606.12360, section 2.4; loss masking as in arXiv 2601.21571). To
suppress, words with much of the concept go. To amplify, there is nothing to mask: refused.
"""

import numpy as np

from offtarget.errors import ConfigError
from offtarget.shaping.context import ShapingContext, Target, WordScores, share
from offtarget.shaping.plan import ShapingPlan, Spans
from offtarget.shaping.protocol import protocol

LEAST = 0.1
"""A pair with a smaller share of words left on either side is left out."""


@protocol(
    name="token_filter",
    family="data",
    source="arXiv 2606.12360, section 2.4; arXiv 2601.21571",
    unit="share of all words that is masked at most",
)
def token_filter(
    ctx: ShapingContext, *, strength: float = 0.05, readout: str = "feature", threshold: float | None = 0.0
) -> ShapingPlan:
    """Mask the words that show the concept most.

    Args:
        ctx: pairs, targets and scores of words.
        strength: share of all words (inside a target's context) that is masked at most.
        readout: of the scores: feature (rules, latents, directions), direction or probe.
        threshold: words are masked only above this score, in standard deviations over all words. None: the paper's, by
            which an answer's largest word score best tells (F1) whether the answer shows the concept; with strength 1
            it alone decides.
    """
    n = len(ctx.pairs)
    hidden: dict[str, list[set[tuple[int, int]]]] = {s: [set() for _ in range(n)] for s in ("chosen", "rejected")}
    words = masked = 0
    seen: dict[str, list[int]] = {"chosen": [0] * n, "rejected": [0] * n}
    for target in ctx.targets:
        gamma = target.effective(strength)
        if gamma > 0:
            raise ConfigError(
                "protocol 'token_filter' can only keep a concept from being learned: suppress it (with -P concept=ID by a negative "
                "strength), or use another protocol"
            )
        sides = dict(zip(("chosen", "rejected"), ctx.readings.words(target.concept, readout), strict=True))
        rows = np.flatnonzero(ctx.inside(target))
        scores = np.concatenate([np.zeros(0), *(s[i].scores for s in sides.values() for i in rows)])
        room = round(share(gamma) * len(scores))
        # the scores of a rule are all alike: of equals, chance decides which are masked
        order = np.lexsort((ctx.rng.random(len(scores)), -scores))[:room]
        mask = np.zeros(len(scores), bool)
        least = _best(ctx, target, sides, rows) if threshold is None else threshold
        mask[order] = scores[order] > least
        at = 0
        for name, side in sides.items():
            for i in rows:
                here = len(side[i].scores)
                seen[name][i] = here
                hidden[name][i] |= {(int(a), int(b)) for a, b in side[i].spans[mask[at : at + here]]}
                at += here
    plan = ShapingPlan.identity("token_filter", ctx.pairs)
    keep = plan.keep.copy()
    for name, rows_hidden in hidden.items():
        for i, spans in enumerate(rows_hidden):
            words, masked = words + seen[name][i], masked + len(spans)
            if spans and seen[name][i] - len(spans) < LEAST * seen[name][i]:
                keep[i] = False
    masks = {name: tuple(_joined(spans) for spans in found) for name, found in hidden.items()}
    most = max((share(t.effective(strength)) for t in ctx.targets), default=share(strength))
    notes = (f"{masked} of {words} words masked (at most {most:.1%} of a concept's were asked for)",)
    if not keep.all():
        notes += (f"{int((~keep).sum())} pairs left out: under {LEAST:.0%} of an answer's words were left",)
    return plan.edit(
        keep=keep, mask_chosen=masks["chosen"], mask_rejected=masks["rejected"], notes=notes,
        details={"asked": strength, "words": words, "masked": masked},
    )  # fmt: skip


def _best(ctx: ShapingContext, target: Target, sides: dict[str, list[WordScores]], rows: np.ndarray) -> float:
    """The threshold on an answer's largest word score with the highest F1 for which answers show the concept."""
    shown = dict(zip(("chosen", "rejected"), ctx.readings.presence(target.concept), strict=True))
    pairs = [(s[i].scores.max(), shown[name][i]) for name, s in sides.items() for i in rows if len(s[i].scores)]
    largest, truth = np.array([x for x, _ in pairs]), np.array([y for _, y in pairs], bool)
    if not truth.any() or truth.all():
        raise ConfigError(
            f"protocol 'token_filter': {target.concept} is shown by {'no' if not truth.any() else 'every'} answer, so no "
            "threshold tells them apart; give one, -P threshold=NUMBER"
        )
    values = np.unique(largest)
    middles = np.r_[values[0] - 1.0, (values[1:] + values[:-1]) / 2]
    over = largest > middles[:, None]
    hits = (over & truth).sum(axis=1)
    return float(middles[np.argmax(2 * hits / (over.sum(axis=1) + truth.sum()))])


def _joined(spans: set[tuple[int, int]]) -> Spans:
    """In order, with what overlaps or touches joined."""
    out: list[tuple[int, int]] = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)
