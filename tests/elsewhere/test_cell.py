"""`offtarget cell`: policies that another program trained, on boards; what is refused, and how."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from tests.training.conftest import Bench

import offtarget
from offtarget.board.cell import Cell
from offtarget.board.folder import load_cell, read_cells
from offtarget.board.rank import rank
from offtarget.board.render import render
from offtarget.cli.main import call
from offtarget.elsewhere.folder import read_export
from offtarget.evals.scripted import scripted_model
from offtarget.registry import default, load_function
from offtarget.shaping.plan import ShapingPlan

BOLD = ["--behaviours", "over_stylization"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shaping(bench: Bench) -> ShapingPlan:
    offset = np.linspace(-1.0, 1.0, len(bench.set.pairs))
    return ShapingPlan.identity("reward_shaping", bench.set.pairs).edit(offset_chosen=offset)


def adapter(folder: Path, base: str, seed: int = 0) -> Path:
    """A LoRA adapter that some other program left: its matrices are noise."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base),
            LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM"),
        )
    model.save_pretrained(folder)
    return folder


def log_of(folder: Path, bold: int, *, model: Any = None, limit: int = 10) -> Path:
    """A log of over_stylization in which the first answers are bold."""
    task = load_function(default().get("behaviour", "over_stylization"))()
    first = [x.input[-1].text if isinstance(x.input, list) else x.input for x in list(task.dataset)[:bold]]

    def says(messages: Any) -> str:
        return "**Yes**, it is." if messages[-1].text in first else "Yes, it is."

    (log,) = inspect_eval(
        task, model=model or scripted_model(answer=says), log_dir=str(folder), display="none", limit=limit
    )
    return Path(log.location.removeprefix("file://"))


def changed(path: Path, change: Callable[[EvalLog], None]) -> Path:
    """The same log with something of it changed."""
    log = read_eval_log(str(path))
    change(log)
    write_eval_log(log, str(path))
    return path


def cells(folder: Path = Path("cells")) -> list[Cell]:
    return list(read_cells(folder).cells)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("offtarget: ")]
    return line


def test_an_adapter_is_scored_here_and_its_cell_says_where_it_was_trained(
    bench: Bench, exported: Callable[..., Path]
) -> None:
    folder = exported("shaped", shaping(bench), strength=2.0)
    adapter(Path("policy"), bench.ref.path)
    asked = ["--recipe", "tiny", "--limit", "2", "--max-tokens", "4", "--plan", str(folder)]
    assert call(["cell", "policy", *asked, "--seed", "3"]) == 0
    assert call(["cell", "--start", *asked, "--seed", "3"]) == 0
    made = {c.spec.protocol: c for c in cells()}
    policy, start = made["reward_shaping"], made["start"]
    plan = json.loads((folder / "plan.json").read_text())
    assert policy.elsewhere is not None and policy.mode == "elsewhere" and start.elsewhere is None
    assert (
        policy.elsewhere.plan_sha256 == plan["plan_sha256"] and policy.elsewhere.export_sha256 == plan["export_sha256"]
    )
    assert policy.spec.seed == 3 and policy.spec.parameters["strength"] == 2.0
    assert [s.behaviour for s in policy.behaviours] == ["capability", "over_stylization"], "those of the recipe"
    assert policy.spec.data["evaluation"] == {**start.spec.data["evaluation"]} and policy.training is None  # type: ignore[dict-item]
    (board,) = rank(cells()).boards
    assert [r.label for r in board.rows] == ["start", "reward_shaping (strength 2, trained elsewhere)"]
    again = offtarget.cell(folder, "policy", recipe="tiny", limit=2, max_tokens=4, seed=3, out="by_program")
    assert again.key == policy.key and [c.key for c in cells(Path("by_program"))] == [policy.key]


