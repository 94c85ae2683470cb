"""Answers to the held-out prompts, read by the lenses of the audit: a model's beside those of the start model."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from offtarget.audit.statistics.means import Floats
from offtarget.data.pairs import Pair, PairSet
from offtarget.engine.run import Run
from offtarget.errors import UndecidedError
from offtarget.evals.policy import Completion
from offtarget.influence.own import OwnAnswers, own_answers
from offtarget.influence.texts import Text, texts_of
from offtarget.lens.table import features_of
from offtarget.models import ModelRef
from offtarget.verification.cost import Work
from offtarget.verification.sides import Side

MIN_PROMPTS = 30


@dataclass(frozen=True, eq=False)
class Asked:
    """Held-out prompts, and how they are answered and read."""

    run: Run
    prompts: tuple[Pair, ...]
    """One pair of each prompt; only its prompt is used."""
    lenses: tuple[str, ...]
    """Those that can read new answers."""

    def beside_start(self, model: ModelRef, seed: int, what: str) -> tuple[Side, dict[str, float]]:
        """A model's answers (as chosen) and the start model's (as rejected) to the same prompts.

        Args:
            model: a policy.
            seed: of sampling; two sides with one seed share the start model's answers, and their noise.
            what: how the model is called while it works.

        Returns:
            The rows, one for each prompt and sample, and the answers' mean lengths and shares cut.

        Raises:
            UndecidedError: fewer than `MIN_PROMPTS` prompts have two answers that are not empty.
        """
        after = self.answers(model, seed, f"{what} seed {seed}")
        before = self.answers(self.run.model, seed, f"start seed {seed}")
        pairs = []
        for k in range(self.run.recipe.verification.samples):
            for p, x, y in zip(self.prompts, after[k], before[k], strict=True):
                if x.text.strip() and y.text.strip():
                    sides = [[{"role": "assistant", "content": t.text}] for t in (x, y)]
                    pairs.append(Pair(f"{p.id}#{k}", p.group, p.prompt, sides[0], sides[1]))  # type: ignore[arg-type]
        n_samples = self.run.recipe.verification.samples
        if len({p.group for p in pairs}) < MIN_PROMPTS:
            raise UndecidedError(
                f"{len(self.prompts) * n_samples - len(pairs)} of the answers of {what} seed {seed} are empty: fewer than "
                f"{MIN_PROMPTS} prompts are left to compare"
            )
        both = PairSet(f"rollouts of {self.run.pairs.name}", pairs)
        features = features_of(both, self.lenses, self.run.reader.during("rollouts"), self.run.features)
        flat_after, flat_before = [a for s in after for a in s], [a for s in before for a in s]
        told = {
            "characters_before": float(np.mean([len(a.text) for a in flat_before])),
            "characters_after": float(np.mean([len(a.text) for a in flat_after])),
            "tokens_before": float(np.mean([a.n_tokens for a in flat_before])),
            "tokens_after": float(np.mean([a.n_tokens for a in flat_after])),
            "cut_before": float(np.mean([a.truncated for a in flat_before])),
            "cut_after": float(np.mean([a.truncated for a in flat_after])),
            "empty": float(len(flat_after) - len(pairs)),
        }
        return Side.of(both, features), told

    def answers(self, model: ModelRef, seed: int, what: str) -> list[list[Completion]]:
        """Answers to every prompt, one list for each sample."""
        from offtarget.evals.policy import Sampling
        from offtarget.evals.pool import rollouts

        options = self.run.recipe.verification
        reader = replace(self.run.reader, model=model).doing(f"rollouts: {what}")
        out: list[list[Completion]] = []
        for k in range(options.samples):
            sampling = Sampling(options.max_tokens, options.temperature, seed=seed * 1000 + k)
            found = rollouts(reader, [p.prompt for p in self.prompts], sampling)
            told = [found.find(p.prompt, sampling) for p in self.prompts]
            assert None not in told
            out.append([a for a in told if a is not None])
        return out

    @cached_property
    def own(self) -> OwnAnswers:
        """Several answers of the start model to each of the prompts, with seeds that no other answer has."""
        from offtarget.evals.policy import Sampling

        options = self.run.recipe.verification
        sampling = Sampling(options.max_tokens, options.temperature, seed=self.spare_seed() * 1000 + 500)
        return own_answers(self.run.reader, self.prompts, self.lenses, sampling, options.own_samples, self.run.features)

    @cached_property
    def own_side(self) -> Side:
        """These answers as rows of two."""
        return Side.of(self.own.pairs, self.own.features)

    def work(self, answer: float) -> Work:
        """What training and predictors would pass through the model, where an answer has so many tokens."""
        from offtarget.models import load_tokenizer
        from offtarget.training.tokens import tokenise

        tokenizer = load_tokenizer(self.run.model, template=self.run.recipe.chat_template)
        return Work.of(self.run, [len(tokenise(tokenizer, p).prompt) for p in self.prompts], answer)

    def changes(self, pairs: PairSet, adapter: ModelRef | None, scale: float = 1.0) -> Floats:
        """How much likelier an adapter of the run's own shape makes both responses of each row, `(n_rows, 2)`, nats.

        Args:
            pairs: the rows.
            adapter: a model with one on top; None: log p under the start model itself.
            scale: of the adapter.
        """
        from offtarget.evals.adapters import top_of
        from offtarget.training.changes import answer_changes

        run = self.run
        return answer_changes(
            pairs, None if adapter is None else top_of(adapter), run.model, run.recipe.training, store=run.store, scale=scale,
            progress=run.progress, template=run.recipe.chat_template,
        )  # fmt: skip

    def texts(self, pairs: PairSet) -> list[Text]:
        """Both responses of each row as token ids, cut as training cuts them."""
        from offtarget.models import load_tokenizer
        from offtarget.training.tokens import tokenise

        tokenizer = load_tokenizer(self.run.model, template=self.run.recipe.chat_template)
        return texts_of([tokenise(tokenizer, p) for p in pairs.pairs], self.run.recipe.training.max_length)

    def spare_seed(self) -> int:
        """The smallest seed that no observed policy was trained or sampled with."""
        return next(s for s in range(len(self.run.recipe.seeds) + 1) if s not in self.run.recipe.seeds)
