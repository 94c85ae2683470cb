"""What a person can get wrong in a behaviour or an adapter: one line that says where, and the others go on."""

import json
from pathlib import Path

import pytest
import torch
from tests.adapters import write_adapter

from offtarget import registry
from offtarget.cli.main import call

EMPTY = """
from inspect_ai import Task, task
from offtarget.evals.parts import item_dataset, item_value, noted_value, prompt_dataset, text_rule
from offtarget.evals.prompts import own_file
from inspect_ai.solver import generate

async def one(item):
    return 1.0

@task(version="1-A", direction="lower", role="off-target", unit="nats")
def NAME(*, ARGUMENT: str | None = None) -> Task:
    return Task(dataset=item_dataset(own_file(__file__), "text"), solver=item_value(one), scorer=noted_value())
"""


@pytest.fixture()
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_home: Path) -> Path:
    monkeypatch.setattr(registry, "_default", None)
    folder = tmp_path / "mine" / "tasks"
    folder.mkdir(parents=True)
    return folder


def measure(tasks: Path, model: Path, behaviours: str, *more: str) -> int:
    return call(
        ["--registry", str(tasks.parent), "eval", str(model), "--behaviours", behaviours, "--limit", "4", *more]
    )


def test_a_file_that_fails_to_import_is_named_and_the_others_are_measured(
    tasks: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tasks / "broken.py").write_text("import nothing_of_that_name\n" + EMPTY.replace("NAME", "broken"))
    assert measure(tasks, tiny_model, "broken,choice", "--out", str(tmp_path / "out")) == 2
    said = capsys.readouterr()
    assert f"{tasks / 'broken.py'}: cannot be loaded (ModuleNotFoundError" in said.err
    assert "choice" in said.out and "broken" not in said.out
    written = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert list(written["behaviours"]) == ["choice"] and written["behaviours"]["choice"]["n"] == 4
    assert measure(tasks, tiny_model, "broken") == 2
    assert "cannot be loaded" in capsys.readouterr().err


def test_a_slip_after_the_colon_ends_before_anything_is_measured(
    tasks: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure(tasks, tiny_model, "choice,rule:bolt") == 2
    said = capsys.readouterr()
    assert "did you mean bold" in said.err and said.out == ""


@pytest.mark.parametrize("argument", ["items", "prompts"])
def test_a_task_without_samples_is_named(
    tasks: Path, tiny_model: Path, argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tasks / "empty.py").write_text(EMPTY.replace("NAME", "empty").replace("ARGUMENT", argument))
    (tasks / "empty.jsonl").write_text("\n")
    assert measure(tasks, tiny_model, "empty,choice") == 2
    said = capsys.readouterr()
    assert f"{tasks / 'empty.jsonl'}: has no prompts or items" in said.err and "Traceback" not in said.err
    assert "choice" in said.out
    (tasks / "empty.jsonl").unlink()
    (tasks / "empty.py").write_text(
        EMPTY.replace("NAME", "empty").replace('own_file(__file__), "text"', '"none.jsonl", "text"')
    )
    assert measure(tasks, tiny_model, "empty") == 2
    assert "none.jsonl: there is no such prompts file" in capsys.readouterr().err


def test_a_dataset_made_in_code_without_samples_is_named(
    tasks: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = EMPTY.replace("NAME", "empty").replace('item_dataset(own_file(__file__), "text")', "[]")
    (tasks / "empty.py").write_text(text.replace("ARGUMENT", "items"))
    assert measure(tasks, tiny_model, "empty") == 2
    assert "behaviour 'empty' cannot be set up (ValueError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("matrix", "shapes", "says"),
    [
        ("layers.1.self_attn.q_proj", (576, 576), r"layers.1.self_attn.q_proj \(576 inputs\), which has 64 outputs"),
        ("layers.1.self_attn.q_proj", (64, 576), r"layers.1.self_attn.q_proj \(576 outputs\), which has 64 outputs"),
        (
            "layers.29.self_attn.q_proj",
            (64, 64),
            r"layers.29.self_attn.q_proj \(64 inputs\), which that model does not",
        ),
    ],
)
def test_an_adapter_for_another_base_is_said_in_one_line(
    tiny_model: Path, tmp_path: Path, store_home: Path, matrix: str, shapes: tuple[int, int], says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    import re

    both = (torch.randn(4, shapes[0]), torch.randn(shapes[1], 4))
    path = write_adapter(tmp_path / "policy", tiny_model, {f"base_model.model.model.{matrix}": both}, rank=4, alpha=8)
    for behaviour in ("choice", "verbosity"):
        assert call(["eval", str(path), "--behaviours", behaviour, "--limit", "2", "--max-tokens", "2"]) == 2
        said = capsys.readouterr().err
        line = said.strip().splitlines()[-1]
        assert line.startswith(f"offtarget: {path}: the adapter is of another model than its base '{tiny_model}'")
        assert re.search(says, line), line
