"""What an audit says, as written in `audit.json`."""

import json
from typing import Any, Literal

from pydantic import Field

from offtarget.audit.context_records import Context as Context
from offtarget.audit.context_records import MetadataColumn
from offtarget.audit.evidence import Concept
from offtarget.audit.reading_record import Reading
from offtarget.audit.stock_records import OnStock, StockTexts
from offtarget.audit.truth_records import KnownTruth
from offtarget.errors import unknown_name
from offtarget.lens.features import METADATA
from offtarget.records import Record

SCHEMA_VERSION: Literal[2] = 2
Q_FINDING = 0.05
"""A hypothesis is a finding where its q is below this."""

View = Literal["overall", "global", "local", "metadata"]
CONTEXT_KIND: dict[View, Literal["topic", "prompt", "metadata"]] = {
    "global": "topic",
    "local": "prompt",
    "metadata": "metadata",
}
"""The kind of the contexts of each view that has some."""
Direction = Literal["chosen", "rejected"]


class DatasetInfo(Record):
    """Which rows were read."""

    name: str
    revision: str | None
    rows_sha256: str
    n_pairs: int
    n_groups: int
    unit: Literal["prompts", "groups", "units"] = "prompts"
    """What is counted by `n_groups`: prompts; groups that a column gives; or units, where templates are such, or rows that
    share their answers."""
    n_dropped: dict[str, int]
    splits: dict[str, int] = Field(default_factory=dict)
    read_as: str = ""
    """The shape and the columns by which the rows were read."""
    notes: tuple[str, ...] = ()
    """What was taken for what on reading: the unit, a system column, which part a limit drew."""
    redistribution: str = "unknown"
    """yes, no or unknown: whether text of the rows may be shown beside the numbers."""
    chosen_longer: float
    """Share of rows whose chosen text has more characters; lengths are without debris and repeated prompts
    (`data.debris.own_text`)."""
    chosen_shorter: float
    """Share of rows whose chosen text has fewer; in the others the two are of one length."""
    longer_p: float | None = None
    """Two-sided p of a sign test that chosen is longer as often as shorter, clustered by prompt; None in older audits. The
    concept of length is the mean log ratio, which a few very short answers can turn."""
    median_characters: tuple[float, float]
    """Of chosen and of rejected, read as the shares are."""
    median_as_they_stand: tuple[float, float] | None = None
    """The same with debris and repeated prompts; None where that is no other."""


class SplitHalf(Record):
    """The same effect in two halves of the data."""

    agree: bool
    """Both halves lie beyond 1e-6 on the same side of zero."""
    min: float
    """The smaller of the two absolute effects."""


class LengthControlled(Record):
    """What is left of an effect between answers of equal length (`statistics.length` says how).

    A direct effect. Where the concept itself lengthens answers and length is what is liked, it is near 0, though
    training teaches the concept all the same. Where quality lengthens answers, it can show a dislike that nobody has.
    """

    effect: float
    """The mean difference at equal length, in the unit of the hypothesis's effect; in a context inside minus outside."""
    ci: tuple[float, float]
    """95 %, by prompt group; leaves out 0 exactly where p < 0.05."""
    p: float
    q: float
    """Benjamini-Hochberg over all hypotheses tested in the same view; what was not computed counts as p = 1."""


def lean(direction: Direction, context: str | None) -> str:
    """The direction of a hypothesis in words."""
    return f"more in {direction}" if context is None else f"to {direction}, against elsewhere"


