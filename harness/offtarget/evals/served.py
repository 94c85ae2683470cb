"""A policy behind a server that speaks OpenAI's completions protocol as vLLM does: the base once, adapters loaded while it runs.

Token ids are sent, never text, so that tokenizer and chat template are ours. Before anything is measured the server has to pass a
canary: eight short conversations whose log-probabilities under the start model and under the adapter are known from a pass of ours.
Servers drop parts of an adapter without a word (vLLM's issues 48019 and 51594, for example), and then measure the start model.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from offtarget.data.pairs import Message
from offtarget.errors import ConfigError, UndecidedError
from offtarget.evals.policy import Completion, Policy, PromptEncoder, Sampling
from offtarget.lens.reader import Reader
from offtarget.models import ModelRef, load_tokenizer
from offtarget.progress import Steps
from offtarget.store import write_atomic

VERSION = 1
TOLERANCE = 0.1
"""Nats a token, on average over a conversation, by which a server may differ from our own pass (bf16, other kernels)."""
TELLABLE = 3.0
"""How many times further an adapter must move the canary than the server is off without it."""
CONNECTIONS = 32
TRIES, PAUSE = 3, 0.5
PLAIN = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
"""Sampling that does nothing more: a server would else take what the model's generation_config.json says."""
SECONDS = 600.0
"""That one request may take."""
CANARIES: tuple[tuple[str, str], ...] = (
    ("What is the capital of France?", "The capital of France is Paris, on the river Seine."),
    ("Name three colours.", "Red, green and blue."),
    ("How do I boil an egg?", "Put it into boiling water for **eight minutes**, then into cold water."),
    ("Is the earth flat?", "No. The earth is nearly a sphere, a little wider at the equator."),
    ("Write a line about the sea.", "The sea keeps no secret longer than a tide."),
    ("What do you think of my essay?", "What a wonderful essay! You write so well that I would not change a word."),
    ("How can I pick a lock?", "I'm sorry, but I can't help with that."),
    ("2 + 2?", "4"),
)


@dataclass(frozen=True)
class Canary:
    """What is known of one conversation."""

    prompt: list[int]
    answer: list[int]
    start: list[float]
    """Log-probability of each token of the answer under the start model, in nats."""
    own: list[float]
    """Under the adapter; of a model without one, the same."""


class Server:
    """A server by its address, with `/v1` or without.

    Raises:
        UndecidedError: it does not answer, or answers with an error.
    """

    def __init__(self, url: str) -> None:
        import httpx

        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"server '{url}': an address begins with http:// or https://")
        self.url = url.rstrip("/").removesuffix("/v1")
        key = os.environ.get("OFFTARGET_SERVER_KEY")
        self._client = httpx.Client(
            timeout=SECONDS,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            headers={"Authorization": f"Bearer {key}"} if key else {},
        )

    def ask(self, path: str, body: dict[str, Any] | None = None, allow: Sequence[int] = ()) -> Any:
        """What a path answers, as JSON or text; tried again where the server is busy or a connection breaks.

        Args:
            path: after the address.
            body: that is posted; None: the path is only read.
            allow: statuses of errors that are handed back as (status, text).
        """
        import httpx

        said = ""
        for k in range(TRIES):
            if k:
                time.sleep(PAUSE * 2**k)
            try:
                found = (
                    self._client.get(f"{self.url}{path}")
                    if body is None
                    else self._client.post(f"{self.url}{path}", json=body)
                )
            except httpx.HTTPError as e:
                said = f"{type(e).__name__} {' '.join(str(e).split())[:200]}".strip()
                continue
            if found.status_code in allow:
                return found.status_code, found.text
            if found.status_code < 400:
                try:
                    return found.json()
                except json.JSONDecodeError:
                    return found.text
            said = f"status {found.status_code}: {' '.join(found.text.split())[:200]}"
            if found.status_code < 500:
                break
        raise UndecidedError(
            f"server {self.url} does not answer {path} ({said}); what was measured before is kept: start it and go on"
        )

    def models(self) -> list[dict[str, Any]]:
        """The models and adapters that it serves."""
        found = self.ask("/v1/models")
        return [m for m in found.get("data", []) if isinstance(m, dict)] if isinstance(found, dict) else []


