"""Verdict files: what is accepted, what is refused and in which words, and the rows behind a verdict."""

import datetime as dt

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget import verdicts
from offtarget.audit.run import audit
from offtarget.data.pairs import Pair, PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.lens.features import Column, FeatureMatrix

WORDS = (["oven", "flour", "butter", "sugar", "dough"], ["loop", "array", "debug", "module", "thread"])


@pytest.fixture(scope="module")
def small():
    """An audit of 400 rows on two subjects; bold leans to chosen, emoji to neither side."""
    rng = np.random.default_rng(0)
    pairs = []
    for i in range(400):
        text = [" ".join(rng.choice(WORDS[i % 2], 12)) for _ in range(3)]
        prompt, chosen, rejected = text
        turn = [[{"role": "assistant", "content": t}] for t in (chosen, rejected)]
        pairs.append(Pair(f"row{i}", f"g{i}", [{"role": "user", "content": prompt}], *turn))
    x = [np.stack([rng.random(400) < p, rng.random(400) < 0.3], axis=1).astype(float) for p in (0.5, 0.2)]
    part = FeatureMatrix(
        "surface",
        tuple(Column(f"surface:{n}", n, "count", "presence") for n in ("bold", "emoji")),
        {("chosen", "value"): csr_matrix(x[0]), ("rejected", "value"): csr_matrix(x[1])},
        tuple(p.id for p in pairs),
        tuple(p.group for p in pairs),
        {"version": 1},
    )
    return audit(PairSet("small", pairs), [part])


def text(made, *lines, vocabulary=None):
    body = "".join(f"  - {line}\n" for line in lines)
    return f"schema_version: 1\nvocabulary: {vocabulary or made.audit.vocabulary}\nverdicts:\n{body or '  []'}"


def one(**keys):
    base = {"concept": "surface:bold", "decision": "suppress", "by": "ann", "date": "2026-01-31", **keys}
    return "{" + ", ".join(f"{k}: {v}" for k, v in base.items()) + "}"


def test_the_documented_file_is_read(small):
    line = (
        "{concept: surface:bold, context: null, decision: suppress, strength: 1.0, by: name, "
        'date: 2026-01-31, why: "style, not substance"}'
    )
    (v,) = verdicts.parse(text(small, line), "v.yaml", small.audit).verdicts
    assert v.place == ("surface:bold", None)
    assert (v.decision, v.strength, v.sign, v.date) == ("suppress", 1.0, -1, dt.date(2026, 1, 31))
    assert v.why == "style, not substance"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (one(strenght=2), r"verdict 1 \(surface:bold\) has an unknown key 'strenght'; did you mean strength\?"),
        (one(decision="remove"), r"verdict 1 \(surface:bold\), key 'decision': .*allow.*suppress.*amplify"),
        (one(strength=0), "key 'strength': strength must be a finite number above 0"),
        (one(strength=-2), "decide 'suppress'"),
        (one(strength=".inf"), "finite number above 0"),
        (one(strength=".nan"), "finite number above 0"),
        (one(strength="yes"), "a number is needed"),
        (one(date="31.01.2026"), "write the date as YYYY-MM-DD"),
        (one(date="2026-01-31 10:00:00"), "write the date as YYYY-MM-DD"),
        (one(date="2026-02-31"), "."),
        (one(concept="surface:blod"), "unknown concept 'surface:blod': did you mean surface:bold"),
        (one(context="cooking"), "unknown context 'cooking'"),
        ("{concept: surface:bold, decision: allow, date: 2026-01-31}", "verdict 1 .* lacks 'by'; add it there"),
        ("just words", "verdict 1: "),
    ],
)
def test_a_wrong_verdict_is_named_with_its_key(small, line, message):
    with pytest.raises(ConfigError, match=message) as error:
        verdicts.parse(text(small, line), "v.yaml", small.audit)
    assert "v.yaml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- a\n- b", "a mapping with schema_version"),
        ("", "a mapping with schema_version"),
        ("schema_version: two\nvocabulary: x", "schema_version is 'two'"),
        ("schema_version: 1\nverdicts: []", "the file lacks 'vocabulary'"),
        ("schema_version: 1\nvocabulary: x\nverdict: []", "unknown key 'verdict'; did you mean verdicts"),
        ("a: [1", "line 1: not YAML"),
        ("a: !!python/object/apply:os.system [echo]", "not YAML"),
    ],
)
def test_a_wrong_file_is_named(body, message):
    with pytest.raises(ConfigError, match=message):
        verdicts.parse(body, "v.yaml")


