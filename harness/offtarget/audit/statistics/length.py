"""Does a concept go with the choice at equal length? A logistic regression per hypothesis.

Model: P(chosen is what it is | the two responses) = σ(β · u/sd + γ · Δ log length), without intercept.
Which response stands first is arbitrary, so rows are given a random orientation o = ±1 and the regression
is of 1{o = +1} on o·u and o·Δ log length: each row's likelihood, and so the estimate and its clustered
error, are the same for every orientation. Estimand: β, the log-odds per sd of u at equal length.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints, column_blocks, correlations, group_sums
from offtarget.data.debris import own_text
from offtarget.data.pairs import Pair

COLLINEAR = 0.95
MAX_LOG_ODDS = 20.0

SEPARATED = "not estimable: it stands on one side of the choice only (separation)"
IS_LENGTH = "a measure of length itself"
NO_FIT = "not estimable: the regression does not converge"


def log_length_difference(pairs: Sequence[Pair]) -> Floats:
    """log(1 + characters) of chosen minus that of rejected, per row, both without debris (`debris.own_text`)."""
    sides = [[len(own_text(p.prompt, side)) for side in (p.chosen, p.rejected)] for p in pairs]
    log = np.log1p(np.array(sides, dtype=np.float64).reshape(-1, 2))
    return np.asarray(log[:, 0] - log[:, 1])


def is_length(u: NDArray[Any], length: Floats) -> NDArray[np.bool_]:
    """Columns that measure length: |Pearson r| with the log-length difference above 0.95."""
    if np.ptp(length) == 0:
        return np.zeros(u.shape[1], dtype=bool)
    return np.asarray(np.abs(correlations(u, length[:, None])[:, 0]) > COLLINEAR)


def length_controlled(
    u: NDArray[Any],
    length: Floats,
    codes: Ints,
    *,
    inside: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> tuple[float, float] | str:
    """The effect of one concept on the choice with length held fixed, and its p.

    With `inside`, concept and length each get a second coefficient for the rows inside, and the effect is
    the concept's: by how much its log-odds per sd are larger inside than outside.

    Args:
        u: `(n_rows,)`.
        length: difference of log length, `(n_rows,)`.
        codes: prompt group of each row; the error is clustered by it, p from t with G - 1 degrees of freedom.
        inside: rows in the context; None for the overall effect.
        seed: of the random orientation.

    Returns:
        (log-odds per sd, p), or the reason why it cannot be estimated.
    """
    from scipy import stats
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    x = u.astype(np.float64)
    sd = x.std(ddof=1)
    if sd == 0 or _one_sided(x):
        return SEPARATED
    columns = [x / sd]
    if inside is not None:
        if _one_sided(x[inside]) or _one_sided(x[~inside]):
            return SEPARATED
        columns.insert(0, columns[0] * inside)
    scale = length.std() or 1.0
    for part in [length / scale] if inside is None else [length / scale, length / scale * inside]:
        if np.ptp(part) > 0:
            columns.append(part)
    design = np.stack(columns, axis=1)
    turn = np.where(np.random.default_rng(seed).random(len(x)) < 0.5, -1.0, 1.0)
    _, dense = np.unique(codes, return_inverse=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = Logit((turn > 0).astype(float), design * turn[:, None]).fit(
                method="newton", maxiter=50, disp=0, cov_type="cluster", cov_kwds={"groups": dense}
            )
        except (PerfectSeparationError, np.linalg.LinAlgError):
            return NO_FIT
    beta, error = float(fit.params[0]), float(fit.bse[0])
    if not fit.mle_retvals["converged"] or not np.isfinite([beta, error]).all() or error <= 0:
        return NO_FIT
    if np.abs(fit.params).max() > MAX_LOG_ODDS:
        return NO_FIT
    return beta, float(2 * stats.t.sf(abs(beta / error), int(dense.max())))


def _one_sided(x: Floats) -> bool:
    return bool((x >= 0).all() or (x <= 0).all())


def equal_length_mean(u: NDArray[Any], length: Floats, codes: Ints) -> tuple[Floats, Floats]:
    """Mean of each column at equal length: the intercept of its regression on the log-length difference.

    Returns:
        (intercept, standard error clustered by group with G/(G-1)·(N-1)/(N-2)), each `(n_columns,)`. Where
        length never differs, the plain mean.
    """
    n, n_groups = len(u), int(codes.max()) + 1
    design = np.stack([np.ones(n), length], axis=1) if np.ptp(length) > 0 else np.ones((n, 1))
    bread = np.linalg.inv(design.T @ design)
    row = design @ bread[0]
    intercept, error = np.zeros(u.shape[1]), np.zeros(u.shape[1])
    for cols in column_blocks(u.shape[1]):
        block = u[:, cols].astype(np.float64)
        beta = bread @ (design.T @ block)
        scores = group_sums(row[:, None] * (block - design @ beta), codes, n_groups)
        intercept[cols] = beta[0]
        factor = n_groups / (n_groups - 1) * (n - 1) / (n - design.shape[1])
        error[cols] = np.sqrt(factor * (scores**2).sum(axis=0))
    return intercept, error
