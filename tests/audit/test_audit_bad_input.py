"""Bad input of an audit: one line, the right exit code, before anything costly; and hostile text in the rows."""

import json
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call

ROWS = [
    {"id": f"r{i}", "prompt": f"Question {i}?", "chosen": f"A **bold** answer {i}.", "rejected": f"A plain answer {i}."}
    for i in range(40)
]


@pytest.fixture(autouse=True)
def own_store(store_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, rows: list[Any]) -> str:
    Path(name).write_text("".join(json.dumps(r) + "\n" for r in rows))
    return name


def sae(folder: str, width: int, layer: int) -> str:
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig

    made = JumpReLUSAE(JumpReLUSAEConfig(d_in=width, d_sae=32))
    made.cfg.metadata.hook_name = f"blocks.{layer}.hook_resid_post"
    made.save_model(folder)
    return f"sae:{folder}"


def refused(capsys: pytest.CaptureFixture[str], code: int, *argv: str) -> str:
    """The one line of an audit that is refused; nothing is left behind."""
    assert call(["audit", *argv, "--out", "out"]) == code
    *before, line = capsys.readouterr().err.splitlines()
    assert line.startswith("offtarget: ") and "Traceback" not in "".join(before)
    assert not Path("out").exists()
    return line


def test_a_lens_that_does_not_fit_the_model(capsys: pytest.CaptureFixture[str], tiny_model: Path) -> None:
    argv = [write("good.jsonl", ROWS), "--model", str(tiny_model), "--lens"]
    line = refused(capsys, 2, *argv, sae("narrow", 8, 2))
    assert "reads activations of width 8, but the model's are 64 wide" in line
    line = refused(capsys, 2, *argv, sae("deep", 64, 9))
    assert "reads layer 9, but the model has 4 layers, 0 to 3" in line


def test_a_pickle_is_not_read_whatever_it_is_called(capsys: pytest.CaptureFixture[str], tiny_model: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (Path("unpickled"),)

    argv = [write("good.jsonl", ROWS), "--model", str(tiny_model), "--lens"]
    lens = sae("trap", 64, 2)
    Path("trap/sae_weights.safetensors").write_bytes(pickle.dumps(Trap()))
    assert "pickles are not read" in refused(capsys, 2, *argv, lens)
    Path("trap/sae_weights.safetensors").rename("trap/ae.pt")
    assert "ae.pt is a pickle" in refused(capsys, 2, *argv, lens)
    assert not Path("unpickled").exists()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{**r, "prompt": "The same?"} for r in ROWS], "40 pairs from 1 prompts"),
        ([{**r, "group": f"g{i % 9}"} for i, r in enumerate(ROWS)], "40 pairs in 9 groups"),
        (ROWS[:29], "29 pairs from 29 prompts"),
    ],
)
def test_too_few_rows_or_prompts_are_undecided_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], rows: list[Any], says: str
) -> None:
    assert call(["audit", write("few.jsonl", rows), "--out", "out"]) == 3
    err = capsys.readouterr().err
    assert says in err and re.search("at least 30 pairs (from 10 different prompts|in 10 groups)", err)
    assert err.count("\n") == 1  # no feature was read


def test_an_activation_that_is_no_number_is_named(capsys: pytest.CaptureFixture[str], tiny_model: Path) -> None:
    import torch

    from offtarget.models import load

    model, tokenizer = load(str(tiny_model))
    rare = tokenizer("§", add_special_tokens=False)["input_ids"][-1]
    with torch.no_grad():
        model.model.embed_tokens.weight[rare] = float("nan")
    model.save_pretrained("spoilt")
    tokenizer.save_pretrained("spoilt")
    rows = [{**r, "rejected": "An answer with a §."} if i == 17 else r for i, r in enumerate(ROWS)]
    lens = sae("fits", 64, 2)
    line = refused(capsys, 2, write("rows.jsonl", rows), "--model", "./spoilt", "--lens", lens)
    assert "pair 'r17': activations after layer 2 are not finite" in line


def test_the_vocabulary_of_another_lens_is_undecided_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], tiny_model: Path
) -> None:
    data = write("good.jsonl", ROWS)
    assert call(["audit", data, "--out", "first"]) == 0
    capsys.readouterr()
    argv = [data, "--model", str(tiny_model), "--lens", f"surface,{sae('fits', 64, 2)}", "--like", "first"]
    assert call(["audit", *argv, "--out", "out"]) == 3
    err = capsys.readouterr().err
    assert "made with surface, but this audit reads with sae, surface" in err and err.count("\n") == 1
    assert "nowhere" in refused(capsys, 2, data, "--like", "nowhere")


def test_ids_that_repeat_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**r, "id": "r0" if i in (5, 9) else r["id"]} for i, r in enumerate(ROWS)]
    assert call(["audit", write("ids.jsonl", rows), "--out", "out"]) == 0
    assert "ids that are in the source more than once: 2" in capsys.readouterr().err
    found = json.loads(Path("out/audit.json").read_text())
    assert any("r0-3" in h["rows"] for h in found["hypotheses"])


@pytest.mark.parametrize("verb", [["audit"], ["plan", "--protocol", "dpo"]])
def test_a_chat_template_that_is_not_there_is_refused_at_once(
    capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    assert call([*verb, write("good.jsonl", ROWS), "--chat-template", "nosuch"]) == 2
    err = capsys.readouterr().err
    assert "chat template nosuch: cannot be read" in err and err.count("\n") == 1


class Page(HTMLParser):
    """Tags and attributes of a page, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(k, v or "") for k, v in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_hostile_text_is_audited_and_shown_as_text() -> None:
    """Very long, control signs, right to left, markup, template syntax, in every column that reaches the page."""
    rows = [dict(r) for r in ROWS]
    bold = "**b** "
    rows[0]["chosen"] = "**x** " * 16_666 + "stop"  # 100,000 characters
    rows[1]["chosen"] = bold + "ctrl \x00\x01\x07\x1b[31m\x7f\x85"
    rows[2]["chosen"] = bold + "\u202eעברית مرحبا\u202c \u200f"
    rows[3]["chosen"] = bold + "<script>alert(1)</script><img src=x onerror=alert(2)></div></article>"
    rows[4]["prompt"] = "<script>alert('p')</script> {{ 7*7 }} {% raw %}"
    rows[5]["id"] = "<b onmouseover=alert(3)>id</b>"
    rows[6]["rejected"] = "]]> --> <!-- &lt; \" ' ` [a](javascript:alert(1))"
    rows[7]["rejected"] = "a" * 100_000
    assert call(["audit", write("hostile.jsonl", rows), "--out", "out"]) == 0
    found = json.loads(Path("out/audit.json").read_text())
    lean = {h["concept"]: h for h in found["hypotheses"] if h["view"] == "overall"}
    assert lean["surface:bold"]["effect"] == 1.0
    assert "<b onmouseover=alert(3)>id</b>" in lean["surface:bold"]["rows"]
    text = Path("out/report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    assert not [v for _, v in page.attributes if "javascript:" in v]
    assert not {*"\x00\x01\x07\x1b\x7f\x85\u202e\u202c"} & set(text)
    assert "⟦U+202E⟧" in page.words and "<script>alert(1)</script>" in page.words
    assert len(text) < 200_000  # long responses are cut
