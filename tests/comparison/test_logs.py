"""Plain Inspect logs against each other: what the values are is known beforehand."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Target, accuracy, mean, scorer
from inspect_ai.solver import TaskState, generate

import offtarget
from offtarget.cli.main import call
from offtarget.errors import ConfigError
from offtarget.evals.scripted import scripted_model

N = 40


@scorer(metrics=[accuracy()])
def yes() -> Any:
    """C where the answer says yes."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C" if "yes" in state.output.completion else "I")

    return score


@scorer(metrics={"length": [mean()], "odd": [mean()]})
def parts() -> Any:
    """Two numbers, one of which cannot be read for every fourth sample."""

    async def score(state: TaskState, target: Target) -> Score:
        text = state.output.completion
        return Score(value={"length": len(text), "odd": "who knows" if int(str(state.sample_id)) % 4 == 0 else 1})

    return score


def quiz(scorers: Sequence[Any], *, shift: int = 0, version: int = 1, name: str = "quiz") -> Task:
    @task(name=name, version=version)
    def made() -> Task:
        samples = [Sample(id=i, input=f"Is {i + shift} small?") for i in range(N)]
        return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=list(scorers))

    return made()


def number(messages: Any) -> int:
    return int(re.search(r"\d+", messages[-1].text)[0])  # type: ignore[index]


def log_of(folder: Path, says: Callable[[int], str], made: Task | None = None, **options: Any) -> Path:
    model = scripted_model(answer=lambda messages: says(number(messages)))
    (log,) = inspect_eval(made or quiz([yes()]), model=model, log_dir=str(folder), display="none", **options)
    return Path(log.location.removeprefix("file://"))


@pytest.fixture(scope="module")
def all_no(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a model that says no to each question."""
    return log_of(tmp_path_factory.mktemp("no"), lambda i: "no")


def test_two_logs_of_any_task_are_compared_sample_by_sample(tmp_path: Path) -> None:
    before = log_of(tmp_path / "a", lambda i: "yes" if i < 10 else "no")
    after = log_of(tmp_path / "b", lambda i: "yes" if 5 <= i < 30 else "no")
    (found,) = offtarget.compare_logs(before, after)
    # 20 went up (10 to 29), 5 went down (0 to 4)
    assert (found.behaviour, found.n, found.n_missing) == ("quiz", N, 0)
    assert found.difference == pytest.approx(15 / N)
    assert found.test == "exact McNemar"
    assert found.p == pytest.approx(0.0040772, rel=1e-4)  # binomtest(20, 25).pvalue
    assert found.conclusion == "differs"


def test_each_part_of_a_score_is_a_behaviour_and_what_cannot_be_read_is_unscored(tmp_path: Path) -> None:
    task_of = [parts(), yes()]
    before = log_of(tmp_path / "a", lambda i: "no", quiz(task_of))
    after = log_of(tmp_path / "b", lambda i: "no yes" if i % 2 else "no", quiz(task_of))
    found = {d.behaviour: d for d in offtarget.compare_logs(before, after)}
    assert set(found) == {"quiz/parts/length", "quiz/parts/odd", "quiz/yes"}
    assert found["quiz/parts/length"].difference == pytest.approx(2.0), "half of the answers are 4 longer"
    assert (found["quiz/parts/odd"].n, found["quiz/parts/odd"].unscored) == (30, (0.25, 0.25))
    assert found["quiz/yes"].difference == pytest.approx(0.5)


def test_epochs_are_samples_of_one_prompt(tmp_path: Path) -> None:
    before = log_of(tmp_path / "a", lambda i: "no", epochs=2)
    after = log_of(tmp_path / "b", lambda i: "yes" if i < 8 else "no", epochs=2)
    (found,) = offtarget.compare_logs(before, after)
    assert (found.n, found.n_clusters) == (2 * N, N)
    assert found.difference == pytest.approx(8 / N)


def test_the_same_id_with_another_question_is_not_the_same_sample(tmp_path: Path, all_no: Path) -> None:
    after = log_of(tmp_path / "b", lambda i: "yes", quiz([yes()], shift=3))
    with pytest.raises(ConfigError, match=r"40 of 40 samples with the same id have different inputs"):
        offtarget.compare_logs(all_no, after)


def test_another_version_of_a_task_is_refused_by_name(tmp_path: Path, all_no: Path) -> None:
    after = log_of(tmp_path / "b", lambda i: "no", quiz([yes()], version=2))
    with pytest.raises(ConfigError, match=r"'quiz': task versions 1 and 2 cannot be compared"):
        offtarget.compare_logs(all_no, after)


@pytest.mark.parametrize(
    ("status", "said"), [("started", "is not finished"), ("cancelled", "was cancelled"), ("error", "failed")]
)
def test_a_run_that_did_not_succeed_is_no_sample_of_anything(all_no: Path, status: str, said: str) -> None:
    from inspect_ai.log import read_eval_log

    log = read_eval_log(str(all_no))
    half = log.model_copy(update={"status": status})
    with pytest.raises(ConfigError, match=f"'quiz' {said}"):
        offtarget.compare_logs(half, log)
    (found,) = offtarget.compare_logs([half, log], log)  # a folder of retries: one of them succeeded
    assert found.difference == 0


def test_damaged_and_missing_logs_are_one_line(
    tmp_path: Path, all_no: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.eval"
    cut.write_bytes(all_no.read_bytes()[:400])
    for other, said in ((cut, "not an Inspect log, or a damaged one"), (tmp_path / "none.eval", "no such file")):
        assert call(["compare", str(all_no), str(other)]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert said in line


def test_a_page_shows_the_answers_that_flipped_each_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "yes <script>alert(1)</script>\x1b[2J\u202e"
    before = log_of(tmp_path / "a", lambda i: "yes" if i in (3, 4) else "no")
    after = log_of(tmp_path / "b", lambda i: evil if i == 7 else "no")
    page = tmp_path / "page.html"
    assert call(["compare", str(before), str(after.parent), "--html", str(page)]) == 0
    text = page.read_text()
    assert "quiz: 1 up, 2 down, of 40" in text
    assert all(f"Is {i} small?" in text for i in (3, 4, 7))
    assert "Is 5 small?" not in text
    assert "<script>alert" not in text and "\x1b" not in text and "⟦U+202E⟧" in text
    assert "\x1b" not in capsys.readouterr().out


def test_what_was_sampled_differently_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = log_of(tmp_path / "a", lambda i: "no", max_tokens=64)
    after = log_of(tmp_path / "b", lambda i: "no", max_tokens=128)
    assert call(["compare", str(before), str(after), "--json"]) == 0
    done = capsys.readouterr()
    assert "evaluated differently: quiz: max_tokens is 64 in a, 128 in b" in done.err
    assert json.loads(done.out)["comparisons"][0]["differences"][0]["conclusion"] == "insufficient evidence"
