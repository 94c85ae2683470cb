"""The tilt predictor: how far a policy that follows the data's reward would move, from the data alone.

KL-regularised reward maximisation gives π* ∝ π₀ · exp(r/β) (arXiv 2606.12360, section 2). To first order in
1/β the mean of a concept s then moves by Cov_{π₀}(s, r)/β. With a reward that is linear in the latents,
r(y) = w · s(y), that is the vector Σ w / β, Σ the covariance of latents over responses. Concepts that go along
with what is rewarded move too, and concepts that never vary do not, however much they differ between
chosen and rejected.

Three liberties: Σ pools responses to different prompts, where the theory asks for the covariance within a prompt
(within a pair it brings nothing over the mean difference); both responses of all pairs stand in for answers of π₀;
and the unit is arbitrary, so only agreement over concepts can be asked for.

w is the ridge regression of "chosen won" on the standardised differences of a pair (dual form, so that
thousands of latents and hundreds of pairs cost one small inverse). The label of a pair enters as a sign of the target, so the prediction is
linear in the labels, and a shuffle of labels needs no new fit.
"""

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.statistics.means import Floats, Ints
from offtarget.verification.sums import Shift

RIDGE = 0.1
"""In units of the mean diagonal of the kernel; on the set that it was chosen on, 0.01 to 1 gave the same."""
MAX_ROWS = 4000
"""Pairs that are used at most, evenly spaced: the inverse is of that size."""


class Tilt:
    """Predicted shifts of latents; `of` gives those of concepts made of them.

    Args:
        chosen: values of the latents in the chosen responses, `(n_rows, n_latents)`.
        rejected: the same of the rejected ones.
        basis: odd functions of the two lengths, `(n_rows, k)`, or their log difference alone, `(n_rows,)`.
        codes: prompt group of each row.
    """

    def __init__(self, chosen: NDArray[Any], rejected: NDArray[Any], basis: Floats, codes: Ints) -> None:
        if len(chosen) > MAX_ROWS:
            pick = np.linspace(0, len(chosen) - 1, MAX_ROWS).astype(np.int64)
            chosen, rejected, basis, codes = chosen[pick], rejected[pick], basis[pick], codes[pick]
        u = chosen.astype(np.float64) - rejected
        spread = np.sqrt((u**2).mean(axis=0))
        moving = spread > 0
        z = u[:, moving] / spread[moving]
        kernel = z @ z.T / max(int(moving.sum()), 1)
        basis = basis[:, None] if basis.ndim == 1 else basis
        self.codes, self._basis = codes, basis
        self.n_rows = len(u)
        self.groups = int(codes.max()) + 1
        self._raw = np.linalg.inv(kernel + RIDGE * np.eye(self.n_rows))
        # length is a regressor without penalty: the fit answers "at equal length"
        self._equal = self._raw - _along(self._raw, basis)
        both = np.concatenate([chosen, rejected]).astype(np.float64)
        both -= both.mean(axis=0)
        # Σ · diag(1/sd) · zᵀ: what a unit of each pair's weight moves
        reward = both[:, moving] @ (z / spread[moving]).T
        self._moves = both.T @ reward / len(both)

    def of(self, member: Any) -> "Tilt":
        """The same reward's predictions for concepts.

        Args:
            member: sparse `(n_latents, n_concepts)`, the weights of each concept's latents.
        """
        out = copy(self)
        out._moves = np.asarray(member.T @ self._moves)
        return out

    def __len__(self) -> int:
        return self.groups

    def shift(self) -> Shift:
        """The prediction, and the one with length held fixed in the reward; each `(n_concepts,)`."""
        one = self._of(np.ones((1, self.n_rows)))
        return Shift(one.raw[0], one.at_equal_length[0])

    def shuffled(self, signs: Floats) -> Shift:
        """The predictions when the labels of whole prompts are swapped; `(n_draws, n_concepts)`.

        Swapping turns a pair's difference and its length around; that is the same as a target of -1.
        """
        return self._of(signs[:, self.codes])

    def resampled(self, weights: Floats) -> Shift:
        """The prediction where the reward is fitted without the prompts of weight 0; `(n_draws, n_concepts)`.

        Prompts have weight 0 or 1, since a kernel regression has no cheap fit of repeated rows. With A = K + λI and B the
        rows left out, the inverse of what is left of A is A⁻¹ - A⁻¹_B (A⁻¹_BB)⁻¹ A⁻¹_Bᵀ, so no draw costs a new inverse.
        The covariance of the latents stays that of all rows.

        Raises:
            ValueError: a weight other than 0 and 1.
        """
        if not np.isin(weights, (0.0, 1.0)).all():
            raise ValueError("a tilt can leave prompts out, not repeat them")
        one = self.shift()
        raw, equal = np.empty((2, len(weights), len(one.raw)))
        for k, row in enumerate(weights):
            left_out = row[self.codes] == 0
            kept, out = np.flatnonzero(~left_out), np.flatnonzero(left_out)
            inverse = self._raw
            if len(out):
                across = self._raw[np.ix_(kept, out)]
                inverse = self._raw[np.ix_(kept, kept)] - across @ np.linalg.solve(
                    self._raw[np.ix_(out, out)], across.T
                )
            moves = self._moves[:, kept]
            raw[k] = moves @ inverse.sum(axis=0)
            equal[k] = raw[k] - moves @ _along(inverse, self._basis[kept]).sum(axis=0)
        return Shift(raw, equal)

    def _of(self, targets: Floats) -> Shift:
        return Shift(targets @ self._raw @ self._moves.T, targets @ self._equal @ self._moves.T)


def _along(inverse: Floats, basis: Floats) -> Floats:
    """What of A⁻¹ goes along the columns of a basis B that are fitted without penalty: A⁻¹B (Bᵀ A⁻¹B)⁻¹ Bᵀ A⁻¹."""
    across = inverse @ basis
    return np.asarray(across @ np.linalg.pinv(basis.T @ across, rcond=1e-9) @ across.T)
