"""The model of costs: operations and bytes by hand, sizes from names, and what a dry run prints of them."""

import pytest

from offtarget.cli.main import call
from offtarget.engine.scale import Machine, Rows, Size, duration, scaled, stages, total, weights_in_name

GPU = Machine("a GPU", flops=1e12, dollars=2.0, forward=0.5, training=0.25, sampling=0.1)
SIZE = Size(weights=1e6, layers=4, width=100, trained=1e4)


def test_stages_cost_what_tokens_times_weights_say() -> None:
    """10 pairs of 2 x (20 + 30) tokens: 1,000 tokens, so 2e9 operations a pass."""
    found = {
        s.name: s
        for s in stages(SIZE, Rows(10, 10, 20, 30), policies=3, epochs=2, latents=0, prompts=5, answer=40, machine=GPU)
    }
    assert set(found) == {"surface features", "audit", "reference", "training", "answers"}
    assert (found["reference"].passes, found["reference"].flops, found["reference"].times) == (1000, 2e9, 1)
    assert found["reference"].seconds == pytest.approx(2e9 / 0.5e12)
    # twice over the pairs, a forward pass and a backward one of LoRA
    assert (found["training"].passes, found["training"].times) == (4000, 3)
    assert found["training"].seconds == pytest.approx(8e9 / 0.25e12)
    assert found["training"].dollars == pytest.approx(8e9 / 0.25e12 / 3600 * 2)
    assert found["training"].memory == 1e4 * 16 + 4e6
    assert found["reference"].disk == 1000 * 4 + 1000 * 100 * 4, "log-probabilities, and what enters the trained layers"
    assert (found["answers"].passes, found["answers"].times) == (5 * 60, 4)
    hours, dollars, disk = total(list(found.values()))
    assert hours == pytest.approx((2e9 / 0.5e12 + 3 * 8e9 / 0.25e12 + 4 * 6e8 / 0.1e12) / 3600)
    assert dollars == pytest.approx(2 * hours) and disk > 0


def test_all_weights_take_two_passes_back_and_sixteen_bytes() -> None:
    size = Size(weights=1e6, layers=4, width=100, trained=1e6)
    found = {s.name: s for s in stages(size, Rows(10, 10, 20, 30), policies=1, method="full", latents=0, machine=GPU)}
    assert (found["training"].passes, found["training"].memory) == (3000, 16e6)


def test_latents_cost_their_encoder_and_three_statistics_on_disk() -> None:
    found = {s.name: s for s in stages(SIZE, Rows(10, 10, 20, 30), policies=1, latents=50, depth=0.5, machine=GPU)}
    sae = found["SAE features"]
    assert sae.flops == 10 * (20 + 60) * (2e6 * 0.5 + 2 * 100 * 50) and sae.disk == 10 * 2 * 3000 * 24


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("hf:allenai/Olmo-3-7B-Instruct-SFT", 7e9), ("smollm2-135m", 1.35e8), ("hf:Qwen/Qwen2.5-0.5B", 5e8),
        ("hf:org/gpt2", None), ("hf:org/model-8B@0e9e39f6564b88301", 8e9), ("models/v2", None), ("hf:meta-llama/Llama-3.1-70B@main", 7e10),
    ],
)  # fmt: skip
def test_a_name_says_how_large_a_model_is(name: str, weights: float | None) -> None:
    assert weights_in_name(name) == weights


@pytest.mark.parametrize(("weights", "width", "layers"), [(7e9, 4224, 33), (7e10, 9088, 71)])
def test_a_transformer_of_so_many_weights_is_about_as_wide_as_known_ones(
    weights: float, width: int, layers: int
) -> None:
    """Llama of 7 billion is 4,096 wide with 32 layers, of 70 billion 8,192 with 80."""
    found = Size.of_weights(weights)
    assert (found.width, found.layers) == (width, layers)


def test_numbers_and_durations_read_like_words() -> None:
    assert [scaled(x) for x in (12, 1500, 23_400_000, 1.4e12)] == ["12", "1.5 k", "23 M", "1.4 T"]
    assert [duration(x) for x in (12, 90, 5400, 47 * 3600, 200_000, 2e6)] == [
        "12 s",
        "1.5 min",
        "1.5 h",
        "47 h",
        "2.3 days",
        "23 days",
    ]


def test_a_dry_run_prints_the_stages_of_a_size_that_is_no_days_work_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert call(["run", "personality", "--size", "paper", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "training" in said and "hours of one H100 ($3 an hour assumed)" in said
    assert call(["run", "demo", "--dry-run"]) == 0
    assert "H100" not in capsys.readouterr().out
