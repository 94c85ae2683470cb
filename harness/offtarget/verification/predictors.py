"""Every predictor on every family of concepts, against what was observed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from offtarget.audit.concepts.contrast import contrasts, member_weights, response_values
from offtarget.audit.concepts.vocabulary import ConceptSpec
from offtarget.audit.statistics.length import Lengths
from offtarget.audit.statistics.means import Floats, Ints, group_codes
from offtarget.data.pairs import PairSet
from offtarget.engine.run import Run
from offtarget.errors import UndecidedError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.names import which_of
from offtarget.lens.table import sae_lens
from offtarget.verification import agreement
from offtarget.verification.agreement import Predictor
from offtarget.verification.contributions import STATISTICS, concept_differences, latent_specs, latent_values, spread
from offtarget.verification.records import Ceiling, Control, Outcome
from offtarget.verification.sums import GroupSums
from offtarget.verification.tilt import Tilt

SIDES: tuple[Literal["chosen", "rejected"], ...] = ("chosen", "rejected")
FEW_CONCEPTS = 80
FEWEST = 8
HEADLINE_STATISTIC = "sqrt_frequency"
"""Of the statistics the one that was predicted best on the set it was chosen on (alpaca_eval_gpt4_pairs)."""


@dataclass(frozen=True, eq=False)
class Side:
    """Rows on one side of the comparison: pairs of the data, or pairs of answers after and before."""

    pairs: PairSet
    features: tuple[FeatureMatrix, ...]
    codes: Ints
    basis: Floats
    """Odd functions of the two answers' lengths, `(n_rows, k)`; the first is the difference of log length."""

    @classmethod
    def of(cls, pairs: PairSet, features: Sequence[FeatureMatrix]) -> "Side":
        """Rows with their groups and lengths."""
        codes = group_codes([p.group for p in pairs.pairs])
        return cls(pairs, tuple(features), codes, Lengths.of(pairs.pairs).basis())

    def lens(self, name: str) -> FeatureMatrix:
        """The features of one lens."""
        return next(f for f in self.features if f.lens == name)

    def sums(self, values: NDArray[Any]) -> GroupSums:
        """Values of these rows, `(n_rows, n_concepts)`, summed by prompt."""
        return GroupSums.of(values, self.basis, self.codes)

    def tilt(self, chosen: NDArray[Any], rejected: NDArray[Any]) -> Tilt:
        """The tilt that these rows predict from values of both responses, each `(n_rows, n_latents)`."""
        return Tilt(chosen, rejected, self.basis, self.codes)


