"""Features of a set by lens name, from the store or computed now."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, unknown_name
from offtarget.lens.features import FILE_VERSION, FeatureMatrix
from offtarget.models import ModelRef
from offtarget.store import Store

if TYPE_CHECKING:
    from offtarget.lens.sae import SaeLens

LENSES = {
    "surface": "rules on the text: lengths, markdown, emoji, hedges, refusals, ... (no model)",
    "sae": "latents of a sparse autoencoder on the model's activations (`sae:FOLDER` or `sae:RELEASE/ID` for another)",
}

Progress = Callable[[str, int, int], None]


def features_of(
    pairs: PairSet,
    lenses: Sequence[str],
    *,
    model: ModelRef | None,
    store: Store,
    max_length: int = 512,
    template: str | None = None,
    progress: Progress | None = None,
) -> list[FeatureMatrix]:
    """One matrix per lens, over exactly these pairs.

    Args:
        pairs: the rows.
        lenses: "surface", "sae", "sae:FOLDER" or "sae:RELEASE/ID".
        model: which model's activations the sae lens reads.
        store: where features are kept.
        max_length: tokens of prompt and answer that the sae lens reads.
        template: chat template file for models without one.
        progress: called with (what, done, total).

    Raises:
        ConfigError: an unknown lens, or one that does not fit the model.
    """
    out = []
    for lens in lenses:
        name, _, which = lens.partition(":")
        if name not in LENSES:
            raise unknown_name("lens", lens, LENSES)
        if name == "surface":
            out.append(_surface(pairs, store, progress))
        else:
            if model is None:
                raise ConfigError("lens 'sae' reads a model's activations: give --model")
            out.append(_sae(pairs, which, model, store, max_length, template, progress))
    return out


def _surface(pairs: PairSet, store: Store, progress: Progress | None) -> FeatureMatrix:
    from offtarget.lens import surface

    def build(out: Path) -> None:
        report = (lambda done, total: progress("surface features", done, total)) if progress else None
        surface.encode(pairs.pairs, report).save(out)
        if report:
            report(len(pairs), len(pairs))

    folder = store.get("surface", surface.VERSION, {"rows": pairs.rows_sha256, "format": FILE_VERSION}, build)
    return FeatureMatrix.load(folder)


def _sae(
    pairs: PairSet,
    which: str,
    model: ModelRef,
    store: Store,
    max_length: int,
    template: str | None,
    progress: Progress | None,
) -> FeatureMatrix:
    lens = sae_lens(which, model)
    report = (lambda done, total: progress("sae features", done, total)) if progress else None
    return lens.encode(pairs, model, max_length=max_length, store=store, template=template, progress=report)


def sae_lens(which: str, model: ModelRef) -> "SaeLens":
    """The autoencoder that the lens `sae:WHICH` reads with; without WHICH the one that ships for the model."""
    from offtarget.lens.sae import load_sae, shipped_sae

    return load_sae(which or shipped_sae(model))
