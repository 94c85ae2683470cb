"""The tiny model and its small training set, as the tests of training have them; plans exported on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.training.conftest import Bench
from tests.training.conftest import bench as bench

from offtarget.data.pairs import PairSet
from offtarget.elsewhere.export import export_plan
from offtarget.elsewhere.folder import Exported
from offtarget.engine.dry import Ground, Planned
from offtarget.lens.reader import Reader
from offtarget.shaping.plan import ShapingPlan
from offtarget.verdicts import Traced, Verdict


def export_into(
    folder: Path, bench: Bench, plan: ShapingPlan, *, reference: bool = True, spec: Any = None, **given: Any
) -> Exported:
    """Export a plan over the small pairs of the tiny model, which suppresses concept `c`.

    Args:
        folder: to write.
        bench: model, pairs and training options.
        plan: over its pairs.
        reference: as for `export_plan`.
        spec: training options other than the bench's.
        given: parameters of the protocol.
    """
    decided = Traced(Verdict(concept="c", decision="suppress"), (), ())
    on = Ground(None, (), (), (), (decided,), None, ())  # type: ignore[arg-type]
    planned = Planned(plan, {}, on, given, 1)
    pairs, reader = PairSet("small", bench.set.pairs), Reader(bench.ref, bench.store)
    return export_plan(folder, planned, pairs, reader, spec or bench.spec, reference=reference)


@pytest.fixture()
def exported(bench: Bench, tmp_path: Path) -> Callable[..., Path]:
    """`exported("shaped", plan)`: the folder of an export."""

    def write(name: str, plan: ShapingPlan | None = None, **options: Any) -> Path:
        export_into(tmp_path / name, bench, plan or bench.identity(), **options)
        return tmp_path / name

    return write
