"""Words of chosen against words of rejected: what anybody would try first, and no rule has to be written for."""

import numpy as np
from scipy import stats

from offtarget.audit.concepts.words import count_words, log_odds
from offtarget.audit.method import AuditInput, Claim, audit_method
from offtarget.audit.statistics.means import bh
from offtarget.data.pairs import text_of


@audit_method(name="words", source="Monroe, Colaresi and Quinn 2008, eq. 16, 19 and 22")
def words(given: AuditInput, *, min_share: float = 0.005) -> list[Claim]:
    """Log-odds of each word between the sides, with an informative Dirichlet prior.

    A word counts once in a response. Words that are in less than the share `min_share` of responses are not looked at.
    """
    texts = [text_of(side) for p in given.pairs.pairs for side in (p.chosen, p.rejected)]
    names, present = count_words(texts, min_texts=max(2, round(min_share * len(texts))))
    if not names:
        return []
    chosen, rejected = present[0::2], present[1::2]
    inside = np.asarray(chosen.sum(axis=0))
    z = log_odds(inside, inside[0] + np.asarray(rejected.sum(axis=0))[0])[0]
    q = bh(2 * stats.norm.sf(np.abs(z)))
    u = (chosen - rejected).toarray().astype(np.float32)
    return [Claim(f"word:{w}", w, float(z[j]), u[:, j], float(q[j])) for j, w in enumerate(names)]
