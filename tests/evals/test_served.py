"""A policy behind a server: the same numbers as here, and a server that leaves the adapter out, or dies, is refused."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call
from offtarget.errors import ConfigError, UndecidedError
from offtarget.evals import served
from offtarget.evals.policy import Policy, Sampling
from offtarget.evals.served import ServedPolicy, Server
from offtarget.lens.reader import Reader
from offtarget.models import ModelRef, resolve
from offtarget.store import Store

CHATS = [[{"role": "user", "content": "Name three rivers."}], [{"role": "user", "content": "Hello"}]]


class Stub:
    """Speaks vLLM's protocol from policies of this process, with a lock: they are not made for threads."""

    def __init__(self, base: Policy, adapter: Policy, folder: Path) -> None:
        self.policies, self.adapter, self.folder = {"base": base}, adapter, folder
        self.forgets = False
        self.loads = True
        self.answers_left = 10**9
        self.asked: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def get(self, path: str) -> tuple[int, Any]:
        assert path == "/v1/models"
        return 200, {
            "data": [{"id": n, "parent": None if n == "base" else "base", "max_model_len": 512} for n in self.policies]
        }

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        with self._lock:
            self.answers_left -= 1
            if self.answers_left < 0:
                return 503, {"error": "engine died"}
            if path == "/v1/load_lora_adapter":
                if not self.loads or Path(body["lora_path"]) != self.folder.resolve():
                    return 404, {"error": "no adapter there"}
                self.policies[body["lora_name"]] = self.policies["base"] if self.forgets else self.adapter
                return 200, "Success"
            self.asked.append(body)
            policy, ids = self.policies[body["model"]], body["prompt"]
            if "prompt_logprobs" in body:
                values = policy.logprobs([(ids[:1], ids[1:])])[0]
                told = [None, *({str(t): {"logprob": v, "rank": 1}} for t, v in zip(ids[1:], values, strict=True))]
                return 200, {
                    "choices": [{"text": "x", "finish_reason": "length", "prompt_logprobs": told}],
                    "usage": {"completion_tokens": 1},
                }
            sampling = Sampling(body["max_tokens"], body["temperature"], body["top_p"], body["seed"])
            (done,) = policy.complete([ids], sampling)
            reason = "length" if done.truncated else "stop"
            return 200, {
                "choices": [{"text": done.text, "finish_reason": reason}],
                "usage": {"completion_tokens": done.n_tokens},
            }


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter on the tiny model that changes what it says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_pretrained(tiny_model)
        model = get_peft_model(
            model, LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj", "up_proj"], task_type="CAUSAL_LM")
        )
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.data.normal_(0, 0.3)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    card = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**card, "base_model_name_or_path": str(tiny_model)}))
    return folder


@pytest.fixture(scope="module")
def policies(tiny_model: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, Policy]:
    return Policy.load(str(tiny_model), dtype="float32"), Policy.load(str(adapter), dtype="float32")


@pytest.fixture()
def stub(policies: tuple[Policy, Policy], adapter: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stub, str]]:
    monkeypatch.setattr(served, "PAUSE", 0.0)
    made = Stub(*policies, adapter)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*made.get(self.path))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._say(*made.post(self.path, body))

        def _say(self, status: int, what: Any) -> None:
            text = json.dumps(what).encode() if not isinstance(what, str) else what.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made, f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture()
def reader(adapter: Path, store_home: Path) -> Reader:
    store = Store()
    return Reader(resolve(str(adapter), store), store, dtype="float32")


def test_a_served_adapter_says_what_it_says_here(
    reader: Reader, stub: tuple[Stub, str], policies: tuple[Policy, Policy]
) -> None:
    server, url = stub
    policy = ServedPolicy.open(reader, url)
    assert policy.name.startswith("offtarget-") and policy.context == 512
    requests = [(CHATS[0], "The Nile and the Rhine."), (CHATS[1], "")]
    for got, want in zip(policy.logprobs(requests), policies[1].logprobs(requests), strict=True):
        assert got == pytest.approx(want, abs=1e-4)
    greedy = Sampling(max_tokens=8, temperature=0)
    assert policy.complete(CHATS, greedy) == policies[1].complete(CHATS, greedy)
    long = [1] * 510
    before = len(server.asked)
    assert policy.complete([long], greedy)[0].text == "" and len(server.asked) == before, "it leaves no room"
    drawn = Sampling(max_tokens=4, temperature=1.0, seed=5)
    policy.complete([CHATS[0], CHATS[0]], drawn)
    one, two = (body["seed"] for body in server.asked[-2:])
    assert one != two, "the same prompt twice is drawn twice"
    policy.complete([CHATS[0]], drawn)
    assert server.asked[-1]["seed"] in (one, two)


