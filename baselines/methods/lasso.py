"""A sparse regression of the choice on all rules at once, as hypothesis generators do."""

import numpy as np

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.method import AuditInput, Claim, audit_method


@audit_method(
    name="lasso",
    source="HypotheSAEs (arXiv 2502.04382) section 3.2, on surface rules instead of SAE latents",
    lenses=("surface",),
)
def lasso(given: AuditInput, *, inverse_penalty: float = 0.02) -> list[Claim]:
    """L1-penalised logistic regression of the choice on every concept's difference; it ranks, and names no findings.

    Which response comes first is arbitrary, so each row is given a random orientation, and there is no intercept.
    """
    from sklearn.linear_model import LogisticRegression

    features = list(given.features.values())
    specs, _ = find_concepts(features, seed=given.seed)
    label = {c.id: c.label for part in features for c in part.columns}
    u = contrasts(features, specs).u
    sd = u.std(axis=0)
    used = np.flatnonzero(sd > 0)
    turn = np.where(np.random.default_rng(given.seed).random(len(u)) < 0.5, -1.0, 1.0)
    model = LogisticRegression(
        l1_ratio=1.0, solver="liblinear", C=inverse_penalty, fit_intercept=False, random_state=given.seed
    )
    model.fit(turn[:, None] * u[:, used] / sd[used], turn > 0)
    return [
        Claim(specs[j].id, label[specs[j].members[0]], float(model.coef_[0, k]), u[:, j]) for k, j in enumerate(used)
    ]
