"""The whole audit: its overall view, and where a topic or a kind of prompt leans otherwise than the rest."""

from offtarget.audit.method import AuditInput, Claim, audit_method
from offtarget.audit.run import audit


@audit_method(
    name="views",
    source="offtarget's audit, its overall and global views; the views of arXiv 2606.12360, sections 1.4 and 1.5",
    lenses=("surface",),
)
def views(given: AuditInput) -> list[Claim]:
    """Every listed hypothesis of the overall and the global view, ranked by |z| clustered by prompt."""
    made = audit(given.pairs, list(given.features.values()), seed=given.seed)
    label = {c.id: c.label for c in made.audit.concepts}
    return [
        Claim(
            h.id,
            label[h.concept] if h.context is None else f"{label[h.concept]}, in {h.context}",
            h.z,
            made.workings.column(h.concept),
            h.q,
            None if h.context is None else made.workings.inside(h.context),
        )
        for h in made.audit.hypotheses
        if h.view in ("overall", "global")
    ]