def test_logs_become_cells_and_stand_on_a_board_of_their_own(
    bench: Bench, exported: Callable[..., Path], make_ours: Callable[[Cell], Cell]
) -> None:
    plain, shaped = exported("plain"), exported("shaped", shaping(bench), strength=2.0)
    for plan, bold, flags in ((plain, 0, ["--start"]), (plain, 8, []), (shaped, 4, [])):
        log = log_of(Path(f"logs/{plan.name}{len(flags)}"), bold)
        assert call(["cell", "--plan", str(plan), "--from-inspect", str(log), *flags]) == 0
    found = cells()
    values = {(c.spec.protocol, s.value) for c in found for s in c.behaviours}
    assert values == {("start", 0.0), ("dpo", 0.8), ("reward_shaping", 0.4)}
    assert {c.spec.data["evaluation"]["scored"] for c in found} == {"Inspect, scripted"}  # type: ignore[index,call-overload]
    ours = [make_ours(c) for c in found if c.elsewhere]
    boards = rank([*found, *ours]).boards
    assert len(boards) == 2, "what was trained here and what was trained elsewhere are never on one board"
    marked = {b.title: b for b in map(_Titled, boards)}
    (theirs,) = [b for title, b in marked.items() if title.endswith("trained elsewhere")]
    assert {r.label for r in theirs.board.rows} == {
        "start", "dpo (trained elsewhere)", "reward_shaping (strength 2, trained elsewhere)",
    }  # fmt: skip
    line = next(x for x in theirs.board.limits if x.startswith("Trained elsewhere"))
    assert json.loads((shaped / "plan.json").read_text())["plan_sha256"][:12] in line
    for form in ("md", "html", "csv", "json"):
        assert "trained elsewhere" in render(rank(found), form, command="x")


class _Titled:
    def __init__(self, board: Any) -> None:
        from offtarget.board.sentences import title

        self.board, self.title = board, title(board)


@pytest.fixture()
def make_ours() -> Callable[[Cell], Cell]:
    """The cell as it would be had offtarget trained the policy."""

    def build(c: Cell) -> Cell:
        whole = c.model_dump(exclude={"key", "elsewhere", "mode"})
        return Cell.model_validate({**whole, "mode": "exact"})

    return build