def test_another_schema_is_undecided():
    with pytest.raises(UndecidedError, match="schema version 2, but this offtarget reads 1; decide again"):
        verdicts.parse("schema_version: 2\nvocabulary: x", "v.yaml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no verdicts to read"):
        verdicts.read(tmp_path / "none.yaml")


def test_another_vocabulary_is_undecided(small):
    with pytest.raises(UndecidedError, match="made for vocabulary abc, but the audit has"):
        verdicts.parse(text(small, one(), vocabulary="abc"), "v.yaml", small.audit)
    with pytest.raises(UndecidedError, match="a context this audit does not have; audit with --like"):
        verdicts.parse(text(small, one(context="topic:0123456789ab")), "v.yaml", small.audit)


def test_contradictions_are_refused_and_repetitions_are_not(small):
    with pytest.raises(ConfigError, match="two verdicts on surface:bold contradict: suppress 1 by ann"):
        verdicts.parse(text(small, one(), one(decision="allow", by="bob")), "v.yaml")
    with pytest.raises(ConfigError, match="contradict"):
        verdicts.parse(text(small, one(strength=1), one(strength=2)), "v.yaml")
    assert len(verdicts.parse(text(small, one(), one(by="bob")), "v.yaml").verdicts) == 1
    topic = small.audit.contexts[0].id
    both = verdicts.parse(text(small, one(), one(context=topic, decision="allow")), "v.yaml", small.audit)
    assert len(both.verdicts) == 2
    here, elsewhere = small.workings.inside(topic), small.workings.inside(small.audit.contexts[1].id)
    general, own = (verdicts.rows_of(v, both, small.workings.inside) for v in both.verdicts)
    assert not (general & here).any() and general[elsewhere].all()
    assert (own == here).all()


def test_a_verdict_is_traced_to_the_rows_that_teach_it(small):
    topic = small.audit.contexts[0].id
    found = verdicts.parse(text(small, one(), one(context=topic, decision="allow")), "v.yaml", small.audit)
    everywhere, here = verdicts.trace(found, small)
    u = dict(zip(small.workings.pair_ids, small.workings.column("surface:bold"), strict=True))
    inside = dict(zip(small.workings.pair_ids, small.workings.inside(topic), strict=True))
    assert set(here.more_in_chosen) == {r for r in u if u[r] > 0 and inside[r]}
    assert set(here.more_in_rejected) == {r for r in u if u[r] < 0 and inside[r]}
    # the general verdict leaves alone what has its own verdict
    assert set(everywhere.more_in_chosen) == {r for r in u if u[r] > 0 and not inside[r]}


def test_what_a_file_says_once_holds_for_verdicts_that_do_not_say_it(small):
    lines = "{concept: surface:bold, decision: allow}", "{concept: surface:emoji, decision: allow, by: bob}"
    whole = text(small, *lines).replace("verdicts:", "by: ann\ndate: 2026-02-03\nverdicts:")
    found = verdicts.parse(whole, "v.yaml", small.audit).verdicts
    assert [(v.by, v.date) for v in found] == [("ann", dt.date(2026, 2, 3)), ("bob", dt.date(2026, 2, 3))]
    with pytest.raises(ConfigError, match=r"verdict 1 \(surface:bold\) lacks 'by' and 'date'; add it there, or once"):
        verdicts.parse(text(small, *lines), "v.yaml", small.audit)


def test_an_undecided_verdict_changes_nothing_and_is_counted(small):
    topic = small.audit.contexts[0].id
    open_ = "{concept: surface:bold, decision: undecided}"
    there = f"{{concept: surface:bold, context: {topic}, decision: undecided}}"
    found = verdicts.parse(text(small, one(), open_, there), "v.yaml", small.audit)
    assert [(v.decision, v.sign) for v in found.verdicts] == [("suppress", -1), ("undecided", 0)]
    assert [v.place for v in verdicts.decided(found)] == [("surface:bold", None)]
    assert verdicts.rows_of(found.verdicts[0], found, small.workings.inside).all()
    assert verdicts.undecided(found) == "1 of 2 verdicts are undecided: they change nothing"
    assert verdicts.undecided(verdicts.parse(text(small, open_, one()), "v.yaml")) == ""
    assert verdicts.parse("schema_version: 1\nvocabulary: x\nverdicts:\n  # none\n", "v.yaml").verdicts == ()


