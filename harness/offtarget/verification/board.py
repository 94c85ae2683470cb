"""The prediction board: on which sets did the data predict what training changed, and by which predictor."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pydantic import ValidationError

from offtarget.board.tables import Entry, Table, as_csv, as_json, as_markdown, ours, table
from offtarget.documents import read_json
from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.records import explain
from offtarget.registry import default
from offtarget.report.plots.canvas import standalone
from offtarget.verification.agreement import BANDS
from offtarget.verification.predictor_board import behaviour_table, cost_plot, predictor_tables, reached, validity_json
from offtarget.verification.records import FAMILIES, Control, Outcome, Verification

FILE = "verification.json"
FORMATS = ("md", "csv", "json", "svg", "validity")
LEADING = ("tilt", "disparity", "activation", "logit_linear", "length")
STATISTICS = ("sqrt_frequency", "value")
ALPHA = 0.05


def read_verifications(folder: Path) -> list[Verification]:
    """Every `verification.json` under a folder, by dataset.

    Raises:
        ConfigError: there is none, or one is damaged.
    """
    found = []
    for path in sorted(folder.rglob(FILE)):
        try:
            found.append(Verification.model_validate(read_json(path)))
        except ValidationError as e:
            raise ConfigError(f"{path}: no readable verification ({explain(e, Verification)})") from None
    if not found:
        raise ConfigError(
            f"{folder}: holds no {FILE}; make one with `offtarget verify RUN --summary {folder}/NAME/{FILE}`"
        )
    return sorted(found, key=lambda v: v.dataset)


ABOUT = (
    "One row for each set, family of concepts and predictor: how well the predicted shift of each concept (mean of "
    "chosen − rejected, or what the predictor makes of it) agrees, over concepts, with the observed one (mean of "
    "answers after − before DPO, on prompts that nothing was predicted from and nothing was trained on). *chance*: "
    "the 95th percentile of r² over 500 random swaps of chosen and rejected by prompt. *=len*: length removed row by "
    "row from both sides. *given length slopes*: instead, over concepts. *second seed*: correlation, at equal "
    "length, of the shifts of two training seeds, which no r² can be expected to exceed; *r² / second seed* is "
    "what would be left with a noiseless observation. Where most answers are cut at the token limit, growth of "
    "answers is hardly seen (second table). *worth n*: independent concepts that would give r its spread under swapped "
    "labels. *length*: each concept's regression on smooth functions of both lengths. *over length*: r² minus that of "
    "length, with its 95 % interval over prompts; swapped labels are no null for that question, so the rows of length "
    "have no chance and no p. *in errors*: r² at equal length in units of each "
    "concept's own error. *ranks*: rank correlation weighted by reliability. *by frequency*: r² among concepts that show in "
    "under 5 %, 5 to 20 %, over 20 % of responses. *surest*: in brackets what swapped labels give in nine cases of ten. A dash: "
    "the record was made before this was measured."
)
HEAD = (
    "set", "concepts", "statistic", "predictor", "n", "worth n", "r", "r²", "chance", "over length", "r =len", "r² =len",
    "chance", "p", "in errors", "ranks", "by frequency", "r² given length slopes", "surest, right sign", "second seed",
    "r² / second seed",
)  # fmt: skip
RUNS = ("set", "protocol", "pairs", "held-out prompts", "seeds", "characters", "cut at the limit", "key")
SHORT = ("set", "predictor", "n", "r²", "r, equal length", "r², equal length", "chance", "p", "second seed")
SHORT_ABOUT = (
    "How well the predicted shift of each of n concepts (mean of chosen − rejected, or what the predictor makes of it) "
    "agrees with the observed one (mean of answers after − before DPO, on prompts that nothing was predicted from and "
    "nothing was trained on). Equal length: length removed row by row from both sides. Chance: the 95th percentile of that "
    "r² over 500 random swaps of chosen and rejected by prompt; p by the same. Second seed: correlation of the shifts of "
    "two training seeds at equal length, which no r² can be expected to exceed. Length: what each concept's regression on "
    "both lengths predicts, for which there is no chance."
)
MORE = (
    "`--format csv` and `json` have more columns: raw r and its chance, what n is worth, r² beyond length, in errors, by ranks "
    "and by frequency, with length slopes in place of equal length, and the surest predictions."
)


def prediction_lead(found: Sequence[Verification]) -> str:
    """Which predictor agrees best at equal length, on how many sets and against what chance, in one sentence."""
    family = _main_family(found)
    best: dict[str, list[Control]] = {}
    held_against = {"length", *(e.name for e in default().entries("predictor") if e.card.get("control"))}
    for v in found:
        for o in _first(v, family):
            if o.predictor not in held_against and o.statistic in STATISTICS:
                best.setdefault(o.predictor, []).append(o.control)
    if not best:
        return "No predictor but length was tried."
    names = sorted(best, key=lambda name: -median(_r2(c) for c in best[name]))
    n, r2 = len(best[names[0]]), [_r2(c) for c in best[names[0]]]
    beyond = {name: sum(_beyond(c) for c in best[name]) for name in names}
    sets = f"{n} set{'s' if n > 1 else ''}"
    spread = f" over {sets} ({_range(r2)})" if n > 1 else ""
    where = f"over {FAMILIES.get(family, family)}, at equal length"
    if not any(beyond.values()):
        return (
            f"No predictor agrees with what training changed beyond chance on any of {sets} {where}; "
            f"`{names[0]}` comes nearest with {'a median ' if n > 1 else ''}r² {median(r2):.2f}{spread}."
        )
    chance = _range([c.by_row_null.q95_r2 for c in best[names[0]]])
    others = ", ".join(
        f"`{x}` {median(_r2(c) for c in best[x]):.2f} ({beyond[x]} of {len(best[x])})" for x in names[1:]
    )
    return (
        f"What `{names[0]}` predicts agrees best with what training changed, {where}: "
        f"{'median ' if n > 1 else ''}r² {median(r2):.2f}{spread}, where swapped labels reach {chance} in one case of twenty; "
        f"beyond chance (p < {ALPHA:g}) on {beyond[names[0]]} of {sets}{f'; then {others}' if others else ''}."
    )


def prediction_tables(found: Sequence[Verification]) -> list[Table]:
    """The board: one row for each set, family of concepts and predictor; and the runs."""
    rows = []
    for v in found:
        for family in dict.fromkeys(("clusters", "latents", *(o.family for o in v.outcomes))):
            rows += [_row(v, o) for o in _shown(v, family)]
    about = f"{prediction_lead(found)} {ABOUT}"
    by_cost = predictor_tables(found, _levels()) if any(v.costs for v in found) else []
    behaviours = behaviour_table(found)
    return [
        table("", HEAD, rows, about=about, words=HEAD[:4]),
        *by_cost,
        *((behaviours,) if behaviours else ()),
        _runs(found),
    ]


def _levels() -> dict[str, str]:
    """Predictor -> its level, of those that there are."""
    return {e.name: e.card["cost"] for e in default().entries("predictor")}


def _runs(found: Sequence[Verification]) -> Table:
    runs = [
        (
            v.dataset,
            v.protocol,
            f"{v.n_trained:,}",
            f"{v.n_prompts:,}",
            ", ".join(map(str, v.seeds)),
            f"{v.answers['characters_before']:.0f} → {v.answers['characters_after']:.0f}",
            f"{v.answers['cut_after']:.0%}",
            ours(f"`{v.key[:12]}`"),
        )
        for v in found
    ]
    return table("The runs", RUNS, runs, words=RUNS[:2])


def prediction_markdown(found: Sequence[Verification], command: str) -> str:
    """The board as Markdown: the figures that one needs first; the other columns are in the csv and json."""
    out = ["# Did the data predict what training changed?", "", f"**{prediction_lead(found)}**", ""]
    out += [f"Made by `{command}`; never edited. {MORE}", ""]
    if priced := [v for v in found if v.costs]:
        out += ["## Accuracy against cost", "", reached(priced, _main_family(priced)), ""]
        for one in predictor_tables(priced, _levels()):
            out += as_markdown(one)
        out += ["## Set by set", ""]
    out += [SHORT_ABOUT, ""]
    for family in sorted(_families(found), key=lambda f: f != _main_family(found)):
        rows = [_short(v, o) for v in found for o in _shown(v, family)]
        if rows:
            out += as_markdown(table(f"Over {FAMILIES.get(family, family)}", SHORT, rows, words=SHORT[:2]))
    behaviours = behaviour_table(found)
    if behaviours:
        out += as_markdown(behaviours)
    return "\n".join([*out, *as_markdown(_runs(found))])


def render_predictions(found: Sequence[Verification], form: str, command: str) -> str:
    """The board in one format: md, csv (without the table of the runs), json, svg (accuracy against cost), or validity.

    Raises:
        ConfigError: no such format.
        UndecidedError: svg of sets without a price or a ceiling.
    """
    if form == "md":
        return prediction_markdown(found, command)
    if form == "csv":
        return as_csv(prediction_tables(found)[0])
    if form == "json":
        return as_json(prediction_tables(found))
    if form == "svg":
        if not (plot := cost_plot(found, _main_family(found))):
            raise UndecidedError(
                "accuracy against cost needs verifications with two training seeds, made since predictors have a price: run "
                "`offtarget verify` again"
            )
        return standalone(plot)
    if form == "validity":
        return validity_json(found)
    raise unknown_name("format of the prediction board", form, FORMATS)


def _families(found: Sequence[Verification]) -> list[str]:
    return list(dict.fromkeys(("clusters", "latents", *(o.family for v in found for o in v.outcomes))))


def _main_family(found: Sequence[Verification]) -> str:
    """The family with the most concepts: over few, an r² says little."""
    sizes = {f: sum(o.control.n_concepts for v in found for o in _shown(v, f)) for f in _families(found)}
    return max(sizes, key=lambda f: sizes[f])


def _first(v: Verification, family: str) -> list[Outcome]:
    """Of the first training seed, predicted from the pairs that were trained on."""
    return [o for o in v.outcomes if o.family == family and o.seed == v.seeds[0] and o.rows == "trained"]


def _shown(v: Verification, family: str) -> list[Outcome]:
    """One outcome for each predictor, and the statistic of the paper beside them."""
    mine = _first(v, family)
    names = (*LEADING, *sorted({o.predictor for o in mine} - set(LEADING)))
    shown = [o for name in names for o in mine if o.predictor == name and o.statistic in STATISTICS]
    return shown + [o for o in mine if o.predictor == "disparity" and o.statistic == "presence"]


def _r2(c: Control) -> float:
    """At equal length; 0 where concepts moved against the prediction."""
    return c.by_row.r2 if c.by_row.r > 0 else 0.0


def _beyond(c: Control) -> bool:
    return c.by_row.r > 0 and c.by_row_null.p < ALPHA


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low} to {high}"


def _short(v: Verification, o: Outcome) -> tuple[str | Entry, ...]:
    """The columns of `SHORT`."""
    c, alone = o.control, o.predictor == "length"
    top = v.ceilings[f"{o.family}/{o.statistic}"].seeds_by_row
    figures = (
        o.predictor.replace("_", " ") + (", presence (the paper's)" if o.statistic == "presence" else ""),
        f"{c.n_concepts:,}",
        f"{c.raw.r2:.2f}",
        f"{c.by_row.r:+.2f}{_ci(c.by_row.ci_seeds)}",
        f"{c.by_row.r2:.2f}",
        "–" if alone else f"{c.by_row_null.q95_r2:.2f}",
        "–" if alone else f"{c.by_row_null.p:.3f}",
        "–" if top is None else f"{top:.2f}",
    )
    return v.dataset, *map(ours, figures)


def _row(v: Verification, o: Outcome) -> tuple[str | Entry, ...]:
    c = o.control
    top = v.ceilings[f"{o.family}/{o.statistic}"].seeds_by_row
    alone = o.predictor == "length"
    scale, over, surest = c.scale, c.over_length, c.surest
    bands = {b.up_to: f"{b.r2:.2f}" for b in scale.bands} if scale else {}
    figures = (
        o.family,
        o.statistic.replace("_", " "),
        o.predictor.replace("_", " "),
        f"{c.n_concepts:,}",
        "–" if scale is None else f"{scale.effective_n:.0f}",
        f"{c.raw.r:+.2f}",
        f"{c.raw.r2:.2f}",
        "–" if alone else f"{c.raw_null.q95_r2:.2f}",
        "–" if over is None else f"{over.difference:+.2f} [{over.ci[0]:+.2f}, {over.ci[1]:+.2f}]",
        f"{c.by_row.r:+.2f}{_ci(c.by_row.ci_seeds)}",
        f"{c.by_row.r2:.2f}",
        "–" if alone else f"{c.by_row_null.q95_r2:.2f}",
        "–" if alone else f"{c.by_row_null.p:.3f}",
        "–" if scale is None else f"{scale.r2_in_errors:.2f}",
        "–" if scale is None else f"{scale.weighted_spearman:+.2f}",
        " / ".join(bands.get(edge, "–") for edge in BANDS[1:]) if bands else "–",
        f"{c.by_concept.r2:.2f}",
        f"{surest.right:.0%} of {surest.n}"
        + ("" if surest.chance is None else f" [{surest.chance[0]:.0%}, {surest.chance[1]:.0%}]"),
        "–" if top is None else f"{top:.2f}",
        "–" if top is None or top <= 0 else f"{min(c.by_row.r2 / top, 9.99):.2f}",
    )
    return v.dataset, *map(ours, figures)


def _ci(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:+.2f}, {interval[1]:+.2f}]"
