"""The audit's overall view over surface rules and words: what no rule was written for may have a word."""

import numpy as np

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.concepts.words import count_words
from offtarget.audit.method import AuditInput, Claim, audit_method
from offtarget.audit.statistics import means as st
from offtarget.data.pairs import text_of


@audit_method(
    name="overall_words",
    source="the overall view of offtarget's audit, with words as further concepts",
    lenses=("surface",),
)
def overall_words(given: AuditInput, *, min_share: float = 0.005) -> list[Claim]:
    """The overall view over surface rules and words together: one family, t clustered by prompt, q over all.

    A word counts once in a response. Words that are in less than the share `min_share` of responses are not looked at.
    """
    features = list(given.features.values())
    specs, _ = find_concepts(features, seed=given.seed)
    names = {c.id: c.label for part in features for c in part.columns}
    texts = [text_of(side) for p in given.pairs.pairs for side in (p.chosen, p.rejected)]
    words, present = count_words(texts, min_texts=max(2, round(min_share * len(texts))))
    ids = [s.id for s in specs] + [f"word:{w}" for w in words]
    labels = [names[s.members[0]] for s in specs] + list(words)
    difference = (present[0::2] - present[1::2]).toarray().astype(np.float32)
    u = np.concatenate([contrasts(features, specs).u, difference], axis=1)
    tested = np.flatnonzero(u.any(axis=0))
    test = st.mean_test(u[:, tested], st.group_codes([p.group for p in given.pairs.pairs]))
    q = st.bh(test.p)
    return [Claim(ids[j], labels[j], float(test.t[k]), u[:, j], float(q[k])) for k, j in enumerate(tested)]
