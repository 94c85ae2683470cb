"""The content is found from a checkout and from a wheel, and an edit in a checkout is seen at once."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from offtarget import registry

REPO = Path(__file__).resolve().parents[1]
KINDS = ("datasets", "behaviours", "protocols", "recipes", "methods", "benchmarks")


def listing(cwd: Path, **env: str) -> dict[str, list[dict[str, str]]]:
    done = subprocess.run(
        [sys.executable, "-m", "offtarget", "list", "--json"],
        cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked wheel."""
    pytest.importorskip("hatchling", reason="building a wheel needs hatchling (it is in the dev extra)")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=REPO,
        check=True,
        capture_output=True,
    )
    site = out / "site"
    with zipfile.ZipFile(next(out.glob("*.whl"))) as z:
        z.extractall(site)
    return site


def test_a_wheel_ships_what_the_checkout_has(wheel: Path, tmp_path: Path) -> None:
    shipped, here = listing(tmp_path, PYTHONPATH=str(wheel)), listing(REPO)
    for kind in KINDS:
        assert [e["name"] for e in shipped[kind]] == [e["name"] for e in here[kind]]
        assert here[kind], f"there are no {kind}"
        assert all(Path(e["path"]).is_relative_to(wheel) for e in shipped[kind])
        assert all(Path(e["path"]).is_relative_to(REPO) for e in here[kind])
    assert shipped["problems"] == []


def test_a_wheel_carries_the_prompts_the_planted_sets_and_the_sae(wheel: Path) -> None:
    content = wheel / "offtarget" / "content"
    for name in ("over_stylization", "verbosity", "sycophancy", "capability"):
        assert (content / "tasks" / f"{name}.jsonl").stat().st_size > 1000
    assert (content / "datasets_registry" / "planted" / "planted-style.jsonl.gz").is_file()
    static = REPO / "harness" / "offtarget" / "review" / "static"
    shipped = {p.name for p in (wheel / "offtarget" / "review" / "static").iterdir()}
    assert shipped == {p.name for p in static.iterdir()} and "review.js" in shipped
    assert list((wheel / "offtarget" / "lens" / "pretrained").rglob("sae_weights.safetensors"))
    assert sum(p.stat().st_size for p in wheel.rglob("*") if p.is_file()) < 40_000_000


def test_an_edit_in_a_checkout_is_seen_at_once() -> None:
    assert registry.builtin_root() == REPO
    card = REPO / "datasets_registry" / "zz-seen-at-once.yaml"
    card.write_text("name: zz-seen-at-once\ntitle: first\n")
    try:
        assert registry.Registry().get("dataset", "zz-seen-at-once").summary == "first"
        card.write_text("name: zz-seen-at-once\ntitle: second\n")
        assert registry.Registry().get("dataset", "zz-seen-at-once").summary == "second"
    finally:
        card.unlink()


def test_a_wheel_says_that_it_is_typed(wheel: Path) -> None:
    """PEP 561: without the marker a type checker takes every name of the package for `Any`."""
    assert (wheel / "offtarget" / "py.typed").is_file()
