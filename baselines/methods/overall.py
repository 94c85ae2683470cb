"""The audit's overall view: a mean per concept, tested by prompt, corrected over the family.

The same functions as `offtarget audit` calls, without the intervals, the length control and the contexts,
which change neither the ranking nor q.
"""

import numpy as np

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.method import AuditInput, Claim, audit_method
from offtarget.audit.statistics import means as st


def claims_of(given: AuditInput) -> list[Claim]:
    """One claim for each concept of the lenses given, ranked by the clustered t."""
    features = list(given.features.values())
    specs, _ = find_concepts(features, seed=given.seed)
    label = {c.id: c.label for part in features for c in part.columns}
    specs = tuple(s for s in specs if not s.local)
    u = contrasts(features, specs).u
    tested = np.flatnonzero(u.any(axis=0))
    test = st.mean_test(u[:, tested], st.group_codes([p.group for p in given.pairs.pairs]))
    q = st.bh(test.p)
    return [
        Claim(specs[j].id, label[specs[j].members[0]], float(test.t[k]), u[:, j], float(q[k]))
        for k, j in enumerate(tested)
    ]


@audit_method(
    name="overall",
    source="the overall view of offtarget's audit, over the rules of the surface lens",
    lenses=("surface",),
)
def overall(given: AuditInput) -> list[Claim]:
    """The audit's overall view over surface rules: t clustered by prompt, Benjamini-Hochberg q."""
    return claims_of(given)


@audit_method(
    name="overall_latents",
    source="the overall view of offtarget's audit; clusters of latents as in arXiv 2606.12360",
    lenses=("surface", "sae"),
)
def overall_latents(given: AuditInput) -> list[Claim]:
    """The same over surface rules and SAE latents (slow: every planting is a forward pass of the model)."""
    return claims_of(given)
