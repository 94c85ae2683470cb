"""Features of a set by lens name, from the store or computed now."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.features import FeatureMatrix, Kind
from offtarget.lens.names import LensName, concept_parts, kinds_of
from offtarget.lens.reader import Reader
from offtarget.lens.shards import Shard, clear
from offtarget.models import ModelRef

if TYPE_CHECKING:
    from offtarget.lens.directions.examples import ConceptExamples
    from offtarget.lens.judge.options import JudgeOptions
    from offtarget.lens.sae.encode import SaeLens


Read = Callable[[PairSet, str, Reader, FeatureMatrix | None], FeatureMatrix]
"""Reads a set: its rows, what is after the lens's name and a colon, how the model reads, and an earlier reading whose fit
is to be used again."""


@dataclass(frozen=True)
class Lens:
    """One entry of the table of lenses."""

    summary: str
    reads_model: bool
    """Whether it needs a model's activations."""
    read: Read
    concepts: Callable[[str], list[str]] | None = None
    """Its concepts by what is after the colon, where they are the same for every set; else they come with the features."""
    learns: bool = False
    """Whether it is fitted to the rows it reads, so that a later audit must use its fit again."""
    of_text: bool = True
    """Whether it reads the texts, so that it can read new answers too."""
    check: Callable[[str], object] | None = None
    """Raises a `ConfigError` where what is after the colon cannot be, before any row is read."""
    kind: Kind = "plain"
    """What its columns are."""
    asks: bool = False
    """Whether reading asks a service, text by text, which may cost money."""
    shards: Callable[[PairSet, str, Reader], list[Shard]] | None = None
    """The shards that it reads a large set in; None where it reads all rows at once."""


def _rules(_: str) -> list[str]:
    from offtarget.lens import surface

    return [c.id for c in surface.COLUMNS]


def _directions(which: str) -> list[str]:
    return list(direction_examples([f"direction:{which}"]))


def _surface(pairs: PairSet, _which: str, reader: Reader, _fitted: FeatureMatrix | None) -> FeatureMatrix:
    from offtarget.lens.surface.encode import STAGE, VERSION, encode, in_shards, inputs_of, joined

    report = reader.step("surface features")
    parts = in_shards(pairs, reader)

    def build(out: Path) -> None:
        encode(pairs.pairs, report, rows=joined(parts, len(pairs)) if parts else None).save(out)
        if report:
            report(len(pairs), len(pairs))

    folder = reader.store.get(STAGE, VERSION, inputs_of(pairs), build)
    clear(reader.store, parts)
    return FeatureMatrix.load(folder)


def _surface_shards(pairs: PairSet, _which: str, reader: Reader) -> list[Shard]:
    from offtarget.lens.surface.encode import in_shards

    return in_shards(pairs, reader)


def _sae_shards(pairs: PairSet, which: str, reader: Reader) -> list[Shard]:
    return sae_lens(which, reader.ref).shards(pairs, reader)


def _sae(pairs: PairSet, which: str, reader: Reader, _fitted: FeatureMatrix | None) -> FeatureMatrix:
    return sae_lens(which, reader.ref).encode(pairs, reader)


def _direction(pairs: PairSet, which: str, reader: Reader, _fitted: FeatureMatrix | None) -> FeatureMatrix:
    from offtarget.lens.directions.encode import encode_directions
    from offtarget.lens.directions.examples import SHIPPED, read_concepts

    return encode_directions(pairs, read_concepts(which or SHIPPED), reader)


def _embedding(pairs: PairSet, which: str, reader: Reader, fitted: FeatureMatrix | None) -> FeatureMatrix:
    from offtarget.lens.embedding import encode_embedding

    return encode_embedding(pairs, reader, which or "sae", fitted)


def _columns(pairs: PairSet, which: str, _reader: Reader, fitted: FeatureMatrix | None) -> FeatureMatrix:
    from offtarget.lens.columns import encode

    return encode(pairs, which, fitted)