class Hypothesis(Record):
    """In this context, chosen has more (or less) of this concept than rejected."""

    id: str
    view: View
    concept: str
    context: str | None = None
    direction: Direction
    """The sign of the effect; in a context that is a comparison with the other rows."""
    effect: float
    """Overall: mean of u. In a context: mean of u inside minus mean of u in all other rows. In the concept's unit."""
    ci: tuple[float, float]
    """95 %, by prompt group."""
    ci_method: Literal["flip", "dealt", "t"]
    """flip: the values that the test by swapped labels does not reject; dealt: by contexts dealt out again over prompts.
    Both leave out 0 exactly where p < 0.05."""
    d: float
    """The effect in standard deviations of u, the pair's difference (in a context pooled over inside and outside).
    Capped at 100 in size."""
    z: float
    """Effect over its standard error clustered by prompt group (a t statistic)."""
    p: float
    """Overall: from labels swapped by whole prompts (`statistics.flips`), and where there are stock answers no less than
    what it is beside them (`stock`). In a context: from contexts dealt out again over
    prompts (`statistics.dealing`)."""
    q: float
    """Benjamini-Hochberg over all hypotheses tested in the same view."""
    welch_z: float
    """On rows, as in arXiv 2606.12360: for ranking only, it overstates the evidence."""
    split_half: SplitHalf
    """Halves by a hash of the prompt group."""
    parity: SplitHalf
    """Halves by row number, as in arXiv 2606.12360."""
    length_controlled: LengthControlled | None
    length_note: str | None = None
    """Why there is no length-controlled effect."""
    n_inside: int
    n_groups_inside: int
    inside_mean: float
    outside_mean: float | None = None
    on_stock: OnStock | None = None
    """Over the whole set, where stock answers make a part of a side."""
    rows: tuple[str, ...]
    """Pair ids, the largest contribution to the effect first; at most 50, of what is no finding at most 6."""

    @property
    def finding(self) -> bool:
        """Whether q is below 0.05."""
        return self.q < Q_FINDING

    @property
    def rests_on_stock(self) -> bool:
        """Whether it leans over all rows and does not hold beside the stock answers: it is not known for either case."""
        return self.on_stock is not None and self.on_stock.q < Q_FINDING and not self.finding

    @property
    def lean(self) -> str:
        """The direction in words.

        In a context it compares with the other rows: what leans less to chosen there may still be more in chosen.
        """
        return lean(self.direction, self.context)


class ShuffledFamily(Record):
    """The same tests on what noise makes of the same rows."""

    kind: Literal["labels", "contexts"] = "labels"
    """labels: chosen and rejected swapped at random, prompt by prompt. contexts: dealt out again over prompts, labels kept."""
    n: int
    """Shuffles of the whole family."""
    mean_findings: float
    """Findings (q < 0.05) of one shuffle, on average."""
    q95_findings: float
    any_finding: float
    """Share of shuffles with at least one finding."""


class Family(Record):
    """The hypotheses of one view, as a family of tests."""

    tested: int
    findings: int
    listed: int
    """How many are in `hypotheses` or `rest.parquet` (the largest |z|); the whole family is in `workings.npz`."""
    controlled: int
    """How many of the smallest p have an interval from random draws and were sent to the length control."""
    left_out: dict[str, int]
    """Not tested, counted by reason."""
    shuffled: ShuffledFamily | None = None
    """None where the view is empty, or too large to be shuffled."""

    unreliable: bool = False
    """Whether noise finds something in over a tenth of the shuffles: then findings of this view say little."""


class Null(Record):
    """What the expected shift would be if the labels said nothing."""

    kind: Literal["label_shuffle"] = "label_shuffle"
    n: int
    q95: float
    """95th percentile of |expected shift| when chosen and rejected are swapped at random by prompt."""
    p: float
    """Share of shuffles at least as large, with the observed one counted among them."""


class Partialled(Record):
    """The expected shift at equal length: the mean difference there, as in `LengthControlled`."""

    expected_shift: float
    ci: tuple[float, float]


class Prediction(Record):
    """How far training on the set is expected to move one concept."""

    concept: str
    predictor: Literal["mean_disparity"] = "mean_disparity"
    expected_shift: float
    """Mean of u, in the concept's own unit."""
    ci: tuple[float, float]
    standardised: float
    """Expected shift over the sd of u over rows, which is the overall view's d: comparable between concepts of
    different units."""
    length_partialled: Partialled | None
    """None for concepts that are length themselves."""
    null: Null