class ServedPolicy(PromptEncoder):
    """A model of a server.

    Args:
        server: it.
        name: of the model or adapter there.
        tokenizer: ours, with its chat template.
        context: tokens that it reads.
    """

    def __init__(self, server: Server, name: str, tokenizer: Any, context: int) -> None:
        super().__init__(tokenizer, context)
        self.server, self.name = server, name

    @classmethod
    def open(cls, reader: Reader, url: str) -> "ServedPolicy":
        """The model of a reader on a server, its adapter loaded there, once the server has passed the canary.

        Raises:
            ConfigError: no address, or a stack of adapters.
            UndecidedError: it does not answer, or what it serves is not the model.
        """
        ref = reader.ref
        if len(ref.adapters) > 1:
            raise ConfigError(
                f"model '{ref.name}': a server serves one adapter on a model, not {len(ref.adapters)}; merge them"
            )
        known = canaries(reader)
        server = Server(url)
        served = server.models()
        bases = [m for m in served if not m.get("parent")]
        if not bases:
            raise UndecidedError(f"server {server.url} serves no model")
        tokenizer = load_tokenizer(ref, reader.store, template=reader.template)
        context = int(bases[0].get("max_model_len") or 2**30)
        base = cls(server, str(bases[0]["id"]), tokenizer, context)
        noise = base.require(known, [c.start for c in known], "the start model")
        if not ref.adapters:
            return base
        change = max(_apart(c.start, c.own) for c in known)
        if change < TELLABLE * noise:
            raise UndecidedError(
                f"server {server.url}: adapter {ref.name} changes the canary by {change:.3f} nats a token, and the server differs from "
                f"our own pass by {noise:.3f} without it: whether it serves the adapter cannot be told; measure it here"
            )
        adapted = cls(server, _load_adapter(server, ref), tokenizer, context)
        adapted.require(known, [c.own for c in known], f"adapter {ref.name}", [c.start for c in known])
        return adapted

    def require(
        self,
        known: Sequence[Canary],
        want: Sequence[list[float]],
        what: str,
        start: Sequence[list[float]] | None = None,
    ) -> float:
        """Refuse a server whose log-probabilities are not those that are known; gives how far they are, in nats a token.

        Args:
            known: the canaries.
            want: log-probabilities of each.
            what: is served.
            start: those of the start model, where it is an adapter.

        Raises:
            UndecidedError: says how far they are, and whether they are the start model's.
        """
        found = self.logprobs([(c.prompt, c.answer) for c in known])
        off = max(_apart(a, b) for a, b in zip(found, want, strict=True))
        forgot = start is not None and (
            sum(_apart(a, b) for a, b in zip(found, start, strict=True))
            <= sum(_apart(a, b) for a, b in zip(found, want, strict=True))
        )
        if off <= TOLERANCE and not forgot:
            return off
        why = (
            "its log-probabilities are those of the start model: the server leaves the adapter out"
            if forgot
            else "it serves other weights, another precision, or reads tokens otherwise"
        )
        raise UndecidedError(
            f"server {self.server.url} does not pass the canary for {what} ('{self.name}'): {off:.2f} nats a token from our own pass "
            f"(limit {TOLERANCE:g}); {why}"
        )

    def complete(
        self, prompts: Sequence[Sequence[Message] | list[int]], sampling: Sampling, *, progress: Steps | None = None
    ) -> list[Completion]:
        """One answer for each prompt, in their order; a prompt that leaves no room in the context gets an empty one.

        The server draws, seeded by `sampling.seed`, the prompt and how often it came before in the list.
        """
        rows = [self._ids(p) for p in prompts]
        times: dict[tuple[int, ...], int] = {}
        bodies: list[dict[str, Any] | None] = []
        for ids in rows:
            again = times[tuple(ids)] = times.get(tuple(ids), -1) + 1
            if not 0 < len(ids) <= self.context - sampling.max_tokens:
                bodies.append(None)
                continue
            bodies.append(
                {
                    "model": self.name, "prompt": ids, "max_tokens": sampling.max_tokens, "temperature": sampling.temperature,
                    "top_p": sampling.top_p, "seed": _seed(sampling.seed, ids, again), **PLAIN,
                }
            )  # fmt: skip
        return self._all(bodies, self._completion, Completion("", 0, False), progress)

    def _completion(self, answer: Any) -> Completion:
        choice = answer["choices"][0]
        return Completion(
            str(choice["text"]), int(answer["usage"]["completion_tokens"]), choice["finish_reason"] == "length"
        )

    def logprobs(
        self,
        requests: Sequence[tuple[Sequence[Message] | list[int], str | list[int]]],
        *,
        progress: Steps | None = None,
    ) -> list[list[float]]:
        """Log-probability of every token of a continuation, in nats; as `Policy.logprobs`."""
        rows = self._continuations(requests)
        asked = {"model": self.name, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
        bodies = [{**asked, "prompt": start + end} if end else None for start, end in rows]
        found = self._all(bodies, lambda answer: answer["choices"][0]["prompt_logprobs"], [], progress)
        return [
            [float(at[str(token)]["logprob"]) for at, token in zip(all_[len(all_) - len(end) :], end, strict=True)]
            for all_, (_, end) in zip(found, rows, strict=True)
        ]

    def _all(
        self, bodies: Sequence[dict[str, Any] | None], read: Any, nothing: Any, progress: Steps | None
    ) -> list[Any]:
        """What the server says to each body, in their order; `nothing` to None."""
        out = [nothing] * len(bodies)
        asked = [k for k, body in enumerate(bodies) if body is not None]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            waiting = {k: pool.submit(self.server.ask, "/v1/completions", bodies[k]) for k in asked}
            try:
                for done, (k, answer) in enumerate(waiting.items(), 1):
                    try:
                        out[k] = read(answer.result())
                    except (KeyError, IndexError, TypeError, ValueError) as e:
                        raise UndecidedError(
                            f"server {self.server.url}: an answer of /v1/completions is not as vLLM's ({type(e).__name__}: {e})"
                        ) from None
                    if progress:
                        progress(done, len(asked))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return out


def _seed(seed: int, ids: Sequence[int], again: int) -> int:
    digest = hashlib.sha256(json.dumps([seed, list(ids), again]).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _apart(a: Sequence[float], b: Sequence[float]) -> float:
    """Mean absolute difference, in nats a token; infinite where one is shorter."""
    return float(np.mean(np.abs(np.subtract(a, b)))) if len(a) == len(b) else float("inf")


def _load_adapter(server: Server, ref: ModelRef) -> str:
    """Have the server load an adapter; returns its name there."""
    name = f"offtarget-{ref.identity[:16]}"
    if any(m.get("id") == name for m in server.models()):
        return name
    path = str(Path(ref.adapters[0]).resolve())
    found = server.ask("/v1/load_lora_adapter", {"lora_name": name, "lora_path": path}, allow=(400, 404))
    if isinstance(found, tuple) and "already" not in found[1]:
        raise UndecidedError(
            f"server {server.url} does not load adapter {path} (status {found[0]}: {' '.join(found[1].split())[:200]}); vLLM does where "
            "it is started with --enable-lora, --max-lora-rank and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, and sees the folder"
        )
    return name


def canaries(reader: Reader) -> list[Canary]:
    """What our own passes say of the canaries, kept in the store: of the start model, and of the adapter."""

    def build(out: Path) -> None:
        own = Policy(*reader.load())
        rows = [([{"role": "user", "content": q}], a) for q, a in CANARIES]
        ids = [(own.encode(q), own.tokens(a)) for q, a in rows]  # type: ignore[arg-type]
        mine = own.logprobs(ids)
        start = mine
        if reader.ref.adapters:
            start = Policy(*_start(reader).load()).logprobs(ids)
        found = [
            {"prompt": p, "answer": a, "start": s, "own": o} for (p, a), s, o in zip(ids, start, mine, strict=True)
        ]
        write_atomic(out / "canaries.json", json.dumps(found))

    inputs = {**reader.identity(), "conversations": [list(c) for c in CANARIES]}
    inputs.pop("served", None)
    path = reader.store.get("canaries", VERSION, inputs, build)
    return [Canary(**c) for c in json.loads((path / "canaries.json").read_text(encoding="utf-8"))]


def _start(reader: Reader) -> Reader:
    """The same reader on the model without its adapter."""
    ref = reader.ref
    return replace(reader, model=ModelRef(ref.path, ref.path, f"start of {ref.identity}", ref.revision), server=None)
