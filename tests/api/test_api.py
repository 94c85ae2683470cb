"""The Python API on sixty rows of which it is known what chosen has more of."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

import offtarget
from offtarget.errors import ConfigError, DataError

N, CHOSEN, REJECTED = 60, 42, 12
"""Rows, and of these the ones whose chosen and whose rejected answer is in bold: 0.7 and 0.2, so an effect of 0.5."""
WORDS = ["river", "stone", "cloud", "forest", "harbour", "meadow", "island", "valley", "desert", "canyon"]


def texts(n: int = N) -> list[dict[str, Any]]:
    out = []
    for i in range(n):
        a, b = WORDS[i % 10], WORDS[(i // 10 + i) % 10]
        chosen, rejected = f"The {a} lies behind the {b} today", f"Some {b} is close to that {a} again"
        out.append(
            {
                "prompt": f"Where is the {a} of number {i}?",
                "chosen": chosen.replace(a, f"**{a}**", 1) if i < CHOSEN else chosen,
                "rejected": rejected.replace(b, f"**{b}**", 1) if i % 5 == 0 else rejected,
                "id": f"row{i}",
            }
        )
    return out


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFTARGET_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def audited(home: Any) -> Any:
    pairs = offtarget.load_pairs(texts(), name="<script>alert(1)</script>")
    return offtarget.audit(pairs, lens="surface")


def test_rows_in_memory_are_the_rows_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in texts()))
    same = offtarget.load_pairs(path).rows_sha256
    frame = pd.DataFrame(texts())
    for data in (str(path), texts(), frame, frame.set_index("id", drop=False), Dataset.from_list(texts())):
        found = offtarget.load_pairs(data)
        assert (found.rows_sha256, len(found)) == (same, N)
    assert len(offtarget.load_pairs(texts(), limit=10)) == 10


def test_missing_cells_of_a_frame_are_missing_and_numbers_are_python() -> None:
    frame = pd.DataFrame(texts(40))
    frame["score"] = np.arange(40.0)
    frame.loc[3, "score"] = np.nan
    pairs = offtarget.load_pairs(frame)
    assert pairs.pairs[3].meta.get("score") is None
    assert [type(p.meta["score"]) for p in pairs.pairs[:2]] == [float, float]
    frame.loc[5, "chosen"] = None
    with pytest.raises(DataError, match="row 6"):
        offtarget.load_pairs(frame)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (DatasetDict({"train": Dataset.from_list(texts(3)), "test": Dataset.from_list(texts(3))}), "train, test"),
        (42, "rows of type int cannot be read"),
        ([1, 2], "rows of type list cannot be read"),
        ("no-such-set", "unknown dataset 'no-such-set'"),
    ],
)
def test_what_is_no_dataset_is_said_in_one_line(data: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        offtarget.load_pairs(data)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_findings_have_the_known_effect_with_its_side_and_rows(audited: Any) -> None:
    everything = audited.findings(everything=True)
    assert {*audited.findings().hypothesis} == {*everything[everything.q < 0.05].hypothesis}
    bold = audited.findings().set_index("concept").loc["surface:bold"]
    assert bold.effect == pytest.approx(0.5)
    assert (bold.side, bold.view, bold.context, bold.n, bold.unit) == ("chosen", "overall", None, N, "share of rows")
    u = np.array([(i < CHOSEN) * 1.0 - (i % 5 == 0) for i in range(N)])
    assert bold.d == pytest.approx(u.mean() / u.std(ddof=1), rel=0.01)
    assert bold.ci_low < 0.5 < bold.ci_high and bold.q < 0.05
    assert "70.0" in bold.statement and "20.0" in bold.statement
    more = audited.rows("surface:bold", "chosen")
    assert {*more.id} == {f"row{i}" for i in range(CHOSEN) if i % 5}
    assert {*audited.rows("surface:bold", "rejected").id} == {f"row{i}" for i in range(CHOSEN, N) if i % 5 == 0}


def test_the_notebook_view_holds_the_statements_and_is_escaped_and_whole(audited: Any) -> None:
    page = audited._repr_html_()
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page
    assert "http" not in page and "src=" not in page
    assert "bold" in page and "+50.0" in page
    assert repr(audited).startswith("<audit of <script>") and f"{N} pairs" in repr(audited)


def test_the_plot_is_a_figure_of_the_effects_and_leaves_matplotlib_as_it_was(audited: Any, tmp_path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.colors import to_hex
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 23.0, "axes.grid": False}):
        figure = audited.plot()
        assert (mpl.rcParams["font.size"], mpl.rcParams["axes.grid"]) == (23.0, False)
    assert isinstance(figure, Figure)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert any("bold" in label for label in labels)
    css = (Path(offtarget.__file__).parent / "report" / "templates" / "page.css").read_text()
    light = dict(re.findall(r"--(\w+): (#\w{6})", css[: css.index("@media")]))
    lines = figure.axes[0].lines
    drawn = {to_hex(line.get_color()) for line in lines if line.get_linestyle() != "None"}
    drawn |= {to_hex(line.get_markeredgecolor()) for line in lines if line.get_marker() not in ("None", "", None)}
    assert light["up"] in drawn and drawn <= {*light.values()}
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_the_folder_is_that_of_the_command_and_goes_with_the_result(home: Any, audited: Any, tmp_path: Path) -> None:
    assert audited.report.is_file() and audited.folder.features("surface").pair_ids[0] == "row0"
    with pytest.raises(ConfigError, match="unknown lens 'sae'"):
        audited.folder.features("sae")
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in texts()))
    kept = offtarget.audit(offtarget.load_pairs(path), out=tmp_path / "audit")
    reading = kept.record.reading
    assert reading.data == str(path) and reading.lens == ("surface",), "commands can go on from it"
    assert audited.record.reading is None, "rows in memory have no name to read them by"
    assert kept.record.dataset.name == "mine"
    assert kept.record.vocabulary == audited.record.vocabulary


def test_rows_of_an_audit_that_another_one_replaced_are_refused_in_one_line(home: Any, tmp_path: Path) -> None:
    """Both audits have the same concepts and contexts; only their rows differ."""
    swapped = [{**row, "chosen": row["rejected"], "rejected": row["chosen"]} for row in texts()]
    first = offtarget.audit(offtarget.load_pairs(texts(), name="first"), out=tmp_path / "audit")
    again = offtarget.audit(offtarget.load_pairs(texts(), name="first"), out=tmp_path / "audit")
    assert {*first.rows("surface:bold", "chosen").id} == {f"row{i}" for i in range(CHOSEN) if i % 5}, "the same audit"
    second = offtarget.audit(offtarget.load_pairs(swapped, name="second"), out=tmp_path / "audit")
    assert {*second.rows("surface:bold", "rejected").id} == {f"row{i}" for i in range(CHOSEN) if i % 5}
    for ask in (
        lambda: again.rows("surface:bold", "chosen"),
        lambda: again.folder.vocabulary,
        lambda: again.folder.features("surface"),
    ):
        with pytest.raises(ConfigError, match=r"holds another audit by now \(of second; .* is of first") as error:
            ask()
        assert "\n" not in str(error.value)


def test_a_template_is_a_verdicts_file_of_the_findings(audited: Any, tmp_path: Path) -> None:
    from offtarget import verdicts

    text = audited.verdicts_template(tmp_path / "verdicts.yaml")
    found = verdicts.read(tmp_path / "verdicts.yaml", audited.record)
    assert text == (tmp_path / "verdicts.yaml").read_text()
    assert {v.concept for v in found.verdicts} == {*audited.findings().concept}
    assert {v.decision for v in found.verdicts} == {"undecided"}


def test_a_plan_drops_the_rows_that_teach_the_concept(audited: Any) -> None:
    data = Dataset.from_list(texts())
    plan = offtarget.plan(audited, "filter", concept="surface:bold", strength=-0.25)
    gone = {plan.plan.pair_ids[i] for i in np.flatnonzero(~plan.kept)}
    assert len(gone) == 15 and gone <= {f"row{i}" for i in range(CHOSEN) if i % 5}
    assert plan.summary()["left_out"] == 15
    shaped = plan.apply(data)
    assert shaped["id"] == [f"row{i}" for i in range(N) if f"row{i}" not in gone]
    by_id = {row["id"]: row for row in texts()}
    assert all(row["chosen"] == by_id[row["id"]]["chosen"] for row in shaped), "texts stay texts"
    assert plan.apply()[0]["prompt"] == [{"role": "user", "content": by_id[shaped[0]["id"]]["prompt"]}]
    assert plan.frame().kept.sum() == N - 15


def test_flipped_rows_change_places_with_their_offsets(audited: Any) -> None:
    flip = offtarget.plan(audited, "label_flip", concept="surface:bold", strength=-0.1)
    assert flip.flipped.sum() == 6
    by_id = {row["id"]: row for row in texts()}
    shaped = {row["id"]: row for row in flip.apply(Dataset.from_list(texts()))}
    for i in np.flatnonzero(flip.flipped):
        row = by_id[f"row{i}"]
        assert (shaped[row["id"]]["chosen"], shaped[row["id"]]["rejected"]) == (row["rejected"], row["chosen"])


def test_offsets_are_those_of_the_scores(audited: Any) -> None:
    """o = −γ s with γ = −2: an answer in bold has the larger score, so the larger offset."""
    plan = offtarget.plan(audited, "reward_shaping", concept="surface:bold", strength=-2)
    bold = np.array([[i < CHOSEN, i % 5 == 0] for i in range(N)])
    assert plan.offsets.shape == (N, 2) and (plan.weights == 1).all() and plan.kept.all()
    z = (1.0 - bold.mean()) / bold.std(), (0.0 - bold.mean()) / bold.std()
    np.testing.assert_allclose(plan.offsets, np.where(bold, 2 * z[0], 2 * z[1]), rtol=1e-6)
    shaped = plan.apply()
    np.testing.assert_allclose(shaped["offset_chosen"], plan.offsets[:, 0])


def test_another_dataset_is_refused_in_one_line(audited: Any) -> None:
    plan = offtarget.plan(audited, "reward_shaping", concept="surface:bold", strength=-2)
    changed = texts()
    changed[7]["chosen"] += " indeed"
    for data in (texts(59), changed, texts()[::-1]):
        with pytest.raises(ConfigError, match="not the dataset that was planned on") as error:
            plan.apply(Dataset.from_list(data))
        assert "\n" not in str(error.value)


def test_what_no_dataset_can_hold_is_refused(audited: Any) -> None:
    plan = offtarget.plan(audited, "token_filter", concept="surface:bold", strength=-1)
    with pytest.raises(ConfigError, match="masks words, which plain rows cannot hold: train with ShapedDPOTrainer"):
        plan.apply()
    soft = offtarget.plan(audited, "token_reweight", concept="surface:bold", strength=-1)
    assert soft.summary()["token_weighted"] == int(soft.plan.touched.sum()) > 0
    with pytest.raises(
        ConfigError, match="weights of single words, which plain rows cannot hold: train with ShapedDPO"
    ):
        soft.apply()


def test_verdicts_decide_a_plan_as_a_concept_does(audited: Any, tmp_path: Path) -> None:
    (tmp_path / "verdicts.yaml").write_text(
        f"schema_version: 1\nvocabulary: {audited.record.vocabulary}\nverdicts:\n"
        "  - {concept: 'surface:bold', decision: suppress, by: me, date: 2026-01-31}\n"
    )
    decided = offtarget.plan(audited, "reward_shaping", verdicts=tmp_path / "verdicts.yaml", strength=2)
    named = offtarget.plan(audited.pairs, "reward_shaping", concept="surface:bold", strength=-2)
    np.testing.assert_allclose(decided.offsets, named.offsets)
    for wrong in ({}, {"concept": "surface:bold", "verdicts": tmp_path / "verdicts.yaml"}):
        with pytest.raises(ConfigError, match="concept= or verdicts="):
            offtarget.plan(audited, "reward_shaping", strength=2, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="surface:bold"):
        offtarget.plan(audited, "reward_shaping", concept="surface:bolt", strength=2)


def test_no_behaviours_are_the_panel_and_all_are_those_that_need_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("offtarget.evals.run.evaluate", lambda model, names, **_: asked.append(names) or {})
    offtarget.evaluate("smollm2-135m")
    assert asked[0] == ["over_stylization", "verbosity", "sycophancy", "capability"]
    offtarget.evaluate("smollm2-135m", "all")
    tasks = {p.stem for p in (Path(__file__).resolve().parents[2] / "tasks").glob("*.py")}
    assert set(asked[1]) == tasks - {"rule", "planted", "judged"}


def test_topics_are_not_chosen_where_those_of_another_audit_are_used(audited: Any) -> None:
    with pytest.raises(ConfigError, match="topics: with like= rows are placed among the topics of that audit") as error:
        offtarget.audit(audited.pairs, like=audited, topics="words")
    assert "\n" not in str(error.value)
    with pytest.raises(ConfigError, match="unknown topics 'word': did you mean words"):
        offtarget.audit(audited.pairs, topics="word")  # type: ignore[arg-type]


def test_a_chat_template_reaches_the_reader(
    home: Any, audited: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, broken = tmp_path / "good.jinja", tmp_path / "broken.jinja"
    good.write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    broken.write_text("{% for m in messages %}\n{{ m.content")
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in texts()))
    found = offtarget.audit(path, template=good, out=tmp_path / "audit")
    assert found.record.reading is not None and found.record.reading.template == str(good)
    seen: list[str | None] = []
    ground = offtarget.plan.__wrapped__.__globals__["ground"]
    monkeypatch.setitem(
        offtarget.plan.__wrapped__.__globals__, "ground", lambda *a, **k: seen.append(a[2].template) or ground(*a, **k)
    )
    options: dict[str, Any] = {"concept": "surface:bold", "strength": -0.25}
    offtarget.plan(audited.pairs, "filter", template=good, **options)
    offtarget.plan(found, "filter", **options)
    assert seen == [str(good), str(good)], "given, and as audited"
    for ask in (lambda: offtarget.audit(audited.pairs, template=broken),
                lambda: offtarget.plan(audited.pairs, "filter", template=broken, **options)):  # fmt: skip
        with pytest.raises(ConfigError, match=r"chat template .*broken\.jinja, line 2"):
            ask()


def test_cells_of_several_folders_are_on_one_board() -> None:
    cells = Path(__file__).resolve().parents[2] / "results" / "cells" / "planted-style"
    apart = offtarget.board(cells / "start", cells / "dpo")
    assert {r.protocol for b in apart.boards for r in b.rows} == {"start", "dpo"}
    with pytest.raises(ConfigError, match="holds no cells"):
        offtarget.board()
