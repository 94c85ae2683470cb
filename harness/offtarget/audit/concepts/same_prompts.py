"""Topics that are not told apart by what was asked: rows of one template, or the same prompts with other answers.

Rows are put into topics by prompt and answers together. Where the prompts are the same, "topics" are but kinds of
answer, or of what fills the slot of a template, and an effect inside one against the others says nothing of subjects.
"""

from collections.abc import Sequence

import numpy as np

from offtarget.audit.concepts.topics import SILENT
from offtarget.audit.statistics.means import Ints, group_codes, indicator
from offtarget.data.templates import Template

SAME = 0.8
"""Share of their rows that two topics have of the same prompts, from which on they are one."""


def merge_same(codes: Ints, groups: Sequence[str], found: Sequence[Template]) -> Ints:
    """The topic of each row, where topics of the same prompts are one.

    The rows of a template all go to the topic that holds most of them. Then topics are merged into the largest of
    them where their rows spread over the same prompts: Σ_p min(share of p in one, share of p in the other) ≥ `SAME`.

    Args:
        codes: topic of each row, -1 of none.
        groups: prompt of each row.
        found: the templates of the set.

    Returns:
        Codes of the same topics, some of them without rows now.
    """
    out = codes.copy()
    unit = list(groups)
    for k, template in enumerate(found):
        rows = np.array(template.rows)
        placed = out[rows][out[rows] != SILENT]
        if len(placed):
            out[rows] = np.bincount(placed).argmax()
        for i in template.rows:
            unit[i] = f"template {k}"
    rows = np.flatnonzero(out != SILENT)
    if not len(rows):
        return out
    prompts = group_codes([unit[i] for i in rows])
    n_topics = int(out.max()) + 1
    sizes = np.bincount(out[rows], minlength=n_topics)
    counts = np.asarray((indicator(out[rows], n_topics) @ indicator(prompts, int(prompts.max()) + 1).T).todense())
    shares = counts / np.maximum(sizes, 1)[:, None]
    into = np.arange(n_topics)
    order = np.argsort(-sizes, kind="stable")
    for a, t in enumerate(order):
        for other in order[:a]:
            if sizes[t] and into[other] == other and np.minimum(shares[t], shares[other]).sum() >= SAME:
                into[t] = other
                break
    out[rows] = into[out[rows]]
    return out