def test_a_line_of_an_earlier_template_is_no_exception(small):
    """Templates were `allow` by "template": deciding one line holds everywhere, whatever the others say of topics."""
    topic = small.audit.contexts[0].id
    undecided = one(context=topic, decision="allow", by=verdicts.UNDECIDED_BY)
    decided = one(context=topic, decision="allow", by="ann")
    with_template = verdicts.parse(text(small, one(), undecided), "v.yaml", small.audit)
    with_exception = verdicts.parse(text(small, one(), decided), "v.yaml", small.audit)
    assert verdicts.rows_of(with_template.verdicts[0], with_template, small.workings.inside).all()
    assert [v.context for v in verdicts.decided(with_template)] == [None]
    assert [v.context for v in verdicts.decided(with_exception)] == [None, topic]
    there = small.workings.inside(topic)
    assert not verdicts.rows_of(with_exception.verdicts[0], with_exception, small.workings.inside)[there].any()


def test_a_line_of_an_earlier_template_that_was_changed_is_decided(small):
    topic = small.audit.contexts[0].id
    changed = one(context=topic, decision="amplify", by=verdicts.UNDECIDED_BY)
    both = verdicts.parse(text(small, one(), changed), "v.yaml", small.audit)
    assert len(verdicts.decided(both)) == 2
    general = verdicts.rows_of(both.verdicts[0], both, small.workings.inside)
    assert not general[small.workings.inside(topic)].any()


def test_a_verdict_by_metadata_is_written_in_a_file_too(small):
    line = one(decision="amplify").replace("}", ", where: {topic: cooking}}")
    found = verdicts.parse(text(small, one(), line), "v.yaml", small.audit)
    assert [v.place for v in found.verdicts] == [("surface:bold", None), ("surface:bold", "topic=cooking")]
    both = one(context=small.audit.contexts[0].id).replace("}", ", where: {topic: cooking}}")
    with pytest.raises(ConfigError, match=r"verdict 1 \(surface:bold\): a verdict has a context or a where, not both"):
        verdicts.parse(text(small, both), "v.yaml", small.audit)


def test_a_cell_keeps_of_a_verdict_what_changes_a_run(small):
    """Keys of stored cells hash these four keys."""
    (v,) = verdicts.parse(text(small, one()), "v.yaml", small.audit).verdicts
    assert v.acting().model_dump(mode="json") == {
        "concept": "surface:bold", "context": None, "decision": "suppress", "strength": 1.0
    }  # fmt: skip


def test_verdicts_on_other_metadata_have_another_scope():
    def scope(**said):
        return verdicts.Verdict(concept="surface:bold", decision="suppress", **said).scope

    assert scope(where={"topic": "cooking"}) == "topic=cooking"
    assert scope(where={"a": "b, c=d"}) != scope(where={"a": "b", "c": "d"})
    assert scope(where={"meta:vendor": "acme"}) != scope(context="meta:vendor=acme")


def test_what_was_seen_and_until_when_it_holds_are_read_and_change_no_run() -> None:
    text = (
        "schema_version: 1\nvocabulary: v\nby: ada\ndate: 2026-11-30\nverdicts:\n"
        "  - {concept: surface:bold, decision: suppress, until: 2027-01-31,\n"
        "     seen: {effect: 0.04, ci: [0.02, 0.06], n: 900, unit: share of responses, audit: a, vocabulary: v}}\n"
    )
    (verdict,) = verdicts.parse(text, "v.yaml").verdicts
    assert verdict.until == dt.date(2027, 1, 31)
    assert verdict.seen is not None and verdict.seen.ci == (0.02, 0.06) and verdict.seen.n == 900
    plain = verdicts.Verdict(concept="surface:bold", decision="suppress")
    assert verdict.acting() == plain and "seen" not in plain.model_dump() and "until" not in plain.model_dump()
    with pytest.raises(ConfigError, match=r"v\.yaml: verdict 1 \(surface:bold\).*until.*YYYY-MM-DD"):
        verdicts.parse(text.replace("2027-01-31", "31.1.2027"), "v.yaml")
