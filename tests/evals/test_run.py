"""Evaluation from end to end on a tiny random model: pool, scores, store, errors and interruption."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from offtarget import registry
from offtarget.errors import ConfigError, OfftargetError
from offtarget.evals import pool as pool_module
from offtarget.evals.policy import Completion, Policy, Sampling
from offtarget.evals.pool import Rollouts, prompt_key, rollouts
from offtarget.evals.run import evaluate
from offtarget.lens.reader import Reader
from offtarget.store import Store

ROOT = Path(__file__).resolve().parents[2]
SHORT = Sampling(max_tokens=6)

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import Score, mean, scorer
from inspect_ai.solver import solver

@scorer(metrics=[mean()])
def fixed():
    async def score(state, target):
        return VALUES[state.sample_id]
    return score

@solver
def act():
    async def solve(state, generate):
        ACT
        return state
    return solve

VALUES = {
    "a": Score(value=2.0),
    "b": Score.unscored(reason="no_response"),
    "c": Score(value=4.0, metadata={"m": 3}),
}

@task(version="2-B", direction="higher", role="capability", unit="apples")
def probe():
    return Task(dataset=[Sample(id=k, input="x") for k in VALUES], solver=act(), scorer=fixed())
"""


@pytest.fixture()
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content root of the test's own; `write` a task there and it is found."""
    root = tmp_path / "content"
    (root / "tasks").mkdir(parents=True)
    monkeypatch.setattr(registry, "_default", None)
    return root


def add_task(root: Path, name: str, text: str) -> None:
    (root / "tasks" / f"{name}.py").write_text(text)
    registry.use([root])


