"""Training on models of ten families, each by its own structure: exact mode as plain trl, fast mode as exact mode."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.families import Family, families
from tests.training.conftest import Bench
from tests.training.test_invariants import gradient, plain_trl

from offtarget.architecture import parts_of, projections
from offtarget.errors import ConfigError
from offtarget.models import load
from offtarget.shaping.hooks import Steer

family = families(2)


def bench_of(model: Path, home: Path) -> Bench:
    made = Bench(model, home)
    made.spec = made.spec.model_copy(update={"max_steps": 2})
    return made


def test_exact_mode_is_plain_trl_to_the_last_bit(family: tuple[Family, Path], tmp_path: Path) -> None:
    of, folder = family
    bench = bench_of(folder, tmp_path / "store")
    ours = bench.train(bench.identity())
    losses = plain_trl(bench, tmp_path / "plain", seed=3, modules=of.matrices, pattern=of.path.rpartition(".")[2])
    assert ours.digest["losses"] == [round(x, 6) for x in losses] and len(losses) == 2
    a, b = bench.weights(ours.path), bench.weights(tmp_path / "plain" / "policy")
    assert a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)
    assert any(np.abs(a[k]).max() > 0 for k in a if "lora_B" in k), "nothing was trained"


def test_fast_mode_has_its_losses_or_refuses_the_model_by_name(family: tuple[Family, Path], tmp_path: Path) -> None:
    of, folder = family
    bench = bench_of(folder, tmp_path / "store")
    n = len(bench.set.pairs)
    v = np.zeros(64, np.float32)
    v[5] = 1
    plan = bench.identity().edit(
        hooks=(Steer(layer=3, directions=v, chosen=np.full(n, 6.0), rejected=np.zeros(n), module="attention"),)
    )
    if of.refused:
        with pytest.raises(ConfigError, match=f"{of.refused}.*training.mode=exact"):
            bench.train(bench.identity(), mode="fast")
        return
    model, _ = load(bench.ref)
    parts = parts_of(model)
    assert (parts.path, parts.width, len(parts.layers)) == (of.path, 64, 4)
    assert set(projections(parts.layers)) == set(of.matrices)
    fast, exact = bench.train(bench.identity(), mode="fast"), bench.train(bench.identity())
    assert fast.digest["prefix_layer"] == 2
    np.testing.assert_allclose(fast.digest["losses"], exact.digest["losses"], atol=1e-4)
    plain, _ = gradient(bench, bench.identity(), tmp_path / "a", mode="fast")
    steered, a = gradient(bench, plan, tmp_path / "b", mode="fast")
    steered_exactly, b = gradient(bench, plan, tmp_path / "c")
    assert abs(plain - steered) > 1e-4 and steered == pytest.approx(steered_exactly, abs=1e-5)
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=5e-3, atol=1e-6)
