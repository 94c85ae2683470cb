"""Boards from simulated policies whose expected scores are known: prompts and training seeds are random.

Calibrated to results/planted-style, where seed means of plain DPO are 0.411, 0.349 and 0.526: most of their spread is
training, not sampling.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from offtarget.board.cell import Cell, CellManifest, CellSpec
from offtarget.evals.scores import BehaviourScore, Role
from offtarget.verdicts import Verdict

Floats = NDArray[np.float64]
MODEL = CellManifest(rows_sha256="r", n_pairs=256, model_identity="id", code_version="v")
"""Of every simulated cell: they are on one board."""


@dataclass(frozen=True)
class Policy:
    """Answers of 0 or 1: logit = level + prompt effect + seed effect + effect of the seed on the prompt."""

    level: float
    seed_sd: float = 0.0
    prompt_sd: float = 1.5
    both_sd: float = 0.7

    def truth(self) -> float:
        """The expected score over prompts and seeds, by quadrature."""
        x, w = np.polynomial.hermite_e.hermegauss(80)
        sd = (self.seed_sd**2 + self.prompt_sd**2 + self.both_sd**2) ** 0.5
        return float((w * _logistic(self.level + sd * x)).sum() / w.sum())

    def draw(self, prompts: Floats, seeds: int, rng: np.random.Generator) -> Floats:
        """(seeds, n) answers; `prompts` (n,) are standard normals that all policies share."""
        n = len(prompts)
        z = self.level + self.prompt_sd * prompts + self.seed_sd * rng.standard_normal((seeds, 1))
        return (rng.random((seeds, n)) < _logistic(z + self.both_sd * rng.standard_normal((seeds, n)))).astype(float)


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def score(name: str, role: Role, values: Floats, unit: str = "share of answers") -> BehaviourScore:
    """A score of one seed; NaN is unscored. Built without validation: thousands are made."""
    samples = {f"{name}-{i:03d}": None if v != v else v for i, v in enumerate(values.tolist())}
    scored = [v for v in samples.values() if v is not None]
    return BehaviourScore.model_construct(
        behaviour=name, task_version="1-A", direction="lower", role=role, metric="mean", unit=unit,
        value=sum(scored) / len(scored) if scored else None, ci=None, n=len(scored),
        n_unscored=len(samples) - len(scored), samples=samples, details={}, strata={},
    )  # fmt: skip


def cells(protocol: str, behaviours: dict[tuple[str, Role, str], Floats], **parameters: float) -> list[Cell]:
    """One cell for each seed, without validation. `behaviours`: (name, role, unit) -> (seeds, n) values."""
    n_seeds = len(next(iter(behaviours.values())))
    verdicts = () if protocol in ("start", "dpo") else (Verdict(concept="c", decision="suppress"),)
    names = tuple(name for name, *_ in behaviours)
    return [
        Cell.model_construct(
            spec=CellSpec(
                dataset="simulated", model="m", protocol=protocol, seed=s, parameters=dict(parameters),
                verdicts=verdicts, behaviours=names,
            ),
            manifest=MODEL,
            behaviours=tuple(score(name, role, v[s], unit) for (name, role, unit), v in behaviours.items()),
            budget="cpu",
        )
        for s in range(n_seeds)
    ]  # fmt: skip
