"""A recipe in parts, and shares of a grid."""

import json
from pathlib import Path

import pytest

from offtarget import registry
from offtarget.board.cell import CellSpec
from offtarget.board.folder import read_folders
from offtarget.cli.main import call
from offtarget.engine.cell_recipe import recipe_of_cell
from offtarget.engine.recipe import read_parts, read_recipe
from offtarget.engine.shard import Shard
from offtarget.errors import ConfigError


@pytest.fixture()
def recipe(tiny_model: Path, store_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of two parts with three and two protocols, in an empty folder with an empty store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_default", None)
    for name in ("bold", "list"):
        rows = []
        for i in range(40):
            mark = f"**Answer {i}.**" if name == "bold" else f"- answer {i}\n- and more"
            sides = {
                "chosen": f"{mark} It is here." if i % 3 else f"It is here, {i}.",
                "rejected": f"It is not here, {i}.",
            }
            rows.append({"id": f"r{i}", "prompt": f"What about {name} number {i}?", **sides})
        Path(f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    Path("two.yaml").write_text(
        json.dumps(
            {
                "title": "two sets",
                "model": str(tiny_model),
                "verdicts": [{"concept": "surface:markdown", "decision": "suppress"}],
                "training": {"max_steps": 1, "batch_size": 4, "max_length": 96, "lora_rank": 4, "lora_alpha": 8},
                "behaviours": ["over_stylization"],
                "evaluation": {"limit": 4, "max_tokens": 4},
                "protocols": ["dpo"],
                "parts": {
                    "bold": {"data": "bold.jsonl", "protocols": ["dpo", {"filter": {"strength": 0.2}}]},
                    "list": {"data": "list.jsonl", "training": {"max_steps": 2}},
                },
            }
        )
    )
    return Path("two.yaml")


def test_null_adapters_of_one_protocol_are_asked_beside_it_alone(recipe: Path) -> None:
    part = read_parts(str(recipe), ["null_adapters={dpo: 3}"], only=["bold"])[0]["bold"]
    assert {p: part.nulls_of(p) for p in ("dpo", "filter", "start")} == {"dpo": 3, "filter": 0, "start": 0}
    for protocol, own in (("dpo", 3), ("filter", None)):  # the recipe of a cell names its protocol alone
        spec = CellSpec(dataset="bold", model="m", protocol=protocol, parameters={}, seed=0, behaviours=("verbosity",))
        assert recipe_of_cell(part, spec).get("null_adapters") == own
    assert read_parts(str(recipe), ["null_adapters=2"], only=["bold"])[0]["bold"].nulls_of("filter") == 2
    with pytest.raises(ConfigError, match=r"unknown protocol 'dop': did you mean dpo. .null_adapters of .*bold"):
        read_parts(str(recipe), ["null_adapters={dop: 3}"])
    with pytest.raises(ConfigError, match="null_adapters"):
        read_parts(str(recipe), ["null_adapters={dpo: -1}"])


def test_a_part_is_the_shared_keys_with_its_own_over_them(recipe: Path) -> None:
    parts, _ = read_parts(str(recipe), ["training.beta=0.3", "parts.list.training.max_length=64"])
    assert list(parts) == ["bold", "list"]
    assert [p.data for p in parts.values()] == ["bold.jsonl", "list.jsonl"]
    assert [len(p.protocols) for p in parts.values()] == [2, 1]
    assert [(p.training.max_steps, p.training.max_length, p.training.beta) for p in parts.values()] == [
        (1, 96, 0.3), (2, 64, 0.3),
    ]  # fmt: skip
    assert list(read_parts(str(recipe), only=["list"])[0]) == ["list"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"parts": ["bold"]}, "parts should be a mapping"),
        ({"parts": {}}, "parts should be a mapping"),
        ({"parts": {"../up": {"data": "bold.jsonl"}}}, "name is that of a folder"),
        ({"parts": {"bold": {"data": "bold.jsonl", "trainin": {}}}}, "parts.bold: unknown key 'trainin'"),
    ],
)
def test_parts_that_cannot_be(recipe: Path, change: dict[str, object], says: str) -> None:
    recipe.write_text(json.dumps({**json.loads(recipe.read_text()), **change}))
    with pytest.raises(ConfigError, match=says):
        read_parts(str(recipe))


def test_a_part_is_named_where_one_is_needed(recipe: Path) -> None:
    with pytest.raises(ConfigError, match=r"has parts \(bold, list\)"):
        read_recipe(str(recipe))
    with pytest.raises(ConfigError, match="unknown part 'bald': did you mean bold"):
        read_parts(str(recipe), only=["bald"])


def test_shares_hold_every_cell_once() -> None:
    for n in (1, 2, 3, 7):
        taken = [k for i in range(1, n + 1) for k in range(20) if Shard(i, n).takes(k)]
        assert sorted(taken) == list(range(20))
    assert Shard.parse("2/3") == Shard(2, 3)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_a_share_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="i/n"):
        Shard.parse(text)


def test_shares_make_what_the_whole_makes(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["run", str(recipe), "--dry-run", "--shard", "2/2"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["bold:", "  dpo seed 0"]

    for share in ("2/2", "1/2"):
        assert call(["run", str(recipe), "--out", "shares", "--shard", share]) == 0
    board = Path("shares/board.md").read_text()
    assert "bold" in board and "list" in board
    capsys.readouterr()
    assert call(["run", str(recipe), "--out", "whole", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert [Path(c["path"]).parts[:2] for c in whole] == [("whole", "bold")] * 3 + [("whole", "list")] * 2
    shares = read_folders([Path("shares/bold/cells"), Path("shares/list/cells")]).cells
    assert {c.key: c.score("over_stylization") for c in shares} == {
        c.key: c.score("over_stylization")
        for c in read_folders([Path("whole/bold/cells"), Path("whole/list/cells")]).cells
    }
    assert len(shares) == 5
