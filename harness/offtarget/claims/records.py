"""`claims.yaml`: what a paper says, and which of our records would show it. No figure of ours is written in it."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, ValidationError, model_validator

from offtarget.documents import read_yaml
from offtarget.errors import ConfigError
from offtarget.records import Record, explain

Status = Literal["reproduced", "in part", "not reproduced", "undecided", "not tested", "not testable here"]
"""reproduced: every figure is what the claim expects, with its whole interval. not reproduced: none is. in part: some are.
undecided: intervals hold both answers, or there is none since too few seeds were trained."""


class Expected(Record):
    """What the claim says of a figure. Exactly one key."""

    above: float | None = None
    below: float | None = None
    reaches: float | None = None
    """The figure of the paper: reproduced where the interval holds it or lies above it."""
    within: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Expected":
        if sum(v is not None for v in (self.above, self.below, self.reaches, self.within)) != 1:
            raise ValueError("name one of above, below, reaches, within")
        return self


class BoardFigure(Record):
    """A figure of a row of a board."""

    cells: str
    """Folder of cells, relative to the file."""
    dataset: str
    target: str
    protocol: str
    minus: str | None = None
    """Another protocol: the figure is the paired difference of the two on `behaviour`, over the seeds of both."""
    strength: float | None = None
    parameters: dict[str, JsonValue] = {}
    """Others of its parameters, where several rows would fit."""
    decision: Literal["suppress", "amplify"] | None = None
    behaviour: str | None = None
    """None: the target."""
    measure: Literal[
        "score", "vs_start", "vs_dpo", "vs_control", "shift", "recovery", "amplification", "difference", "drift", "capability_vs_start",
        "capability_vs_dpo",
    ]  # fmt: skip
    expects: Expected


class PredictionFigure(Record):
    """r² of predicted against observed shifts, one figure for each verification below a folder."""

    verifications: str
    """Folder of verifications, relative to the file."""
    family: Literal["clusters", "latents", "surface"]
    predictor: str
    statistic: str
    length: Literal["raw", "equal"] = "raw"
    expects: Expected


def _kind(figure: Any) -> str:
    """Which of the two a figure is: a prediction names verifications."""
    named = "verifications" in figure if isinstance(figure, dict) else isinstance(figure, PredictionFigure)
    return "prediction" if named else "board"


AnyFigure = Annotated[
    Annotated[BoardFigure, Tag("board")] | Annotated[PredictionFigure, Tag("prediction")], Discriminator(_kind)
]


class Claim(Record):
    """One claim."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    paper: str
    place: str
    """Section, figure or line of the paper."""
    claim: str
    """In our own words."""
    theirs: str = ""
    """The paper's own figure."""
    control: bool = False
    """Whether the paper makes no such claim: it is a control that a claim of the paper needs."""
    against: str = ""
    """Id of the claim that this one speaks against."""
    recipe: str = ""
    """What tests it here."""
    figures: tuple[AnyFigure, ...] = ()
    about: str = ""
    """How what we measure differs from what the paper did."""
    would_test: str = ""
    """What would test it, where nothing does yet."""
    not_testable: str = ""
    """Why it cannot be tested here."""
    command: str = ""
    """What makes the records that the figures come from."""

    @model_validator(mode="after")
    def _testable_or_not(self) -> "Claim":
        if not self.figures and not (self.would_test or self.not_testable):
            raise ValueError(
                "a claim without figures says what would test it (would_test) or why nothing can (not_testable)"
            )
        if self.figures and not (self.recipe and self.command):
            raise ValueError("a claim with figures names the recipe and the command that make them")
        return self


class Paper(Record):
    """A paper whose claims are listed."""

    id: str
    title: str
    year: int


class Claims(Record):
    """The file."""

    schema_version: Literal[1] = 1
    papers: tuple[Paper, ...]
    claims: tuple[Claim, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> "Claims":
        ids = [c.id for c in self.claims]
        if len(set(ids)) < len(ids):
            raise ValueError(f"the id {next(i for i in ids if ids.count(i) > 1)} is given to two claims")
        papers = {p.id for p in self.papers}
        for c in self.claims:
            if c.paper not in papers:
                raise ValueError(f"{c.id}: paper {c.paper} is not among the papers")
            if c.against and c.against not in ids:
                raise ValueError(f"{c.id}: against {c.against}, which is no claim of this file")
        return self


def read_claims(path: Path) -> Claims:
    """The claims of a file.

    Raises:
        ConfigError: no such file, or it is not what `Claims` says.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file; name a claims.yaml")
    found: Any = read_yaml(path)
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: claims are a mapping with `papers:` and `claims:`")
    try:
        return Claims.model_validate(found)
    except ValidationError as e:
        names = {f"claims.{i}": f"claim {c['id']}" for i, c in enumerate(found.get("claims") or ()) if _named(c)}
        raise ConfigError(f"{path}: {explain(e, Claims, names)}") from None


def _named(claim: Any) -> bool:
    return isinstance(claim, dict) and isinstance(claim.get("id"), str)