class Comparison:
    """All predictors on all families of concepts."""

    def __init__(self, run: Run, trained: Side, audited: Side, observed: Sequence[Side]) -> None:
        self.run, self.trained, self.audited, self.observed = run, trained, audited, observed
        self.outcomes: tuple[Outcome, ...] = ()
        self.ceilings: dict[str, Ceiling] = {}
        self.kept: dict[str, tuple[tuple[str, ...], Predictor, GroupSums]] = {}
        """By `family/statistic/predictor`: concept ids, the prediction, and the first seed's observation."""

    def all(self) -> "Comparison":
        """Every outcome, the headline first."""
        outcomes: list[Outcome] = []
        specs = self.run.audit_folder.vocabulary.concepts
        for part in self.trained.features:
            mine = [s for s in specs if s.lens == part.lens and not s.local]
            if part.kind == "latent":
                families = {
                    "latents": latent_specs(self.audited.lens(part.lens)),
                    "clusters": tuple(s for s in mine if s.kind == "cluster"),
                }
                for statistic in STATISTICS:
                    outcomes += self._latents(part, families, statistic)
            else:
                outcomes += self._plain(part.lens, mine)
        if not outcomes:
            raise UndecidedError(f"fewer than {FEWEST} concepts move in this set: nothing can be compared")
        self.outcomes = tuple(sorted(outcomes, key=_rank))
        return self

    def _plain(self, lens: str, specs: Sequence[ConceptSpec]) -> list[Outcome]:
        """Columns of a lens of values, in units of their spread over pairs."""
        sides = [self.trained, self.audited, *self.observed]
        u = [contrasts([s.lens(lens)], specs).u for s in sides]
        moving = np.flatnonzero(u[0].any(axis=0) & u[1].any(axis=0))
        if len(moving) < FEWEST:
            return []
        kept = [specs[int(j)] for j in moving]
        scale = spread(u[1][:, moving])
        scaled = [x[:, moving] / scale for x in u]
        values = [response_values([s.lens(lens)], kept) / scale for s in (self.trained, self.audited)]
        predictors: dict[tuple[str, Any], Predictor] = {
            ("tilt", "trained"): self.trained.tilt(*np.split(values[0], 2)),
            ("tilt", "audited"): self.audited.tilt(*np.split(values[1], 2)),
            ("disparity", "trained"): self.trained.sums(scaled[0]),
            ("disparity", "audited"): self.audited.sums(scaled[1]),
        }
        return self._outcomes(lens, "value", tuple(s.id for s in kept), predictors, scaled[2:])

    def _latents(
        self, part: FeatureMatrix, families: Mapping[str, Sequence[ConceptSpec]], statistic: str
    ) -> list[Outcome]:
        """One statistic on every family of concepts made of the latents of a lens; a tilt is fitted once for all."""
        sides = (self.trained, self.audited, *self.observed)
        fits = [
            side.tilt(*(latent_values(side.lens(part.lens), s, statistic).toarray() for s in SIDES))
            for side in sides[:2]
        ]
        out: list[Outcome] = []
        for family, specs in families.items():
            if len(specs) < FEWEST:
                continue
            member = member_weights(part, [s.members for s in specs])
            trained, audited, *seen = (concept_differences(side.lens(part.lens), specs, statistic) for side in sides)
            predictors: dict[tuple[str, Any], Predictor] = {
                ("tilt", "trained"): fits[0].of(member),
                ("tilt", "audited"): fits[1].of(member),
                ("disparity", "trained"): self.trained.sums(trained),
                ("disparity", "audited"): self.audited.sums(audited),
            }
            if statistic == HEADLINE_STATISTIC:
                predictors |= self._readouts(part.lens, member)
            shown = self._frequency(part, specs)
            out += self._outcomes(family, statistic, tuple(s.id for s in specs), predictors, seen, shown)
        return out

    def _frequency(self, part: FeatureMatrix, specs: Sequence[ConceptSpec]) -> Floats:
        """Share of the audited responses in which a concept fires, averaged over its latents."""
        of = self.audited.lens(part.lens)
        fired = sum(np.asarray((of.values[s, "freq"] > 0).sum(axis=0), np.float64).ravel() for s in SIDES)
        member = member_weights(part, [s.members for s in specs])
        return np.asarray(member.T @ (fired / (2 * len(of))), dtype=np.float64)

    def _readouts(self, lens: str, member: Any) -> dict[tuple[str, Any], Predictor]:
        """Predictors that need no firing of latents: activations before the SAE, and the logit-linear score."""
        from offtarget.lens.gradients import response_gradients
        from offtarget.lens.pooled import pooled_activations

        run = self.run
        which = which_of(run.recipe.audit.lens, "sae")
        if which is None or lens != "sae":
            return {}
        sae = sae_lens(which, run.model)

        reader = replace(run.reader, max_length=run.recipe.training.max_length)
        pooled = pooled_activations(reader, self.trained.pairs, sae.layer)
        slopes = response_gradients(reader, self.trained.pairs, sae.layer)
        encoder, decoder = sae.encoder @ member, sae.decoder @ member
        tokens = np.maximum(slopes.chosen_tokens + slopes.rejected_tokens, 1)[:, None]
        sums = self.trained.sums
        return {
            ("activation", "trained"): sums((pooled.chosen - pooled.rejected) @ encoder),
            ("logit_linear", "trained"): sums((slopes.chosen - slopes.rejected) @ decoder / tokens),
        }

    def _outcomes(
        self,
        family: str,
        statistic: str,
        names: tuple[str, ...],
        predictors: dict[tuple[str, Any], Predictor],
        observed: Sequence[NDArray[Any]],
        frequency: Floats | None = None,
    ) -> list[Outcome]:
        seen = [s.sums(y) for s, y in zip(self.observed, observed, strict=True)]
        audited = predictors["disparity", "audited"]
        assert isinstance(audited, GroupSums)
        sensitivity = audited.sensitivity()
        self.ceilings[f"{family}/{statistic}"] = _ceiling(seen, sensitivity)
        # what length alone says: each concept's regression on the basis of the two lengths, without its intercept
        trained = predictors["disparity", "trained"]
        assert isinstance(trained, GroupSums)
        alone = self.trained.sums(self.trained.basis @ trained.slopes())
        out = []
        for (name, rows), sums in {**predictors, ("length", "trained"): alone}.items():
            if rows == "trained":
                self.kept[f"{family}/{statistic}/{name}"] = (names, sums, seen[0])
            sides = [agreement.Compared(sums, y, sensitivity, frequency) for y in seen]
            controls = [agreement.compare(c, seed=s) for c, s in zip(sides, self.run.recipe.seeds, strict=True)]
            if name != "length" and rows == "trained":
                beside = [agreement.Compared(alone, y, sensitivity) for y in seen]
                controls = [
                    control.model_copy(update={"over_length": agreement.over_length(c, b, seed=s)})
                    for control, c, b, s in zip(controls, sides, beside, self.run.recipe.seeds, strict=True)
                ]
            for seed, control in zip(self.run.recipe.seeds, _with_seeds(controls), strict=True):
                out.append(
                    Outcome(family=family, predictor=name, statistic=statistic, rows=rows, seed=seed, control=control)
                )
        return out


def _rank(o: Outcome) -> tuple[int, bool, int, bool]:
    """The headline first: clusters where there are enough of them, else single latents; the tilt of sqrt frequency."""
    enough = o.control.n_concepts >= FEW_CONCEPTS
    family = {"clusters": 0 if enough else 2, "latents": 1}.get(o.family, 3)
    predictor = {"tilt": 0, "disparity": 1}.get(o.predictor, 2)
    return family, o.statistic != HEADLINE_STATISTIC, predictor, o.rows == "audited"


def _with_seeds(controls: Sequence[Control]) -> list[Control]:
    """The controls of one prediction against each seed, with intervals that hold the noise of seeds."""
    fits = {
        kind: agreement.with_seeds([getattr(c, kind) for c in controls]) for kind in ("raw", "by_row", "by_concept")
    }
    return [c.model_copy(update={kind: of[k] for kind, of in fits.items()}) for k, c in enumerate(controls)]


def _ceiling(seen: Sequence[GroupSums], sensitivity: Floats) -> Ceiling:
    def over_seeds(kind: str) -> float | None:
        found = [agreement.ceiling(a, b, sensitivity, kind) for i, a in enumerate(seen) for b in seen[i + 1 :]]
        return float(np.mean(found)) if found else None

    return Ceiling(
        seeds_raw=over_seeds("raw"),
        seeds_by_row=over_seeds("by_row"),
        halves_raw=agreement.halves(seen[0], sensitivity, "raw", seed=0),
        halves_by_row=agreement.halves(seen[0], sensitivity, "by_row", seed=0),
    )