def _judge_options(which: str) -> "JudgeOptions":
    from offtarget.lens.judge.options import JudgeOptions

    return JudgeOptions.parse(which)


def _judge(pairs: PairSet, which: str, reader: Reader, fitted: FeatureMatrix | None) -> FeatureMatrix:
    from offtarget.lens.judge.encode import encode_judged

    return encode_judged(pairs, _judge_options(which), reader, fitted)


LENSES = {
    "surface": Lens(
        "rules on the text: lengths, markdown, emoji, hedges, refusals, ... (no model)",
        False,
        _surface,
        _rules,
        shards=_surface_shards,
    ),
    "sae": Lens(
        "latents of a sparse autoencoder on the model's activations (`sae:FOLDER` or `sae:RELEASE/ID` for another)",
        True,
        _sae,
        kind="latent",
        shards=_sae_shards,
    ),
    "direction": Lens(
        "directions in the model's activations from contrastive examples: refusal, flattery, ... "
        "(`direction:FILE_OR_FOLDER` for your own)",
        True,
        _direction,
        _directions,
    ),
    "embedding": Lens(
        "ways in which the two responses differ, learnt from the set by a signed SAE on embedding differences "
        "(`embedding:pca` for principal components)",
        True,
        _embedding,
        learns=True,
        kind="signed",
    ),
    "columns": Lens(
        "what the data says of each response beside its text, from columns such as chosen_score and rejected_score: "
        "scores, votes, writer, ... (no model; `columns:NAME,NAME` for some)",
        False,
        _columns,
        learns=True,
        of_text=False,
    ),
    "judge": Lens(
        "a language model that Inspect knows proposes concepts and says of each pair which response has more; it is sent "
        "text of the set (`judge:PROVIDER/MODEL,most=12,pairs=N,swapped=0.2,characters=2000`; `concepts=FILE` for your own)",
        False,
        _judge,
        learns=True,
        check=_judge_options,
        kind="signed",
        asks=True,
    ),
}


def lens_of(name: str) -> Lens:
    """The lens of a name such as `surface` or `sae:FOLDER`.

    Raises:
        ConfigError: there is none; names the nearest.
    """
    kind = LensName.parse(name).kind
    if kind not in LENSES:
        raise unknown_name("lens", name, LENSES)
    return LENSES[kind]


def split_lenses(text: str) -> list[str]:
    """Names of lenses from a list with commas, some of which are part of a name.

    `judge:openai/gpt-5-mini,most=8` is one lens, since a part `key=value` belongs to the lens before it; so is
    `columns:score,model`, up to the name of a lens.
    """
    names: list[str] = []
    for part in filter(None, map(str.strip, text.split(","))):
        takes = bool(names) and ":" in names[-1]
        option = re.match(r"[a-z_]+=", part) is not None
        if takes and (option or (kinds_of(names)[-1] == "columns" and LensName.parse(part).kind not in LENSES)):
            names[-1] += f",{part}"
        else:
            names.append(part)
    return names


def check_lenses(names: Sequence[str], where: str) -> None:
    """Refuse names of lenses that mean nothing together.

    Args:
        names: of lenses, each with what it takes after a colon.
        where: they were given, for the message.

    Raises:
        ConfigError: none is named, one is unknown or named twice, or what is after its colon cannot be.
    """
    if not names:
        raise ConfigError(f"{where} names no lens; there are: {', '.join(LENSES)}")
    kinds = kinds_of(name for name in names if lens_of(name))
    twice = [kind for k, kind in enumerate(kinds) if kind in kinds[:k]]
    if twice:
        raise ConfigError(f"{where} names lens '{twice[0]}' twice; one reading of a lens fits into an audit")
    for name in names:
        if (check := lens_of(name).check) is not None:
            check(LensName.parse(name).which)


