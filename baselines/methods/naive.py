"""What an audit finds that takes rows for independent and every p below the threshold for a finding."""

import numpy as np
from scipy import stats

from offtarget.audit.concepts.contrast import contrasts
from offtarget.audit.concepts.vocabulary import find_concepts
from offtarget.audit.method import AuditInput, Claim, audit_method
from offtarget.audit.statistics.means import SIGN_EPS


@audit_method(name="naive", source="Welch 1947, on rows", lenses=("surface",))
def naive(given: AuditInput) -> list[Claim]:
    """A control: z of the mean over rows, no clustering by prompt, p uncorrected instead of q."""
    features = list(given.features.values())
    specs, _ = find_concepts(features, seed=given.seed)
    label = {c.id: c.label for part in features for c in part.columns}
    u = contrasts(features, specs).u
    tested = np.flatnonzero(u.std(axis=0) > SIGN_EPS)
    values = u[:, tested].astype(np.float64)
    z = values.mean(axis=0) / values.std(axis=0, ddof=1) * np.sqrt(len(u))
    p = 2 * stats.norm.sf(np.abs(z))
    return [
        Claim(specs[j].id, label[specs[j].members[0]], float(z[k]), u[:, j], float(p[k])) for k, j in enumerate(tested)
    ]