def test_a_server_that_leaves_the_adapter_out_ends_the_run(reader: Reader, stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.forgets = True
    with pytest.raises(
        UndecidedError, match=r"does not pass the canary for adapter .* those of the start model: the server leaves"
    ):
        ServedPolicy.open(reader, url)


def test_an_adapter_that_changes_too_little_to_be_seen_is_not_measured_there(
    reader: Reader, stub: tuple[Stub, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server differs by more from our own pass than the adapter from its start model."""
    known = [served.Canary(c.prompt, c.answer, c.start, [x + 0.01 for x in c.start]) for c in served.canaries(reader)]
    noisy = [served.Canary(c.prompt, c.answer, [x + 0.02 for x in c.start], [x + 0.03 for x in c.start]) for c in known]
    monkeypatch.setattr(served, "canaries", lambda _: noisy)
    with pytest.raises(
        UndecidedError, match=r"by 0\.010 nats a token, .* by 0\.020 without it: whether it serves the adapter"
    ):
        ServedPolicy.open(reader, stub[1])


def test_a_server_of_another_model_ends_the_run(
    reader: Reader, stub: tuple[Stub, str], policies: tuple[Policy, Policy]
) -> None:
    server, url = stub
    server.policies["base"] = policies[1]
    with pytest.raises(
        UndecidedError, match=r"canary for the start model .'base'.: .* nats a token .* it serves other weights"
    ):
        ServedPolicy.open(reader, url)


def test_a_server_that_loads_no_adapters_or_serves_nothing_says_what_to_do(
    reader: Reader, stub: tuple[Stub, str]
) -> None:
    server, url = stub
    server.loads = False
    with pytest.raises(
        UndecidedError, match="--enable-lora, --max-lora-rank and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
    ):
        ServedPolicy.open(reader, url)
    server.policies.clear()
    with pytest.raises(UndecidedError, match="serves no model"):
        ServedPolicy.open(reader, url)


def test_behaviours_are_measured_on_a_server_and_one_that_dies_ends_it_with_3(
    reader: Reader, adapter: Path, stub: tuple[Stub, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server, url = stub
    measure = [
        "eval",
        str(adapter),
        "--behaviours",
        "verbosity,capability",
        "--limit",
        "4",
        "--max-tokens",
        "6",
        "--server",
        url,
    ]
    server.answers_left = 20  # both canaries and a few answers
    assert call(measure) == 3
    assert "does not answer /v1/completions (status 503" in capsys.readouterr().err
    server.answers_left = 10**9
    assert call([*measure, "--out", str(tmp_path / "served"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["behaviours"]
    assert found["verbosity"]["n"] == 4 and found["capability"]["n"] == 4
    asked = len(server.asked)
    assert call([*measure[:-2], "--json"]) == 0
    here = json.loads(capsys.readouterr().out)["behaviours"]
    assert len(server.asked) == asked, "without a server the model is loaded here"
    assert here["capability"]["samples"] == found["capability"]["samples"], (
        "no answer is drawn: log-probabilities alone"
    )


def test_an_address_is_one(reader: Reader) -> None:
    assert call(["eval", reader.ref.name, "--behaviours", "verbosity", "--server", "localhost:8000"]) == 2
    with pytest.raises(UndecidedError, match="does not answer /v1/models"):
        Server("http://127.0.0.1:9").models()


def test_a_stack_of_adapters_is_not_served(reader: Reader) -> None:
    two = replace(reader, model=ModelRef("two", reader.ref.path, "two", adapters=("a", "b")))
    with pytest.raises(ConfigError, match="one adapter on a model, not 2"):
        ServedPolicy.open(two, "http://127.0.0.1:9")
