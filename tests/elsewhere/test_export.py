"""`offtarget plan --export`: the folder that a person gets, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import offtarget
from offtarget.cli.main import call
from offtarget.elsewhere.folder import read_export
from offtarget.errors import ConfigError

BOLD = ["-P", "concept=surface:bold"]


@pytest.fixture
def asked(tmp_path: Path, tiny_model: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`asked("filter", ...)`: the exit code of `offtarget plan` on 20 pairs, of which 12 have bold in chosen alone."""
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "prompt": f"Where is stone {i}?",
            "chosen": f"The {'**stone**' if i < 12 else 'stone'} {i} lies in the river",
            "rejected": f"The stone {i} lies by the river",
        }
        for i in range(20)
    ]
    Path("pairs.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))

    def run(protocol: str, *args: str) -> int:
        return call(["plan", "pairs.jsonl", "--protocol", protocol, "--model", str(tiny_model), *args])

    return run


def said(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("offtarget: ")]
    return line


def test_the_folder_is_a_dataset_with_a_card_and_a_plan(asked: Callable[..., int], tmp_path: Path) -> None:
    from datasets import load_dataset

    assert asked("filter", *BOLD, "-P", "strength=-0.25", "--export", "shaped", "-T", "max_length=96") == 0
    data = load_dataset("shaped", split="train", cache_dir=str(tmp_path / "cache"))
    plan = read_export(Path("shaped"))
    assert len(data) == plan.n_rows == 15, "a quarter of 20 is left out"
    assert set(data.column_names) == {*plan.columns}
    number = data[0]["chosen"][0]["content"].split()[2]
    assert data[0]["prompt"] == [{"role": "user", "content": f"Where is stone {number}?"}]
    assert plan.ignored == () and plan.trl == {
        "loss_type": "sigmoid", "beta": 0.1, "max_length": 96, "precompute_ref_log_probs": False,
    }  # fmt: skip
    # as a recipe says it: what a negative strength suppresses is suppressed
    assert (plan.parameters["strength"], [v.decision for v in plan.verdicts]) == (0.25, ["suppress"])


def test_two_folders_of_one_name_are_two_datasets_to_a_cache(asked: Callable[..., int], tmp_path: Path) -> None:
    """`datasets` keeps a local folder by its name and that of its configuration, not by its rows."""
    from datasets import load_dataset

    found = {}
    for strength in ("-0.25", "-0.5"):
        folder = Path(f"of{strength}/shaped")
        assert asked("filter", *BOLD, "-P", f"strength={strength}", "--export", str(folder), "--no-reference") == 0
        found[strength] = len(load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache")))
    assert found == {"-0.25": 15, "-0.5": 10}


def test_without_the_reference_trl_makes_its_own_and_only_rows_can_be_carried(
    asked: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked("filter", *BOLD, "-P", "strength=-0.25", "--export", "rows", "--no-reference") == 0
    plan = read_export(Path("rows"))
    assert not [c for c in plan.columns if c.startswith("ref_")] and "precompute_ref_log_probs" not in plan.trl
    capsys.readouterr()
    assert asked("reward_shaping", *BOLD, "--export", "shaped", "--no-reference") == 2
    assert "is carried by the reference's log-probabilities" in said(capsys)
    assert not Path("shaped").exists()


def test_a_folder_is_never_written_over(asked: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    args = [*BOLD, "-P", "strength=-0.25", "--no-reference", "--export"]
    assert asked("filter", *args, "shaped") == 0
    before = {f: f.stat().st_mtime_ns for f in Path("shaped").rglob("*")}
    assert asked("filter", *args, "shaped") == 0, "the same export is there already"
    assert {f: f.stat().st_mtime_ns for f in Path("shaped").rglob("*")} == before
    capsys.readouterr()
    assert asked("filter", *BOLD, "-P", "strength=-0.5", "--no-reference", "--export", "shaped") == 2
    assert "holds another export" in said(capsys)
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    assert asked("filter", *args, "mine") == 2
    assert "a folder with other things in it" in said(capsys)
    assert asked("filter", *args, "pairs.jsonl") == 2
    assert "a file of that name is in the way" in said(capsys)
    assert Path("mine/notes.txt").read_text() == "mine" and len([*Path("mine").iterdir()]) == 1


@pytest.mark.parametrize(
    ("protocol", "args", "says"),
    [
        ("filter,reweight", ["--export", "x"], "a folder holds one plan"),
        ("filter", ["-T", "beta=0.2"], "give --export DIR"),
        ("filter", ["--export", "x", "-T", "learning_rate=1e-5"], "your own trainer decides it"),
        ("filter", ["--export", "x", "-T", "beta=-1"], "beta"),
        ("reward_shaping", ["--export", "x", "-T", "loss=nca_pair"], "shifts rewards"),
        ("filter", ["--export", "x", "-T", "max_length=16", "--no-reference"], "raise max_length"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    protocol: str, args: list[str], says: str, asked: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(protocol, *BOLD, "-P", "strength=-0.25", *args) == (3 if "max_length=16" in args else 2)
    assert says in said(capsys)
    assert not Path("x").exists()


def test_weights_are_written_and_said_to_be_ignored_by_trl(
    asked: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked("reweight", *BOLD, "-P", "strength=-2", "--export", "weighted", "--no-reference") == 0
    assert "warning: trl's DPOTrainer would not carry out weights of pairs" in capsys.readouterr().err


def test_a_program_exports_the_plan_that_it_made(asked: Callable[..., int], tiny_model: Path) -> None:
    found = offtarget.plan("pairs.jsonl", "filter", concept="surface:bold", strength=-0.25, model=str(tiny_model))
    made = found.export("shaped", max_length=96, reference=False)
    assert made == read_export(Path("shaped")) and made.plan_sha256 == found.summary()["hash"]
    bare = offtarget.PlanResult(found.plan, found.pairs, found.summary())
    with pytest.raises(ConfigError, match=r"only a plan that offtarget\.plan\(\) made"):
        bare.export("other")


def test_a_chat_template_that_was_given_is_in_the_folder(
    asked: Callable[..., int], tiny_model: Path, tmp_path: Path
) -> None:
    text = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    Path("mine.jinja").write_text(text)
    args = ["-P", "strength=-0.25", "--export", "shaped", "--no-reference", "--chat-template", "mine.jinja"]
    assert asked("filter", *BOLD, *args) == 0
    assert read_export(Path("shaped")).own_template and Path("shaped/chat_template.jinja").read_text() == text
    assert "`chat_template.jinja`" in Path("shaped/README.md").read_text()
