"""How the log-probability of answers changes from the start model to another: by exact passes in float32."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.evals.policy import Policy
from offtarget.influence.texts import Text
from offtarget.lens.reader import Reader
from offtarget.models import ModelRef
from offtarget.store import hash_of

VERSION = 1


def log_prob_changes(reader: Reader, policy: ModelRef, texts: Sequence[Text]) -> Floats:
    """How much more of log p(answer) there is under a policy than under the start model, in nats, `(n_texts,)`.

    Args:
        reader: the start model.
        policy: the other model.
        texts: prompts and answers.
    """
    after, before = (log_probs(reader, model, texts) for model in (policy, reader.ref))
    return after - before


def log_probs(reader: Reader, model: ModelRef, texts: Sequence[Text]) -> Floats:
    """Of each answer the log p under a model that is read as the start model is, in nats, `(n_texts,)`; kept in the store."""
    own = Reader(model, reader.store, reader.max_length, "float32", reader.template, reader.progress)

    def build(out: Path) -> None:
        policy = Policy(*own.load())
        found = [sum(v) for v in policy.logprobs(texts, progress=own.step("log-probabilities"))]
        (out / "logprobs.json").write_text(json.dumps(found))

    folder = reader.store.get("answer-logprobs", VERSION, {**own.identity(), "texts": hash_of(list(texts))}, build)
    return np.array(json.loads((folder / "logprobs.json").read_text()), dtype=np.float64)
