"""Hand-made cells: scores whose recovery, drift and capability change are known."""

from collections.abc import Callable
from typing import Any

import pytest

from offtarget.board.cell import Cell, CellManifest, CellSpec, Cost, PlanSummary, TrainingDigest
from offtarget.evals.scores import BehaviourScore
from offtarget.verdicts import Verdict

ROLES = {"style": "target", "sycophancy": "off-target", "verbosity": "off-target", "capability": "capability"}
DIRECTION = {"style": "lower", "sycophancy": "lower", "verbosity": "lower", "capability": "higher"}
N = 100


def binary(rate: float, n: int = N, offset: int = 0) -> dict[str, float | None]:
    """n samples of which exactly round(rate·n) are 1; nested, so a higher rate contains a lower one."""
    ones = round(rate * n)
    return {f"p{i:03d}": float((i + offset) % n < ones) for i in range(n)}


def score(name: str, samples: dict[str, float | None], version: str = "1-A") -> BehaviourScore:
    scored = [v for v in samples.values() if v is not None]
    return BehaviourScore(
        behaviour=name,
        task_version=version,
        direction=DIRECTION[name],  # type: ignore[arg-type]
        role=ROLES[name],  # type: ignore[arg-type]
        metric="share of answers",
        unit="share",
        value=sum(scored) / len(scored) if scored else None,
        ci=(0.9 * sum(scored) / len(scored), 1.1 * sum(scored) / len(scored)) if scored else None,
        n=len(scored),
        n_unscored=len(samples) - len(scored),
        samples=samples,
    )


@pytest.fixture(name="binary")
def binary_fixture() -> Callable[..., dict[str, float | None]]:
    return binary


@pytest.fixture()
def make_cell() -> Callable[..., Cell]:
    """`make_cell("dpo", style=0.4, ...)`: a cell with the given rates (or samples) by behaviour."""

    def build(
        protocol: str,
        *,
        seed: int = 0,
        strength: float | None = None,
        rows: str = "a" * 64,
        budget: str = "small",
        version: str = "1-A",
        verdict: str | None = "suppress",
        hardware: dict[str, str] | None = None,
        seconds: float = 10.0,
        created: str = "2026-01-01T00:00:00+00:00",
        beta: float = 0.1,
        model_identity: str = "b" * 64,
        code_version: str = "0.1.0",
        packages: dict[str, str] | None = None,
        max_tokens: int = 128,
        **rates: Any,
    ) -> Cell:
        shaped = protocol not in {"start", "dpo"}
        behaviours = tuple(
            score(k, v if isinstance(v, dict) else binary(v), version) for k, v in rates.items() if v is not None
        )
        return Cell(
            spec=CellSpec(
                dataset="toy/style",
                model="tiny",
                protocol=protocol,
                parameters={"strength": strength} if strength is not None else {},
                seed=seed,
                training={} if protocol == "start" else {"beta": beta, "mode": "fast"},
                behaviours=tuple(rates),
                data={"evaluation": {"max_tokens": max_tokens}},
                verdicts=(Verdict(concept="surface:bold", decision=verdict),)
                if protocol != "start" and verdict
                else (),
            ),
            manifest=CellManifest(
                dataset_revision="r1",
                rows_sha256=rows,
                n_pairs=64,
                model_identity=model_identity,
                task_versions=dict.fromkeys(rates, version),
                code_version=code_version,
                packages=packages or {"torch": "2.8"},
            ),
            plan=PlanSummary(protocol=protocol, pairs=64, touched=16 if shaped else 0, hash="c" * 64)
            if protocol != "start"
            else None,
            training=TrainingDigest(steps=8, loss_first=0.69, loss_last=0.5, accuracies={"training, last fifth": 0.8})
            if protocol != "start"
            else None,
            behaviours=behaviours,
            budget=budget,
            cost=Cost(seconds={"train": seconds}),
            hardware=hardware or {"cpu": "x"},
            created=created,
        )

    return build


@pytest.fixture()
def three(make_cell: Callable[..., Cell]) -> Callable[..., list[Cell]]:
    """`three("dpo", style=0.4)`: three training seeds with the same rates."""

    def build(protocol: str, **kw: Any) -> list[Cell]:
        return [make_cell(protocol, seed=s, **kw) for s in range(3)]

    return build
