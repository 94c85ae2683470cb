"""A lens by its name, and what the table says of it before anything is read."""

from pathlib import Path

import pytest

from offtarget.errors import ConfigError
from offtarget.lens.features import FeatureMatrix
from offtarget.lens.names import LensName, concept_parts, kinds_of, which_of
from offtarget.lens.table import LENSES, lens_of


def test_a_name_is_its_kind_and_what_is_after_the_first_colon() -> None:
    assert LensName.parse("surface") == LensName("surface", "")
    assert LensName.parse("sae:C:/models/sae") == LensName("sae", "C:/models/sae")
    assert LensName.parse("judge:openai/gpt-5-mini,most=8").which == "openai/gpt-5-mini,most=8"
    names = ("surface", "sae:one", "columns:score,votes", "sae:two")
    assert kinds_of(names) == ["surface", "sae", "columns", "sae"]
    assert which_of(names, "sae") == "one" and which_of(("surface", "sae"), "sae") == ""
    assert which_of(("surface",), "sae") is None
    assert concept_parts("columns:writer=a:b") == ("columns", "writer=a:b")
    with pytest.raises(ConfigError, match="did you mean surface"):
        lens_of("surfaces:x")


def test_what_a_lens_reads_is_kept_with_its_features(tmp_path: Path) -> None:
    """As the table says before reading: latents of a model, values of a text, signed differences of two."""
    assert {kind: lens.kind for kind, lens in LENSES.items()} == {
        "surface": "plain",
        "sae": "latent",
        "direction": "plain",
        "embedding": "signed",
        "columns": "plain",
        "judge": "signed",
    }
    empty = FeatureMatrix("embedding", (), {}, (), (), kind="signed", reads_model=True)
    empty.save(tmp_path)
    again = FeatureMatrix.load(tmp_path)
    assert (again.kind, again.reads_model) == ("signed", True)
    assert (again.select([]).kind, again.select([]).reads_model) == ("signed", True)
