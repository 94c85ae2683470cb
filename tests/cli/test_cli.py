"""The command line's contract: exit codes, one readable line, no heavy imports."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from offtarget.cli.main import call, hoist

GOOD = [
    {"prompt": f"Question {i}?", "chosen": f"A **bold** answer {i}.", "rejected": f"A plain answer {i}."}
    for i in range(40)
]


def write(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = call(list(argv))
    return code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def own_store(store_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from offtarget import registry

    monkeypatch.setattr(registry, "_default", None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["audit", "planted-styel"], "did you mean planted-style"),
        (["audit", "nowhere.jsonl"], "nowhere.jsonl"),
        (["audit", "good.jsonl", "--topics", "word"], "did you mean words"),
        (["audit", "good.jsonl", "--label-model", "openai/any"], "add --lens surface,sae"),
        (["verify", "nowhere"], "not a run"),
        (["show", "verbosty"], "did you mean verbosity"),
        (["bench-audits", "plantd"], "did you mean planted"),
        (["bench-audits", "quick", "--set", "methods=[overal]"], "did you mean overall"),
        (["bench-audits", "quick", "--set", "power.draw=2"], "did you mean power.draws"),
        (["bench-audits", "quick", "--out", "good.jsonl"], "a file of that name is in the way"),
        (["plan", "good.jsonl", "--protocol", "reward_shapin"], "did you mean reward_shaping"),
        (["plan", "good.jsonl", "--protocol", "filter"], "-P concept=ID"),
        (["plan", "good.jsonl", "--protocol", "filter", "-P", "concept=surface:bolt"], "did you mean surface:bold"),
        (
            ["plan", "good.jsonl", "--protocol", "filter", "-P", "concept=sae:12"],
            "needs lens 'sae', but --lens is surface",
        ),
        (
            ["plan", "good.jsonl", "--lens", "direction", "--protocol", "filter", "-P", "concept=direction:refusall"],
            "did you mean direction:refusal",
        ),
        (
            ["plan", "good.jsonl", "--protocol", "filter", "-P", "concept=surface:bold", "-P", "strenght=1"],
            "did you mean strength",
        ),
        (
            ["plan", "good.jsonl", "--protocol", "filter", "-P", "concept=surface:bold", "-P", "strength=nan"],
            "not a finite number",
        ),
        (
            ["plan", "good.jsonl", "--protocol", "reward_shaping", "-P", "concept=surface:bold", "-P", "strength=0"],
            "changes nothing",
        ),
        (["plan", "good.jsonl", "--protocol", "dpo", "--verdicts", "wrong.yaml"], "has an unknown key 'strenth'"),
        (["audit", "good.jsonl", "--lens", "surfac"], "did you mean surface"),
        (["audit", "good.jsonl", "--lens", "sae", "--model", "smolm2-135m"], "did you mean smollm2-135m"),
        (["audit", "good.jsonl", "--columns", "chosen=best"], "best"),
        (["eval", "smollm2-135m", "--behaviours", "verbositi"], "did you mean verbosity"),
        (["audit", "empty.jsonl"], "empty"),
        (["audit", "broken.jsonl"], "line 2"),
        (["audit", "null.jsonl"], "rejected"),
        (["audit", "number.jsonl"], "chosen"),
        (["audit", "assistant.jsonl"], "assistant.jsonl"),
        (["run", "bad.yaml"], "did you mean"),
        (["run", "parameter.yaml"], "did you mean strength"),
        (["run", "demo", "--set", "audit.lens=[surface, directoin]"], "did you mean direction"),
        (["run", "undecided.yaml", "--out", "store/out"], "verdict"),
        (["run", "demo", "--set", "training.max_stepz=3"], "did you mean training.max_steps"),
        (["board", "nothing-here"], "does not exist"),
        (["compare", "good.jsonl", "good.jsonl"], "good.jsonl: not JSON"),
        (["nonsense"], "nonsense"),
        (["--registry", "nowhere", "list"], "there is no such folder"),
        (["plan", "good.jsonl", "--protocol", "dpo", "--registry", "clash"], "already defined"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str], tiny_model: Path
) -> None:
    write(Path("good.jsonl"), list(GOOD))
    Path("empty.jsonl").write_text("")
    Path("broken.jsonl").write_text(json.dumps(GOOD[0]) + "\n{not json\n")
    write(Path("null.jsonl"), [{**GOOD[0], "rejected": None}])
    write(Path("number.jsonl"), [{**GOOD[0], "chosen": 5}])
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
    write(Path("assistant.jsonl"), [{**GOOD[0], "prompt": turns}])
    Path("wrong.yaml").write_text(
        "schema_version: 1\nvocabulary: x\nverdicts:\n  - {concept: a, decision: allow, strenth: 2, by: me, date: 2026-01-01}\n"
    )
    Path("bad.yaml").write_text(
        "title: x\ndata: good.jsonl\nprotocolls: [dpo]\nprotocols: [dpo]\nbehaviours: [verbosity]\n"
    )
    Path("parameter.yaml").write_text(
        "title: x\ndata: good.jsonl\nprotocols: [{filter: {strenght: 0.2}}]\nbehaviours: [verbosity]\n"
    )
    Path("undecided.yaml").write_text(
        f"title: x\ndata: good.jsonl\nmodel: {tiny_model}\nprotocols: [filter]\nbehaviours: [verbosity]\n"
    )
    clash = Path("clash/baselines")
    clash.mkdir(parents=True)
    (clash / "mine.py").write_text("@protocol(name='dpo', family='data', source='x')\ndef mine(ctx): ...\n")
    before = {p for p in Path().rglob("*") if "store" not in p.parts}
    code, err = run(capsys, *argv)
    errors = [line for line in err.splitlines() if line.startswith("offtarget: ")]
    assert (code, len(errors)) == (2, 1), err
    assert err.endswith(errors[0] + "\n") and says in errors[0]
    assert "Traceback" not in err
    assert {p for p in Path().rglob("*") if "store" not in p.parts} == before, "something was left half-written"


def test_too_few_rows_and_equal_pairs_are_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    code, err = run(capsys, "audit", str(write(Path("few.jsonl"), list(GOOD[:5]))))
    assert code == 3 and "30" in err
    same = [{**r, "rejected": r["chosen"]} for r in GOOD]
    code, err = run(capsys, "audit", str(write(Path("same.jsonl"), list(same))))
    assert code == 3 and "identical" in err


def test_lenses_on_a_model_by_exit_code(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("good.jsonl"), list(GOOD))
    example = "  - {prompt: p%d, positive: surely yes %d, negative: never no %d}\n"
    for name, n in (("few", 4), ("mine", 10)):
        lines = "".join(example % (i, i, i) for i in range(n))
        Path(f"{name}.yaml").write_text(f"concept: {name}\nlabel: assent\nexamples:\n{lines}")
    for lens, code, says in (
        ("direction:nowhere", 2, "no such file"),
        ("direction:few.yaml", 3, "only 4 positive answers"),
        ("embedding", 3, "at least 64"),
        ("embedding:pcaa", 2, "did you mean pca"),
        ("direction:mine.yaml", 0, ""),
    ):
        got, err = run(capsys, "audit", "good.jsonl", "--lens", lens, "--model", str(tiny_model))
        errors = [line for line in err.splitlines() if line.startswith("offtarget: ")]
        assert (got, len(errors)) == (code, int(code > 0)), err
        assert says in "".join(errors) and "Traceback" not in err


def test_an_audit_of_a_file_finds_what_was_put_there(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("good.jsonl"), list(GOOD))
    assert call(["audit", "good.jsonl", "--out", "a", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    found = {h["concept"]: h for h in out["findings"]}
    assert found["surface:bold"]["direction"] == "chosen"
    assert found["surface:bold"]["effect"] == 1.0
    assert Path("a/report.html").stat().st_size > 10_000
    assert call(["audit", "good.jsonl", "--out", "a"]) == 0
    said = capsys.readouterr().out
    assert "+ Bold text: in 100.0 % of chosen, 0.0 % of rejected responses. [d > +100]" in said
    assert out["statements"][0]["text"].replace("\u202f", " ") in said
    assert "any markdown heading, list or bold" in out["statements"][0]["along"]
    assert call(["why", "a", json.loads(Path("a/audit.json").read_text())["hypotheses"][0]["rows"][0], "--json"]) == 0
    assert any(c["concept"] == "surface:bold" and c["share"] == 1 / 40 for c in json.loads(capsys.readouterr().out))


def test_a_plan_shows_what_a_filter_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        r if i % 2 else {**r, "chosen": r["rejected"] + " Yes.", "rejected": r["chosen"]} for i, r in enumerate(GOOD)
    ]
    write(Path("half.jsonl"), list(rows))
    argv = ["plan", "half.jsonl", "--protocol", "filter", "-P", "concept=surface:bold", "-P", "strength=0.2", "--json"]
    assert call(argv) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["pairs"], plan["left_out"], plan["touched"]) == (40, 8, 8)
    # the 32 rows that are left are seen 40/32 as often in as many steps
    assert plan["start_weight"]["mean"] == 1 and plan["start_weight"]["median"] == 40 / 32
    assert call(argv) == 0
    assert json.loads(capsys.readouterr().out)["hash"] == plan["hash"]


def test_behaviours_are_listed_with_how_well_their_rule_finds_what_it_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from offtarget.lens.surface.quality import stated

    assert call(["list", "behaviours", "--json"]) == 0
    found = {e["name"]: e["summary"] for e in json.loads(capsys.readouterr().out)["behaviours"]}
    assert found["over_refusal"].endswith(f"({stated('refusal')})")
    assert "labelled" not in found["verbosity"]
    assert call(["show", "refusal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"] == {"refusal": stated("refusal")}


def test_a_broken_file_is_named_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Path("mine/baselines")
    mine.mkdir(parents=True)
    (mine / "broken.py").write_text("def broken(:\n")
    (mine / "fine.py").write_text("@protocol(name='fine', family='data', source='x')\ndef fine(ctx):\n    'Works.'\n")
    assert call(["list", "protocols", "--registry", "mine", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert {"fine", "dpo", "reward_shaping"} <= {e["name"] for e in out["protocols"]}
    assert len(out["problems"]) == 1 and "broken.py, line 1" in out["problems"][0]


def test_a_read_only_folder_is_said_plainly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from offtarget import store

    def full(*a: object, **k: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")

    monkeypatch.setattr(store.tempfile, "mkdtemp", full)
    code, err = run(capsys, "audit", str(write(Path("good.jsonl"), list(GOOD))), "--out", "a")
    assert code == 2 and "the disk is full" in err and not Path("a").exists()
    assert "audit:" not in err  # said before any work


def test_an_interrupt_is_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from offtarget.engine import auditing

    def stop(*a: object, **k: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(auditing, "run_audit", stop)
    code, err = run(capsys, "audit", str(write(Path("good.jsonl"), list(GOOD))), "--out", "a")
    assert code == 130 and "goes on from there" in err and not Path("a").exists()


def test_options_of_every_verb_may_stand_anywhere() -> None:
    assert hoist(["list", "--registry", "x", "datasets", "--threads=2"]) == [
        "--registry",
        "x",
        "--threads=2",
        "list",
        "datasets",
    ]


@pytest.mark.parametrize("argv", [["--help"], ["list"], ["run", "--help"], ["audit", "--help"]])
def test_help_and_list_import_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys\nfrom offtarget.cli.main import call\n"
        f"call({argv!r})\n"
        "heavy = {'torch', 'transformers', 'inspect_ai', 'sae_lens', 'trl', 'datasets', 'pandas', 'scipy', 'sklearn'}\n"
        "sys.stderr.write(','.join(sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len(done.stdout) > 200


@pytest.mark.parametrize(
    "argv",
    [
        ["plan", "good.jsonl", "--protocol", "random_filter", "-P", "concept=surface:bold", "--seed", "-1"],
        ["audit", "good.jsonl", "--seed", "4294967296"],
        ["run", "seeds.yaml", "--seeds", "-1"],
    ],
)
def test_a_seed_that_not_every_library_takes_is_refused(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    write(Path("good.jsonl"), list(GOOD))
    Path("seeds.yaml").write_text("title: x\ndata: good.jsonl\nprotocols: [dpo]\nbehaviours: [verbosity]\n")
    code, err = run(capsys, *argv)
    assert code == 2 and len(err.strip().splitlines()) == 1 and "seed" in err


def test_a_disk_that_fills_up_while_weights_are_written_is_said_plainly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safetensors and torch raise errors of their own there, not OSError."""
    from safetensors import SafetensorError

    from offtarget.engine import auditing

    def full(*a: object, **k: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(auditing, "run_audit", full)
    code, err = run(capsys, "audit", str(write(Path("good.jsonl"), list(GOOD))), "--out", "a")
    assert code == 2 and err.strip().splitlines()[-1].startswith("offtarget: cannot write: the disk is full")


def test_runs_that_were_sampled_differently_are_compared_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.evals.scoring import make_score

    score = make_score(
        {"a": 0.0, "b": 1.0}, behaviour="verbosity", task_version="1-A", direction="lower", role="off-target"
    ).model_dump(mode="json")
    for name, most in (("a", 64), ("b", 128)):
        Path(name).mkdir()
        body = {"evaluation": {"max_tokens": most, "seed": 0}, "model": "m", "behaviours": {"verbosity": score}}
        (Path(name) / "scores.json").write_text(json.dumps(body))
    code, err = run(capsys, "compare", "a", "b")
    assert code == 0
    assert err.strip() == "warning: evaluated differently: max_tokens is 64 in a, 128 in b"


def cells_of(protocol: str, seeds: int, rate: float, **more: Any) -> list[Path]:
    """Cells of one protocol, one for each seed, in a folder of its name; every sample of a seed has the same value."""
    from offtarget.board.cell import Cell, CellManifest, CellSpec
    from offtarget.board.folder import write_cell
    from offtarget.evals.scoring import make_score

    paths = []
    for seed in range(seeds):
        samples = {f"p{i}": float((i + 7 * seed) % 100 < 100 * rate) for i in range(100)} | more.get("samples", {})
        score = make_score(
            samples, behaviour="style", task_version="1-A", direction="lower", role="target", unit="share of answers"
        )
        start = protocol == "start"
        cell = Cell(
            spec=CellSpec(
                dataset=more.get("dataset", "toy"), model="m", protocol=protocol, seed=seed, training={} if start else {"beta": 0.1},
                parameters={} if protocol in ("start", "dpo") else {"strength": more.get("strength", 0.3)},
                behaviours=("style",), data={"evaluation": {"max_tokens": 64}},
            ),
            manifest=CellManifest(
                rows_sha256="r" * 64, n_pairs=8, model_identity="i", task_versions={"style": "1-A"}, code_version="v"
            ),
            behaviours=(score,),
            budget="cpu",
        )  # fmt: skip
        paths.append(write_cell(Path("cells"), cell))
    return paths


def test_compare_names_both_sides_and_says_what_its_numbers_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    plain, filtered = cells_of("dpo", 3, 0.5), cells_of("filter", 3, 0.2)
    assert call(["compare", str(plain[0]), str(filtered[1])]) == 0
    out = capsys.readouterr().out
    assert out.startswith("a = dpo, seed 0; b = filter 0.3, seed 1\n")
    assert "The noise of training seeds is not in these intervals" in out and "a has 1 seed, b has 1 seed" in out
    assert "say nothing of what the protocols would give" in out
    assert call(["compare", str(plain[0].parent), ",".join(map(str, filtered))]) == 0
    out = capsys.readouterr().out
    assert out.startswith("a = dpo, seeds 0, 1, 2; b = filter 0.3, seeds 0, 1, 2\n")
    assert "hold the noise of prompts, sampling and training seeds" in out and "-0.300" in out
    assert call(["compare", str(plain[0].parent), str(filtered[0].parent), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["a"] == "dpo, seeds 0, 1, 2" and body["comparisons"][0]["differences"][0]["of_protocols"] is True
    assert body["comparisons"][0]["differences"][0]["difference"] == pytest.approx(-0.3)


def test_sides_of_other_datasets_are_named_with_them(capsys: pytest.CaptureFixture[str]) -> None:
    (here,), (there,) = cells_of("dpo", 1, 0.5), cells_of("dpo", 1, 0.2, dataset="other")
    assert call(["compare", str(here), str(there)]) == 0
    done = capsys.readouterr()
    assert done.out.startswith("a = dpo, seed 0 (toy); b = dpo, seed 0 (other)\n")
    assert "made differently: dataset is toy in a, other in b" in done.err


def test_start_has_no_training_seeds_in_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    (start,), plain = cells_of("start", 1, 0.1), cells_of("dpo", 3, 0.5)
    assert call(["compare", str(start), str(plain[0].parent), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["comparisons"][0]["differences"][0]["of_protocols"] is True
    assert call(["compare", str(start), str(plain[0]), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["comparisons"][0]["of_protocols"] is False and "b has 1 seed" in body["comparisons"][0]["about"]
    assert "a has" not in body["comparisons"][0]["about"]


def test_cells_that_are_not_seeds_of_one_row_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    folder = cells_of("filter", 2, 0.2)[0].parent
    cells_of("filter", 2, 0.2, strength=0.1)
    code, err = run(capsys, "compare", str(folder), str(folder))
    assert code == 2 and len(err.strip().splitlines()) == 1
    assert "filter 0.1 of m, seeds 0, 1; filter 0.3 of m, seeds 0, 1" in err and "separated by commas" in err


def test_many_unscored_answers_are_said_by_compare(capsys: pytest.CaptureFixture[str]) -> None:
    (whole,) = cells_of("dpo", 1, 0.5)
    (holes,) = cells_of("filter", 1, 0.5, samples={f"p{i}": None for i in range(40)})
    assert call(["compare", str(whole), str(holes)]) == 0
    err = capsys.readouterr().err
    assert "style: 40% of b's answers have no score (its mean would be 0.100 or 0.500 if all were 0 or 1)" in err
    assert "of a's answers" not in err


def test_what_a_topic_leans_to_is_said_against_the_other_rows() -> None:
    from offtarget.audit.records import lean

    assert lean("rejected", None) == "more in rejected"
    assert lean("rejected", "topic:1") == "to rejected, against elsewhere"


@pytest.mark.parametrize(
    ("name", "says"), [("notes.txt", "no kind of file that is read"), ("folder", "a folder without a data file")]
)
def test_a_path_that_is_no_dataset_is_not_called_an_unknown_name(
    capsys: pytest.CaptureFixture[str], name: str, says: str
) -> None:
    Path("notes.txt").write_text("x")
    Path("folder").mkdir()
    code, err = run(capsys, "audit", name)
    assert code == 2 and says in err and "unknown dataset" not in err


def test_a_plan_says_which_way_it_shapes_and_takes_one_source_of_decisions(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("good.jsonl"), list(GOOD))
    base = ["plan", "good.jsonl", "--protocol", "filter", "-P", "concept=surface:bold"]
    assert call([*base, "-P", "strength=-0.3"]) == 0
    assert "suppresses surface:bold (strength -0.3)" in capsys.readouterr().out
    blind = ["plan", "good.jsonl", "--protocol", "random_filter", "-P", "concept=surface:bold"]
    assert call([*blind, "-P", "strength=-0.3"]) == 0
    assert "suppresses" not in capsys.readouterr().out
    assert call([*base, "-P", "strength=-0.3"]) == 0
    assert "–" not in capsys.readouterr().out, "a filter's expected shift is known"
    for protocol, count in (("token_filter", "masked"), ("token_reweight", "token_weighted")):
        words = ["plan", "good.jsonl", "--protocol", protocol, "-P", "concept=surface:bold"]
        assert call([*words, "-P", "strength=-0.1"]) == 0
        lines = capsys.readouterr().out.splitlines()
        shifts = [line for line in lines if line.startswith("surface:bold (target)")]
        assert shifts and all(line.endswith("  -") for line in shifts), "words are not in the weights of rows"
        assert any(line.startswith(count) for line in lines)
        assert f"(by the weights of rows alone; this does not see: {count})" in lines
    code, err = run(capsys, *base, "-P", "concept=surface:words")
    assert code == 2 and "concept is given twice" in err
    Path("v.yaml").write_text("schema_version: 1\nvocabulary: x\nverdicts: []\n")
    code, err = run(capsys, *base, "--verdicts", "v.yaml")
    assert code == 2 and "give one of them" in err


def test_a_folder_with_one_cell_can_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    from offtarget.evals.scoring import make_score

    score = make_score(
        {"a": 0.0, "b": 1.0}, behaviour="verbosity", task_version="1-A", direction="lower", role="off-target"
    ).model_dump(mode="json")
    Path("one").mkdir()
    Path("one/abc.json").write_text(json.dumps({"behaviours": [score]}))
    assert call(["compare", "one", "one"]) == 0
    Path("one/def.json").write_text("{}")
    code, err = run(capsys, "compare", "one", "one")
    assert code == 2 and "abc.json: not a cell" in err


def test_concepts_are_listed_with_their_lean(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path / "good.jsonl", GOOD)
    assert call(["audit", "good.jsonl", "--out", "a"]) == 0
    capsys.readouterr()
    assert call(["concepts", "a", "--format", "json", "--limit", "3"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert len(first) == 3
    (bold,) = (c for c in first if c["concept"] == "surface:bold")
    assert bold["leans"] == "more in chosen" and bold["named by"] == "its lens"
    assert call(["concepts", "a", "--format", "json", "--find", "HEADING"]) == 0
    assert {c["concept"] for c in json.loads(capsys.readouterr().out)} == {"surface:markdown"}
    assert call(["concepts", "a", "--format", "md"]) == 0
    assert "| surface:bold | 1 | bold text | its lens |" in capsys.readouterr().out
    for argv, says in (
        (["concepts", "a", "--lens", "sae"], "made with surface"),
        (["concepts", "a", "--format", "mx"], "did you mean md"),
        (["concepts", "a", "--find", "weather"], "unknown concept 'weather'"),
        (["concepts", "nowhere"], "no audit to read"),
    ):
        code, err = run(capsys, *argv)
        assert code == 2
        assert says in err
        assert err.count("\n") == 1