def reads_model(lenses: Iterable[str]) -> bool:
    """Whether any of these lenses needs a model.

    Raises:
        ConfigError: an unknown lens.
    """
    return any([lens_of(name).reads_model for name in lenses])


def earlier_readings(audit: Path | None, lenses: Iterable[str]) -> list[FeatureMatrix]:
    """The readings in an audit's folder whose fit these lenses use again."""
    if audit is None:
        return []
    kinds = kinds_of(name for name in lenses if lens_of(name).learns)
    folders = [audit / "features" / kind for kind in kinds]
    return [FeatureMatrix.load(folder) for folder in folders if folder.is_dir()]


def features_of(
    pairs: PairSet, lenses: Sequence[str], reader: Reader, fitted: Iterable[FeatureMatrix] = ()
) -> list[FeatureMatrix]:
    """One matrix per lens, over exactly these pairs.

    Args:
        pairs: the rows.
        lenses: names as `offtarget list lenses` shows them, each with what it takes after a colon.
        reader: which model's activations are read and how, and where features are kept.
        fitted: earlier readings; a lens that is fitted to its rows uses the fit of its earlier reading again.

    Raises:
        ConfigError: an unknown lens, or one that does not fit the model.
        UndecidedError: too few examples or rows for a lens that is fitted.
    """
    earlier = {f.lens: f for f in fitted}
    out = []
    for name in lenses:
        lens, own = lens_of(name), LensName.parse(name)
        if lens.reads_model and reader.model is None:
            raise ConfigError(f"lens '{own.kind}' reads a model's activations: give --model")
        out.append(lens.read(pairs, own.which, reader.doing(f"{own.kind} features"), earlier.get(own.kind)))
    return out


def shards_of(pairs: PairSet, lenses: Sequence[str], reader: Reader) -> list[Shard]:
    """What workers can read of a set before the lenses do: the shards of each lens that reads large sets so.

    Args:
        pairs: the rows.
        lenses: names.
        reader: as for `features_of`.
    """
    out = []
    for name in lenses:
        lens, own = lens_of(name), LensName.parse(name)
        if lens.shards is not None:
            out += lens.shards(pairs, own.which, reader.doing(f"{own.kind} features"))
    return out


def check_concept(concept: str, lenses: Sequence[str], where: str, said: str) -> bool:
    """Whether a concept is known to exist before any row is read; latents and clusters come with the features.

    Args:
        concept: its id.
        lenses: that are read.
        where: it is named, for the message.
        said: what names the lenses.

    Raises:
        ConfigError: no such rule or direction, or its lens is not read.
    """
    kind, _ = concept_parts(concept)
    read = [(lens_of(name), LensName.parse(name).which) for name in lenses]
    if (own := LENSES.get(kind)) and own not in [lens for lens, _ in read]:
        raise ConfigError(
            f"{where}: concept '{concept}' needs lens '{kind}', but {said} is {', '.join(lenses)}; add it there"
        )
    if own and own.concepts is None:
        return False
    known = [c for lens, which in read if lens.concepts for c in lens.concepts(which)]
    if concept not in known:
        from offtarget.lens.surface import COLUMNS

        labels = {c.id: c.label for c in COLUMNS}
        raise unknown_name("concept", concept, known, hint=f"(in {where})", labels=labels)
    return True


def sae_lens(which: str, model: ModelRef) -> "SaeLens":
    """The autoencoder that the lens `sae:WHICH` reads with; without WHICH the one that ships for the model."""
    from offtarget.lens.sae.encode import load_sae, shipped_sae

    return load_sae(which or shipped_sae(model))


def direction_examples(lenses: Iterable[str]) -> dict[str, "ConceptExamples"]:
    """Concept id -> the contrastive examples behind it, of the direction lenses among these."""
    from offtarget.lens.directions.examples import SHIPPED, read_concepts

    return {
        f"direction:{c.concept}": c
        for name in map(LensName.parse, lenses)
        if name.kind == "direction"
        for c in read_concepts(name.which or SHIPPED)
    }
