"""What `offtarget new` writes runs as it is, and does what its text says."""

import json
from pathlib import Path

import numpy as np
import pytest

from offtarget import registry
from offtarget.cli.main import call


@pytest.fixture()
def content(tmp_path: Path) -> Path:
    yield tmp_path
    registry.use([])


def test_a_new_protocol_keeps_the_promises_of_protocols(content: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["new", "protocol", "my_way", "--folder", str(content)]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(content / "baselines" / "my_way.py")]
    assert f"offtarget --registry {content} check my_way" in said.err
    assert call(["check", "my_way", "--registry", str(content), "--json"]) == 0
    assert {c["verdict"] for c in json.loads(capsys.readouterr().out)["checks"]} == {"kept"}


def test_a_new_behaviour_scores_by_its_rule(content: Path) -> None:
    assert call(["new", "behaviour", "asking", "--folder", str(content)]) == 0
    found = registry.use([content]).get("behaviour", "asking")
    assert found.card["version"] == "1-A" and found.card["role"] == "off-target"
    rule = registry.load_module(found.path).asks
    assert rule("Which one? Red?") == (1.0, {"question_marks": 2.0}) and rule("Red.")[0] == 0.0
    task = registry.load_function(found)()
    rows = (content / "tasks" / "asking.jsonl").read_text().splitlines()
    assert {s.id for s in task.dataset} == {json.loads(r)["id"] for r in rows} and len(rows) == 8


def test_a_new_method_makes_a_signed_claim(content: Path) -> None:
    from offtarget.audit.method import AuditInput
    from offtarget.data.pairs import Pair, PairSet

    assert call(["new", "method", "marks", "--folder", str(content)]) == 0
    method = registry.load_function(registry.use([content]).get("method", "marks"))
    say = lambda text: [{"role": "assistant", "content": text}]  # noqa: E731
    texts = [("a?", "b"), ("a?", "b"), ("a?", "b"), ("a", "b?"), ("a", "b")]
    pairs = [Pair(str(i), str(i), [{"role": "user", "content": "x"}], say(c), say(r)) for i, (c, r) in enumerate(texts)]
    (claim,) = method(AuditInput(PairSet("five", pairs), {}, 0))
    assert claim.u.tolist() == [1, 1, 1, -1, 0] and claim.score == pytest.approx(2 / np.sqrt(4))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["protocol", "filter"], "there is a protocol of that name"),
        (["protocol", "my-way"], "use letters, digits and underscores"),
        (["protocol", "class"], "no word of Python"),
        (["protocl", "mine"], "did you mean protocol?"),
        (["method", "there"], "there is such a file already"),
    ],
)
def test_what_cannot_be_begun_is_said_in_one_line(
    words: list[str], said: str, content: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (content / "baselines" / "methods").mkdir(parents=True)
    (content / "baselines" / "methods" / "there.py").write_text("x = 1\n")
    assert call(["new", *words, "--folder", str(content)]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert (content / "baselines" / "methods" / "there.py").read_text() == "x = 1\n"


def test_a_new_file_goes_to_the_folder_that_the_registry_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert call(["--registry", "mine", "new", "protocol", "my_way"]) == 0
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.py")] == ["mine/baselines/my_way.py"]