def jsonl(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("\n".join(json.dumps(r) for r in rows) + "\n")


def test_a_behaviour_is_read_from_its_samples(tiny_model: Path, content: Path, store_home: Path) -> None:
    add_task(content, "probe", TASK.replace("ACT", "pass"))
    got = evaluate(str(tiny_model), ["probe"], log_dir=content / "logs")["probe"]
    assert got.samples == {"a": 2.0, "b": None, "c": 4.0}
    assert (got.value, got.n, got.n_unscored) == (3.0, 2, 1)
    assert (got.task_version, got.direction, got.role, got.unit) == ("2-B", "higher", "capability", "apples")
    assert got.details == {"m": 3.0}
    assert len(list((content / "logs").glob("*.eval"))) == 1


def test_the_second_time_nothing_runs(
    tiny_model: Path, content: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_task(content, "probe", TASK.replace("ACT", "pass"))
    first = evaluate(str(tiny_model), ["probe"])
    with monkeypatch.context() as patch:
        patch.setattr("inspect_ai.eval", lambda *a, **k: pytest.fail("ran again"))
        assert evaluate(str(tiny_model), ["probe"]) == first
    add_task(content, "probe", TASK.replace("ACT", "pass").replace("value=2.0", "value=15.0"))
    for name in [m for m in sys.modules if m.startswith("offtarget_content_probe")]:
        del sys.modules[name]  # as a new process would
    assert evaluate(str(tiny_model), ["probe"])["probe"].value == 9.5  # an edited task is measured again


def test_a_failed_sample_is_unscored_and_a_failed_task_is_an_error(
    tiny_model: Path, content: Path, store_home: Path
) -> None:
    fail = 'if state.sample_id == "a": raise RuntimeError("the dog ate it")'
    add_task(content, "probe", TASK.replace("ACT", fail))
    got = evaluate(str(tiny_model), ["probe"])["probe"]
    assert got.samples == {"a": None, "b": None, "c": 4.0}
    assert (got.n_unscored, got.n_failed, got.failure) == (2, 1, "RuntimeError('the dog ate it')")
    add_task(content, "probe2", TASK.replace("probe", "probe2").replace("ACT", 'raise RuntimeError("no bread")'))
    with pytest.raises(OfftargetError, match=r"behaviour 'probe2' .* could not be measured: .*no bread") as e:
        evaluate(str(tiny_model), ["probe2"])
    assert "\n" not in str(e.value)


def test_warnings_are_heard_after_the_first_evaluation_of_a_process(
    tiny_model: Path, content: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from inspect_ai._util import logger

    root = logging.getLogger()
    monkeypatch.setattr(root, "level", logging.WARNING)
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setitem(logger._logHandler, "handler", None)  # as where nothing was evaluated before
    add_task(content, "probe", TASK.replace("ACT", 'if state.sample_id == "a": raise RuntimeError("the dog ate it")'))
    evaluate(str(tiny_model), ["probe"])
    assert logger._logHandler["handler"] is not None
    assert "1 of 3 samples failed and are unscored" in caplog.text
    assert logging.getLogger("offtarget.store").isEnabledFor(logging.WARNING)


def test_an_interruption_inside_inspect_is_one_outside(tiny_model: Path, content: Path, store_home: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit it ignored
    act = "import os, signal, anyio; os.kill(os.getpid(), signal.SIGINT); await anyio.sleep_forever()"
    add_task(content, "probe", TASK.replace("ACT", act))
    with pytest.raises(KeyboardInterrupt):
        evaluate(str(tiny_model), ["probe"])
    assert not list((store_home / "scores").glob("*"))


def test_a_card_without_direction_is_named(tiny_model: Path, content: Path, store_home: Path) -> None:
    add_task(content, "probe", TASK.replace("ACT", "pass").replace('direction="higher", ', ""))
    with pytest.raises(ConfigError, match=r"probe.py: @task of 'probe' needs a literal direction="):
        evaluate(str(tiny_model), ["probe"])
    with pytest.raises(ConfigError, match="did you mean probe"):
        evaluate(str(tiny_model), ["prob"])


def test_all_rules_on_text_share_one_pool(
    tiny_model: Path, content: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = """
from inspect_ai import Task, task
from inspect_ai.solver import generate
from offtarget.evals.parts import prompt_dataset, rollout_config, text_rule
from offtarget.evals.prompts import own_file

def NAME_rule(text):
    return VALUE, {}

@task(version="1-A", direction="lower", role="target")
def NAME(*, prompts: str | None = None):
    return Task(dataset=prompt_dataset(prompts or own_file(__file__)), solver=generate(),
                scorer=text_rule(NAME_rule), config=rollout_config())
"""
    jsonl(content / "tasks" / "chars.jsonl", [{"id": f"c{i}", "prompt": f"Say {i}."} for i in range(3)])
    shared = {"id": "w9", "prompt": [{"role": "user", "content": "Say 1."}]}
    jsonl(content / "tasks" / "letters.jsonl", [{"id": "w0", "prompt": "Sing."}, shared])
    add_task(content, "chars", rule.replace("NAME", "chars").replace("VALUE", "float(len(text))"))
    add_task(content, "letters", rule.replace("NAME", "letters").replace("VALUE", "sum(map(str.isalpha, text))"))
    prompts: list[int] = []
    complete = Policy.complete

    def count(self: Policy, rows: list[list[int]], *args: object, **kwargs: object) -> list[Completion]:
        prompts.append(len(rows))
        return complete(self, rows, *args, **kwargs)

    monkeypatch.setattr(Policy, "complete", count)
    got = evaluate(str(tiny_model), ["letters", "chars"], sampling=SHORT)
    assert prompts == [4]  # the prompt that both files hold is answered once, and nothing is asked again
    assert list(got) == ["letters", "chars"]
    assert set(got["chars"].samples) == {"chars/c0", "chars/c1", "chars/c2", "letters/w0"}
    policy = Policy.load(str(tiny_model))
    asked = ["Say 0.", "Say 1.", "Say 2.", "Sing."]
    answers = policy.generate([[{"role": "user", "content": p}] for p in asked], max_tokens=6)
    assert list(got["chars"].samples.values()) == [float(len(a)) if a.strip() else None for a in answers]
    assert got["letters"].samples["letters/w0"] == sum(map(str.isalpha, answers[3]))
    assert got["chars"].details["truncated"] == 1.0
    evaluate(str(tiny_model), ["chars"], limit=2, sampling=SHORT)
    assert prompts[-1] == 2


def test_a_killed_pool_goes_on_where_it_was(
    tiny_model: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "generation_batches", lambda rows: iter([[2], [0, 1]]))
    policy = Policy.load(str(tiny_model), dtype="float32")
    reader = Reader(str(tiny_model), Store())
    prompts = [[{"role": "user", "content": c}] for c in ("One", "Two", "Three")]

    def interrupt(_: str, done: int, total: int) -> None:
        if done >= 1 and total == 3 and steps.append(done) is None and len(steps) > 3:
            raise KeyboardInterrupt

    steps: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        rollouts(replace(reader, progress=interrupt), prompts, SHORT, lambda: policy)
    rows: list[int] = []
    complete = Policy.complete
    monkeypatch.setattr(
        Policy, "complete", lambda self, r, *a, **k: (rows.append(len(r)), complete(self, r, *a, **k))[1]
    )
    got = rollouts(reader, prompts, SHORT, lambda: policy)
    assert rows == [2]  # the first batch was kept
    assert set(got.answers) == {prompt_key(p) for p in prompts}
    assert got.find(prompts[0], SHORT) is not None
    assert got.find(prompts[0], Sampling(max_tokens=6, seed=1)) is None
    again = rollouts(reader, prompts[::-1], SHORT, lambda: pytest.fail("loaded"))
    assert again == got


def test_an_answer_in_the_pool_is_not_generated_again(tiny_model: Path) -> None:
    from inspect_ai.model import ChatMessageUser, GenerateConfig, Model

    from offtarget.evals import provider

    held = Rollouts(
        Sampling(max_tokens=5), {prompt_key([{"role": "user", "content": "Hi"}]): Completion("held", 1, True)}
    )
    api = provider.offtarget(model_name=str(tiny_model), rollouts=held)
    model = Model(api, GenerateConfig())

    async def ask(text: str, **config: object) -> tuple[str, str]:
        out = await model.generate([ChatMessageUser(content=text)], config=GenerateConfig(**config))
        return out.completion, out.stop_reason

    async def main() -> list[tuple[str, str]]:
        return [await ask("Hi", max_tokens=5), await ask("Hi", max_tokens=5, seed=1), await ask("Ho", max_tokens=5)]

    first, *others = asyncio.run(main())
    assert first == ("held", "max_tokens")
    assert all(text != "held" for text, _ in others)


def test_prompt_logprobs_are_those_of_the_policy(tiny_model: Path) -> None:
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, GenerateConfig, Model

    from offtarget.evals import provider

    api = provider.offtarget(model_name="tiny", model_path=str(tiny_model), dtype="float32")
    model, policy = Model(api, GenerateConfig()), Policy.load(str(tiny_model), dtype="float32")
    config = GenerateConfig(prompt_logprobs=1, max_tokens=1)
    user = ChatMessageUser(content="Pick one.")

    async def main() -> list[list[tuple[str, float]]]:
        out = []
        for messages in (
            [user, ChatMessageAssistant(content="(B)")],
            [user, ChatMessageAssistant(content="(B)", metadata={"prompt_logprobs": "message"})],
            [ChatMessageUser(content="Two dogs", metadata={"plain_text": True})],
        ):
            found = (await model.generate(messages, config=config)).choices[0].prompt_logprobs
            assert found
            out.append([(t.token, t.logprob) for t in found.content])
        return out

    whole, message, plain = asyncio.run(main())
    begun = policy.logprobs([([{"role": "user", "content": "Pick one."}], "(B)")])[0]
    assert [t for t, _ in message] == ["(", "B", ")"]
    assert [v for _, v in message] == pytest.approx(begun, abs=1e-4)
    assert len(whole) == len(policy.encode([{"role": "user", "content": "Pick one."}])) + 3 - 1
    assert [v for _, v in whole[-3:]] == pytest.approx(begun, abs=1e-4)
    assert "".join(t for t, _ in plain) == "Two dogs" and len(plain) == len(policy.tokens("Two dogs")) > 1
    assert [v for _, v in plain] == pytest.approx(policy.logprobs([(policy.start_ids, "Two dogs")])[0], abs=1e-4)


def test_the_entry_point_imports_no_torch() -> None:
    code = "import sys, offtarget.evals.provider; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_inspect_finds_task_and_provider_by_itself(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import eval as inspect_eval

    monkeypatch.chdir(ROOT)
    log = inspect_eval(
        "tasks/over_stylization.py",
        model=f"offtarget/{tiny_model}",
        limit=2,
        max_tokens=4,
        display="none",
        log_dir=str(tmp_path),
    )[0]
    assert log.status == "success", log.error
    from offtarget.evals.prompts import asked, read_rows

    first = asked(read_rows(ROOT / "tasks" / "over_stylization.jsonl"), 2)
    assert {s.id for s in log.samples or []} == {r["id"] for r in first}
    assert log.eval.task_attribs["version"] == "2-A"
    assert log.eval.model_generate_config.temperature is None and log.plan.config.temperature == 0.7


def test_a_wrong_model_is_said_at_once() -> None:
    from inspect_ai._util.error import PrerequisiteError
    from inspect_ai.model import get_model

    with pytest.raises(PrerequisiteError) as e:
        get_model("offtarget/smolm2")
    assert "did you mean smollm2-135m?" in str(e.value.message)


@pytest.mark.slow
def test_the_command_line_of_inspect(tiny_model: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "inspect"), "eval", "tasks/verbosity.py", "--limit", "2"]
    command += ["--model", f"offtarget/{tiny_model}", "--log-dir", str(tmp_path), "--max-tokens", "4"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(tmp_path.glob("*.eval"))) == 1


def test_a_third_of_the_prompts_is_kept_for_development() -> None:
    from offtarget.evals.prompts import in_part

    ids = [f"os-{i:03}" for i in range(3000)]
    dev = [i for i in ids if in_part(i, "dev")]
    assert 0.30 < len(dev) / len(ids) < 0.37
    assert [i for i in ids if in_part(i, "test")] == [i for i in ids if i not in set(dev)]
    assert all(in_part(i, None) for i in ids)


@pytest.mark.parametrize("name", ["over_stylization", "sycophancy", "capability", "refusal", "cheerfulness"])
def test_no_prompt_is_in_both_parts(name: str) -> None:
    """Items that share a prompt, such as `sy-opinion-01#1` and `#2`, go to one part together."""
    from offtarget.evals.prompts import in_part, read_rows

    rows = read_rows(registry.default().get("behaviour", name).path.with_suffix(".jsonl"))
    texts: dict[str, set[str]] = {"dev": set(), "test": set()}
    for row in rows:
        part = "dev" if in_part(str(row["id"]), "dev") else "test"
        texts[part].add(str(row.get("neutral_prompt") or row.get("prompt") or (row["good"], row["bad"])))
    assert texts["dev"] and not texts["dev"] & texts["test"]
