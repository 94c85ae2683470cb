"""An adapter at another scale, and a random one of its size: against dense matrices."""

from pathlib import Path

import pytest
import torch
from tests.adapters import Q, random_adapter, write_adapter

from offtarget.errors import ConfigError
from offtarget.evals.adapters import null_adapter, read_adapter, scaled
from offtarget.models import load, resolve
from offtarget.store import Store


def test_the_norm_of_a_change_is_that_of_the_whole_matrix(tiny_model: Path, tmp_path: Path) -> None:
    a, b = torch.zeros(2, 64), torch.zeros(64, 2)
    a[0, :2] = torch.tensor([3.0, 4.0])  # ‖b₀a₀ᵀ‖ = |b₀|·5
    b[7, 0] = 2.0
    path = write_adapter(tmp_path / "one", tiny_model, {Q: (a, b)}, rank=2, alpha=3)
    assert read_adapter(path).norms == pytest.approx({Q: 3 / 2 * 2 * 5})
    rs = write_adapter(tmp_path / "two", tiny_model, {Q: (a, b)}, rank=2, alpha=3, use_rslora=True)
    assert read_adapter(rs).norms == pytest.approx({Q: 3 / 2**0.5 * 2 * 5})


def test_a_null_adapter_has_the_norm_of_each_matrix_and_nothing_else_of_it(
    tiny_model: Path, tmp_path: Path, store_home: Path
) -> None:
    store = Store()
    found = read_adapter(random_adapter(tmp_path / "policy", tiny_model))
    start = resolve(str(tiny_model), store)
    paths = [null_adapter(found, start, draw, store) for draw in range(3)]
    for path in paths:
        null = read_adapter(path)
        assert null.shapes == found.shapes
        for name, (a, b) in null.pairs.items():
            own_a, own_b = found.pairs[name]
            change, own = 2.0 * b @ a, 2.0 * own_b @ own_a  # alpha 8, rank 4
            assert float(change.norm()) == pytest.approx(float(own.norm()), rel=1e-3)
            cosine = float((change * own).sum() / change.norm() / own.norm())
            assert abs(cosine) < 0.1  # of 4,096 entries: no more alike than by chance
    one, two = (read_adapter(p).pairs[Q][0] for p in paths[:2])
    assert not torch.equal(one, two)
    made = store.n_made
    assert null_adapter(found, start, 1, store) == paths[1]
    assert store.n_made == made


def test_scale_0_is_start_and_scale_1_the_policy_to_the_last_bit(
    tiny_model: Path, tmp_path: Path, store_home: Path
) -> None:
    store = Store()
    path = random_adapter(tmp_path / "policy", tiny_model)

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        return dict(load(str(folder), store=store)[0].state_dict())

    start, policy = weights(tiny_model), weights(path)
    assert scaled(path, 1, store) == path
    none, half, more = (weights(scaled(path, x, store)) for x in (0.0, 0.5, 1.25))
    changed = [n for n in start if not torch.equal(start[n], policy[n])]
    assert changed == ["model.layers.1.self_attn.q_proj.weight", "model.layers.3.mlp.down_proj.weight"]
    for name in start:
        assert torch.equal(none[name], start[name])
        step = policy[name] - start[name]
        torch.testing.assert_close(half[name], start[name] + 0.5 * step)
        torch.testing.assert_close(more[name], start[name] + 1.25 * step)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
    ],
)
def test_an_adapter_that_is_more_than_one_change_is_refused(
    tiny_model: Path, tmp_path: Path, config: dict[str, object], named: str
) -> None:
    path = random_adapter(tmp_path / "policy", tiny_model, **config)
    with pytest.raises(ConfigError, match=f"{named} is set"):
        read_adapter(path)
