"""An audit of the same rows is taken from the store only where all that decides it is the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from offtarget.audit.concepts.vocabulary import Vocabulary
from offtarget.audit.folder import AuditFolder
from offtarget.data.loading import load_pairs
from offtarget.engine import auditing
from offtarget.engine.auditing import audit_into
from offtarget.engine.recipe import AuditOptions
from offtarget.lens.reader import Reader
from offtarget.lens.table import features_of
from offtarget.store import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reader]:
    """A set of two styles, audited with topics and by a column; and a reader with a store of its own."""
    folder = tmp_path_factory.mktemp("again")
    reader = Reader(None, Store(folder / "home"))
    pairs = load_pairs("planted-style", limit=200)
    pairs = replace(pairs, pairs=[replace(p, meta={"half": "ab"[i % 2]}) for i, p in enumerate(pairs.pairs)])
    audit_into(folder / "whole", pairs, AuditOptions(lens=("surface",), by=("half",)), reader)
    return folder, reader


def test_an_earlier_audit_of_the_same_key_that_holds_less_gives_another_audit(made: tuple[Path, Reader]) -> None:
    """The folder beside a baseline is such a one: no topics and no columns, under the key of the audit that it is of."""
    folder, reader = made
    whole = AuditFolder(folder / "whole")
    less = folder / "less"
    less.mkdir()
    AuditFolder(less).write_audit(whole.audit.model_copy(update={"metadata": (), "hypotheses": (), "contexts": ()}))
    replace(whole.vocabulary, topics=None, kinds=()).save(less)
    assert AuditFolder(less).audit.key == whole.audit.key and whole.vocabulary.topics is not None
    pairs = load_pairs("planted-style", limit=150)
    pairs = replace(pairs, pairs=[replace(p, meta={"half": "ab"[i % 2]}) for i, p in enumerate(pairs.pairs)])
    for name, columns in (("less", []), ("whole", ["half"]), ("less", [])):
        options = AuditOptions(lens=("surface",), like=str(folder / name))
        found = audit_into(folder / "out", pairs, options, reader).audit
        assert [c.name for c in found.metadata] == columns
        assert bool([c for c in found.contexts if c.kind == "topic"]) == bool(columns)


def test_a_vocabulary_is_known_by_all_that_it_holds_and_its_key_by_the_concepts(made: tuple[Path, Reader]) -> None:
    vocabulary = AuditFolder(made[0] / "whole").vocabulary
    without = replace(vocabulary, topics=None)
    assert without.key == vocabulary.key and without.sha256 != vocabulary.sha256
    assert vocabulary.topics is not None
    moved = replace(vocabulary, topics=replace(vocabulary.topics, centroids=vocabulary.topics.centroids * 2))
    assert moved.sha256 != vocabulary.sha256
    assert Vocabulary.read(made[0] / "whole").sha256 == vocabulary.sha256


def test_what_is_said_of_a_reading_is_of_this_reading(
    made: tuple[Path, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short texts read to 512 and to 1,024 tokens have the same values, and are not the same reading."""
    folder, reader = made
    pairs = load_pairs("planted-style", limit=150)
    for tokens in (512, 1024):

        def read(*given: object, tokens: int = tokens) -> list[object]:
            return [replace(f, info={**f.info, "max_length": tokens}) for f in features_of(*given)]  # type: ignore[arg-type]

        monkeypatch.setattr(auditing, "features_of", read)
        found = audit_into(folder / "out", pairs, AuditOptions(lens=("surface",)), reader).audit
        assert [x["max_length"] for x in found.lens] == [tokens]