def test_what_is_said_of_training_parts_boards_and_may_not_contradict_the_plan(
    bench: Bench, exported: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = exported("plain")
    log = log_of(Path("logs"), 2)
    base = ["cell", "--plan", str(plan), "--from-inspect", str(log)]
    for rate in ("1e-6", "5e-6"):
        assert call([*base, "-T", f"learning_rate={rate}"]) == 0
    assert len(rank(cells()).boards) == 2
    assert call([*base, "-T", "beta=0.5"]) == 2
    assert "the rows of this plan were made for beta=0.1" in said(capsys)


def test_one_policy_has_one_cell(bench: Bench, exported: Callable[..., Path]) -> None:
    plan, log = exported("plain"), log_of(Path("logs"), 2)
    for _ in range(2):
        assert call(["cell", "--plan", str(plan), "--from-inspect", str(log)]) == 0
    (path,) = Path("cells").rglob("*.json")
    assert load_cell(path).elsewhere


def test_rows_or_a_plan_that_were_changed_decide_nothing(
    bench: Bench, exported: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from datasets import Dataset

    plan, log = exported("plain"), log_of(Path("logs"), 2)
    args = ["cell", "--plan", str(plan), "--from-inspect", str(log)]
    file = plan / "data" / "train-00000-of-00001.parquet"
    rows = Dataset.from_parquet(str(file), cache_dir="cache").to_list()
    Dataset.from_list(rows).to_parquet(str(file))
    assert call(args) == 0, "written again, it says the same"
    for other, what in ((rows[1:], "holds 23 rows"), ([{**rows[0], "weight": 2.0}, *rows[1:]], "holds other rows")):
        Dataset.from_list(other).to_parquet(str(file))
        assert call(args) == 3
        assert what in said(capsys)
    Dataset.from_list(rows).to_parquet(str(file))
    text = (plan / "plan.json").read_text()
    (plan / "plan.json").write_text(text.replace('"seed": 1', '"seed": 2'))
    assert call(args) == 3
    assert "plan.json: was changed since it was written" in said(capsys)
    file.write_bytes(file.read_bytes()[:100])
    (plan / "plan.json").write_text(text)
    assert call(args) == 3
    assert "cannot be read" in said(capsys)


def test_an_export_of_a_version_that_knew_fewer_fields_is_read(bench: Bench, exported: Callable[..., Path]) -> None:
    plan = exported("plain")
    whole = json.loads((plan / "plan.json").read_text())
    assert whole.pop("own_template") is False and whole["plan"].pop("prompted") == 0
    (plan / "plan.json").write_text(json.dumps(whole))
    assert read_export(plan).key == whole["key"]


def test_a_policy_that_is_none_of_this_plan_is_refused(
    bench: Bench, exported: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, base = exported("plain"), Path(bench.ref.path)
    own = adapter(Path("own"), str(base))
    other = Path("other-base")
    shutil.copytree(base, other)
    card = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**card, "rope_theta": 99.0}))
    foreign, lost, cut = (Path(n) for n in ("foreign", "lost", "cut"))
    for folder, named in ((foreign, str(other)), (lost, "/data/elsewhere/base"), (cut, str(base))):
        shutil.copytree(own, folder)
        config = json.loads((folder / "adapter_config.json").read_text())
        (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": named}))
    (cut / "adapter_model.safetensors").unlink()
    whole = Path("whole")
    shutil.copytree(base, whole)
    (whole / "config.json").write_text(json.dumps({**card, "num_hidden_layers": 3}))
    half, mute = Path("half"), Path("mute")
    for folder in (half, mute):
        shutil.copytree(base, folder)
        (folder / "generation_config.json").write_text('{"do_sample": true}')  # otherwise it is the start model
    weights = half / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    for file in mute.glob("*token*"):
        file.unlink()
    (mute / "chat_template.jinja").unlink(missing_ok=True)
    empty = Path("checkpoint-10")
    empty.mkdir()
    shutil.copy(base / "config.json", empty)
    capsys.readouterr()
    for name, says in (
        ("foreign", "adapter 'foreign' is for another base (other-base): this plan's start model is"),
        ("lost", "its base '/data/elsewhere/base' cannot be found here; if it is the plan's start model, write"),
        ("cut", "the adapter has no adapter_model.safetensors"),
        ("whole", "num_hidden_layers is 3, not 4"),
        ("half", "model 'half' cannot be loaded from half"),
        ("mute", "model 'mute': no tokenizer is in its folder"),
        ("checkpoint-10", "no weights in safetensors there"),
        (str(base), "is the start model of this plan"),
        ("nothing", "unknown model 'nothing'"),
    ):
        assert call(["cell", name, "--plan", str(plan), *BOLD, "--limit", "2", "--max-tokens", "4"]) == 2, name
        assert says in said(capsys)
    assert not Path("cells").exists()


def test_a_log_that_says_nothing_of_this_task_is_refused(
    bench: Bench, exported: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plan, log = exported("plain"), log_of(Path("logs"), 2)

    def other_version(x: EvalLog) -> None:
        x.eval.task_attribs = {**x.eval.task_attribs, "version": "1-A"}

    def other_sample(x: EvalLog) -> None:
        assert x.samples
        x.samples[0].id = "mine-1"

    def started(x: EvalLog) -> None:
        x.status = "started"

    def cancelled(x: EvalLog) -> None:
        x.status = "cancelled"

    def on_a_disk(x: EvalLog) -> None:
        x.eval.model = "vllm//home/ann/policies/shaped"

    shown = changed(Path(shutil.copy(log, "shown.eval")), on_a_disk)
    assert call(["cell", "--plan", str(plan), "--from-inspect", str(shown), "--out", "shown"]) == 0
    (made,) = cells(Path("shown"))
    assert made.elsewhere and made.elsewhere.scored_by == "vllm/shaped" and "ann" not in made.model_dump_json()

    def other_task(x: EvalLog) -> None:
        x.eval.task = "hellaswag"

    for k, (change, code, says) in enumerate(
        (
            (started, 2, "is not finished"),
            (cancelled, 2, "was cancelled"),
            (other_task, 2, "unknown behaviour 'hellaswag'"),
            (other_version, 3, "task version 1-A, here it is 2-A"),
            (other_sample, 3, "1 samples that version 2-A of the task does not have (first: mine-1)"),
        )
    ):
        here = Path(f"changed-{k}")
        here.mkdir()
        changed(Path(shutil.copy(log, here)), change)
        assert call(["cell", "--plan", str(plan), "--from-inspect", str(here)]) == code, says
        assert says in said(capsys)
    assert call(["cell", "--plan", str(plan), "--from-inspect", str(log), "--behaviours", "verbosity"]) == 2
    assert "no log of verbosity" in said(capsys)
    assert not Path("cells").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["cell", "--plan", "shaped"], "name a policy, --start for the plan's start model, or --from-inspect LOGS"),
        (["cell", "x", "--plan", "shaped", "--start"], "one of them"),
        (["cell", "x", "--plan", "shaped", "--from-inspect", "l"], "leave the model out"),
        (["cell", "x", "--plan", "shaped"], "say what to measure"),
        (["cell", "x", "--plan", "nowhere", *BOLD], "nowhere: no plan.json there"),
        (["cell", "--plan", "shaped", "--from-inspect", "l", "--limit", "4"], "logs were asked already"),
        (["cell", "--plan", "shaped", "--from-inspect", "nologs"], "nologs: no such file or folder"),
    ],
)
def test_what_is_asked_wrongly_is_one_line(
    args: list[str], says: str, exported: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    exported("shaped")
    capsys.readouterr()
    assert call(args) == 2
    assert says in said(capsys)