class Audit(Record):
    """One audit of one dataset: `audit.json`. The rows behind it are in its folder (`audit.folder`)."""

    schema_version: Literal[2] = SCHEMA_VERSION
    offtarget_version: str
    created: str
    key: str
    """Hash of the rows, the lenses, the vocabulary and the seed: equal keys, equal hypotheses."""
    seed: int
    dataset: DatasetInfo
    model: dict[str, Any] | None
    lens: tuple[dict[str, Any], ...]
    concepts: tuple[Concept, ...]
    contexts: tuple[Context, ...]
    families: dict[View, Family]
    hypotheses: tuple[Hypothesis, ...]
    """By view, each with the smallest p first. In the file of an audit that lists more than 500 of them: the findings, and what
    columns other than latents do over the whole set; the others are in `rest.parquet`."""
    prediction: tuple[Prediction, ...]
    vocabulary: str
    """Only audits with the same value are comparable, and verdicts bind to it."""
    reading: Reading | None = None
    """How rows and features were read; None of an audit that was made from features in memory."""
    metadata: tuple[MetadataColumn, ...] = ()
    """What the rows are made of, by each column that was asked for."""
    offered: tuple[str, ...] = ()
    """Columns of few values that were not asked for and could be tested (`--by`)."""
    topics_by: Literal["latents", "clusters", "words"] | None = None
    """What the topics were made by; None where there are none."""
    stock: tuple[StockTexts, ...] = ()
    """Texts that answer many prompts, beside which a finding over the whole set must hold."""
    truth: KnownTruth | None = None
    """What was put into the rows on purpose and what of it was found; of sets whose card names a truth file."""
    warnings: tuple[str, ...] = ()
    rest: int = 0
    """Hypotheses, concepts and predictions of this audit that lie in `rest.parquet` beside the file, which is then needed to read
    it (`audit.rest`); 0 where all are here."""
    timing: dict[str, float] = Field(default_factory=dict)

    def with_reading(self, reading: Reading | None) -> "Audit":
        """The same audit, saying how its rows were read."""
        return self.model_copy(update={"reading": reading})

    def with_concepts(self, concepts: tuple[Concept, ...]) -> "Audit":
        """The same audit with other labels on its concepts."""
        return self.model_copy(update={"concepts": concepts})

    def with_truth(self, truth: KnownTruth | None) -> "Audit":
        """The same audit, with what of the known truth it found."""
        return self.model_copy(update={"truth": truth})

    @property
    def findings(self) -> tuple[Hypothesis, ...]:
        """The listed hypotheses with q < 0.05."""
        return tuple(h for h in self.hypotheses if h.finding)

    @property
    def beside(self) -> frozenset[str]:
        """Concepts that are no property of the texts: what a lens reads of the columns beside them."""
        lenses = {x["name"] for x in self.lens if x.get(METADATA)}
        return frozenset(c.id for c in self.concepts if c.lens in lenses)

    def concept(self, concept_id: str) -> Concept:
        """One concept by id.

        Raises:
            ConfigError: if there is none of that id; names the nearest.
        """
        for c in self.concepts:
            if c.id == concept_id:
                return c
        raise unknown_name(
            "concept", concept_id, (c.id for c in self.concepts), labels={c.id: c.title for c in self.concepts}
        )

    def to_json(self) -> str:
        """The text of `audit.json`: each hypothesis, concept and context on a line of its own."""
        parts = []
        for key, value in self.model_dump(mode="json").items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                lines = ",\n".join(f"  {json.dumps(x, ensure_ascii=False)}" for x in value)
                text = f"[\n{lines}\n ]"
            else:
                text = json.dumps(value, ensure_ascii=False, indent=1).replace("\n", "\n ")
            parts.append(f" {json.dumps(key)}: {text}")
        return "{\n" + ",\n".join(parts) + "\n}\n"
