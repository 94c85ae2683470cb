"""The start model's own answers, several to a prompt, read by lenses."""

from collections.abc import Sequence
from dataclasses import dataclass

from offtarget.audit.statistics.means import Ints
from offtarget.data.pairs import Message, Pair, PairSet
from offtarget.errors import UndecidedError
from offtarget.evals.policy import Sampling
from offtarget.evals.pool import rollouts
from offtarget.influence.weights import prompts_of
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of


@dataclass(frozen=True, eq=False)
class OwnAnswers:
    """Answers of the start model, read by lenses."""

    pairs: PairSet
    """Rows of two answers to one prompt; neither of them is better."""
    features: tuple[FeatureMatrix, ...]
    """Of these rows."""

    @property
    def prompts(self) -> Ints:
        """(2 n_rows,) prompt of each answer, from 0: those in the place of chosen, then the others."""
        return prompts_of(self.pairs)


def own_answers(
    reader: Reader,
    prompts: Sequence[Pair],
    lenses: Sequence[str],
    sampling: Sampling,
    samples: int,
    known: Sequence[FeatureMatrix] = (),
) -> OwnAnswers:
    """Sample and read them; two answers of which one is empty are left out.

    Args:
        reader: the start model.
        prompts: pairs, of which only the prompts are used; of several with one prompt the first.
        lenses: that can read new answers.
        sampling: of the first answer; each further one has the next seed.
        samples: answers to each prompt, an even number.
        known: earlier readings, for lenses that are fitted to rows.

    Raises:
        UndecidedError: no answer is left.
    """
    assert samples > 0 and samples % 2 == 0, "answers are read two by two"
    first = {p.group: p for p in reversed(prompts)}
    asked = [p for p in prompts if first[p.group] is p]
    told = []
    for k in range(samples):
        drawn = Sampling(sampling.max_tokens, sampling.temperature, sampling.top_p, sampling.seed + k)
        found = rollouts(reader.doing("own answers"), [p.prompt for p in asked], drawn)
        told.append([found.find(p.prompt, drawn) for p in asked])
    rows = []
    for i, p in enumerate(asked):
        for k in range(0, samples, 2):
            both = [told[k][i], told[k + 1][i]]
            texts = [a.text for a in both if a is not None and a.text.strip()]
            if len(texts) == 2:
                sides: list[list[Message]] = [[{"role": "assistant", "content": t}] for t in texts]
                rows.append(Pair(f"{p.id}#own{k}", p.group, p.prompt, sides[0], sides[1]))
    if not rows:
        raise UndecidedError(
            f"all {samples * len(asked)} answers of the start model are empty: nothing can be read of them"
        )
    pairs = PairSet("answers of the start model", rows)
    return OwnAnswers(pairs, tuple(features_of(pairs, lenses, reader.during("own answers"), known)))
