"""A reader is the one place that says which model reads, how, and under which key that is kept."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offtarget.errors import ConfigError
from offtarget.lens import reader as module
from offtarget.lens.reader import Reader
from offtarget.models import ModelRef, resolve
from offtarget.store import Store


def test_what_changes_a_reading_changes_the_key_and_nothing_else_does(
    tiny_model: Path, store_home: Path, tmp_path: Path
) -> None:
    reader = Reader(str(tiny_model), Store(), dtype="float32")
    key = reader.inputs()
    assert (key["max_length"], key["dtype"], key["model"]) == (512, "float32", resolve(str(tiny_model)).identity)
    for other in (replace(reader, max_length=64), replace(reader, dtype="bfloat16")):
        assert other.inputs() != key
    assert replace(reader, max_length=64).identity() == reader.identity(), (
        "what reads no texts has no length in its key"
    )
    for same in (replace(reader, store=Store(tmp_path)), replace(reader, progress=print), reader.doing("x")):
        assert same.inputs() == key
    assert "numpy" in reader.inputs("numpy")["packages"] and "numpy" not in key["packages"]


def test_a_template_is_known_by_what_it_says_not_by_its_path(
    tiny_model: Path, store_home: Path, tmp_path: Path
) -> None:
    """The model's own template in a file is the same reading; another text is another."""
    reader = Reader(str(tiny_model), Store())
    _, tokenizer = reader.load()
    own, other = tmp_path / "own.jinja", tmp_path / "other.jinja"
    own.write_text(tokenizer.chat_template)
    other.write_text(f"{tokenizer.chat_template} ")
    assert replace(reader, template=str(own)).inputs() == reader.inputs()
    assert replace(reader, template=str(other)).inputs() != reader.inputs()


def test_a_model_by_name_is_found_once_and_only_when_it_is_needed(
    tiny_model: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def counted(name: str, store: Store) -> Any:
        asked.append(name)
        return resolve(name, store)

    monkeypatch.setattr(module, "resolve", counted)
    reader = Reader(str(tiny_model), Store())
    assert reader.doing("surface features").model == str(tiny_model) and not asked
    assert reader.ref == reader.doing("sae features").ref == reader.during("rollouts").ref
    assert asked == [str(tiny_model)]
    with pytest.raises(ConfigError, match="give --model"):
        replace(reader, model=None).inputs()


def test_work_is_reported_under_the_name_it_is_given(store_home: Path) -> None:
    said: list[tuple[str, int, int]] = []
    reader = Reader(None, Store(), progress=lambda *at: said.append(at))
    for one in (reader, reader.doing("directions"), reader.during("rollouts"), reader.during("rollouts").doing("x")):
        step = one.step("activations")
        assert step is not None
        step(1, 2)
    assert [what for what, *_ in said] == ["activations", "directions", "rollouts: activations", "rollouts: x"]
    assert replace(reader, progress=None).doing("directions").step("activations") is None


def test_models_that_were_read_without_their_window_have_a_key_of_their_own(tiny_model: Path, tmp_path: Path) -> None:
    def inputs(name: str, config: str) -> dict[str, object]:
        folder = tmp_path / name
        shutil.copytree(tiny_model, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        (folder / "config.json").write_text(config)
        return Reader(ModelRef(name, str(folder), "same"), Store(tmp_path / "store")).inputs()

    kind = '"model_type": "llama"'
    plain = inputs("llama", f"{{{kind}}}")
    assert inputs("mistral", f'{{{kind}, "sliding_window": 4096}}') == {**plain, "attention": "by window"}
    assert (
        inputs(
            "gemma", f'{{{kind}, "sliding_window": 512, "num_hidden_layers": 1, "layer_types": ["sliding_attention"]}}'
        )
        == plain
    )
    assert inputs("qwen", f'{{{kind}, "sliding_window": null}}') == plain
