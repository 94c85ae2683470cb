"""A concept, what it is called, and the evidence for that: the part of `audit.json` that a person reads as words."""

from typing import Literal

from offtarget.records import Record

LOG = "log units"
"""Of effects of lengths and counts: the mean of log(1 + n) of chosen less that of rejected. It is no ratio of the means that
people read: of a count that few answers have, far less."""
NAME_R = 0.6
"""Correlation from which a rule, or a model's label, may name a concept of latents."""
MIN_JUDGED = 10
"""Answers of yes or no that a model's label must have been judged by."""


class Correlate(Record):
    """The rule that reads responses as a concept of a model does: it may lend its name.

    It is the rule with the largest |r| on one half of the prompts. It is here only if |r| is at least 0.6 over all
    distinct responses and over those of the other half alone, with the same sign. Of a concept that lives on pairs,
    r is over pairs.
    """

    concept: str
    label: str
    r: float
    """Pearson, over distinct responses, of the rule's value (presence, log or value, as its contrast takes it) with the
    concept's (latents: the share that fires)."""
    held_out: float
    """The same over the responses of prompts that the rule was not chosen on."""
    n: int
    """Distinct responses held out."""


class Peak(Record):
    """The token of a response on which a concept fires strongest: characters `start` to `stop` of its text."""

    row: str
    """Pair id; of several rows with the same response the first."""
    side: Literal["chosen", "rejected"]
    start: int
    stop: int
    strength: float
    """Activation in units of the largest that the latent reaches in this set."""


class WordFit(Record):
    """How well a concept's words tell where it fires, on prompts that they were not taken from."""

    auroc: float
    """Of the number of its words in a response, for responses where more of its latents fire than in the median one;
    of a signed concept: of the difference between its poles' words, for the sign of the pair. 0.5 is chance."""
    n: int
    """Distinct responses (pairs) held out."""


class Judged(Record):
    """What a language model was asked of each pair, and how far its answers may be believed.

    Shares and kappa are over pairs of prompts that the concept was not proposed from.
    """

    model: str
    definition: str
    """The sentence by which it judged."""
    kappa: float | None
    """Cohen's kappa of its answers with the two responses exchanged; 0 is chance."""
    both: int
    """Pairs asked in both orders, and read in both."""
    unscored: float
    """Share of questions whose answer could not be read."""
    applies: float
    """Share of pairs in which one response has more."""
    n_scored: int
    """Of all pairs: those with an answer that could be read. Means and effects are over these."""
    n_unscored: int
    """Of all pairs that it was asked about: those with none."""
    left_out: str | None = None
    """Why nothing was made of its answers; None where they count."""


class Rates(Record):
    """The two means behind an effect on log(1 + n), as people read them, over the whole set."""

    chosen: float
    rejected: float
    unit: str
    """Of both: `count per response`, `tokens`."""
    shown: float | None = None
    """Share of responses, of both sides together, that have any; None in older files."""


class Evidence(Record):
    """Descriptive numbers of one concept, and what its label rests on."""

    unit: str
    """Of the means; the rates and shares are shares of rows."""
    contrast: str
    """What u is the difference of: presence, log, value, cluster (mean presence over latents), or standardised (mean
    of the latents' standardised firing frequencies: response clusters of the local view)."""
    chosen_mean: float
    rejected_mean: float
    chosen_rate: float
    """Share of chosen responses that show it (value above the threshold; clusters: mean over latents)."""
    rejected_rate: float
    more_in_chosen: float
    """Share of rows with u > 0; for a presence concept: chosen shows it and rejected does not."""
    more_in_rejected: float
    read: float = 1.0
    """Share of rows of which the lens says something. Means, rates, shares and effects are over these."""
    correlate: Correlate | None = None
    words: tuple[str, ...] = ()
    """Words over-represented in the responses of one half of the prompts where it fires (log-odds, informative Dirichlet
    prior); of a signed concept those of its positive pole. None where they do not tell on the other half."""
    words_against: tuple[str, ...] = ()
    """Words of the negative pole of a signed concept."""
    tokens: tuple[str, ...] = ()
    """Tokens, in lower case, on which it fires strongest: each holds a tenth of its 30 strongest places or more."""
    promotes: tuple[str, ...] = ()
    """Tokens that it makes likelier, read from the decoder through the model's head (logit lens)."""
    peaks: tuple[Peak, ...] = ()
    """Where it fires strongest."""
    stability: float | None = None
    """Of a cluster that fires together: how well other seeds of the clustering find it (Jaccard, 0 to 1)."""
    word_fit: WordFit | None = None
    """Of the words; None where there are none."""
    judged: Judged | None = None
    """Of a concept that a language model judges."""

    @property
    def effect_unit(self) -> str:
        """What an effect of the concept is measured in."""
        return self.scale(self.contrast, self.unit)

    @property
    def means(self) -> Rates | None:
        """The means behind an effect that is measured on log(1 + n); None of others, whose effect says them."""
        if self.effect_unit != LOG:
            return None
        shown = (self.chosen_rate + self.rejected_rate) / 2
        return Rates(chosen=self.chosen_mean, rejected=self.rejected_mean, unit=self.unit, shown=shown)

    @staticmethod
    def scale(contrast: str, unit: str) -> str:
        """What u of a contrast is measured in, where the values have a unit."""
        scales = {
            "presence": "share of rows",
            "cluster": "share of rows",
            "log": LOG,
            "standardised": "sd of the difference",
        }
        return scales.get(contrast, unit)


class ModelLabel(Record):
    """A label written by a language model, and how well the same model tells by it where the concept fires."""

    label: str
    model: str
    fidelity: float
    """Pearson, over held-out responses, of its yes or no with the share of the concept's latents that fire."""
    n: int
    """Held-out responses that it answered with yes or no."""

    @property
    def names(self) -> bool:
        """Whether it counts as a name: a fidelity of at least 0.6 over at least 10 clear answers."""
        return self.fidelity >= NAME_R and self.n >= MIN_JUDGED


class Concept(Record):
    """A feature or a cluster of features."""

    id: str
    label: str
    """What the lens calls it, the rule that it goes with, or what there is of evidence ("unnamed: ...")."""
    name: Literal["lens", "rule", "none"] = "lens"
    """Who gave the label: the lens itself (a rule, a direction), a rule that reads responses as the concept does
    (`evidence.correlate`), or nobody."""
    kind: Literal["feature", "cluster"]
    lens: str
    members: tuple[str, ...]
    evidence: Evidence
    model_label: ModelLabel | None = None
    """Where a language model was asked."""

    @property
    def named(self) -> bool:
        """Whether anything vouches for what it is about: its lens, a rule, or a model's label that holds."""
        return self.name != "none" or (self.model_label is not None and self.model_label.names)

    @property
    def title(self) -> str:
        """The model's label where one holds on held-out responses, else the one from evidence."""
        return self.model_label.label if self.model_label and self.model_label.names else self.label
