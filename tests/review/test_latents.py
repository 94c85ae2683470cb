"""A card of a concept without a name: the tokens on which it fires are marked, and nothing is claimed."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from offtarget.audit.folder import AuditFolder
from offtarget.audit.reading_record import Reading
from offtarget.audit.run import audit
from offtarget.data.loading import load_pairs
from offtarget.lens.features import Column, FeatureMatrix, peak_code
from offtarget.review.desk import Desk
from offtarget.review.keys import KEYS
from offtarget.review.server import Review
from offtarget.store import Store

N = 200


@pytest.fixture()
def review(tmp_path, monkeypatch):
    """Latent 0 fires on the third word of three chosen answers in four, and of one rejected in four."""
    monkeypatch.setenv("OFFTARGET_HOME", str(tmp_path / "store"))
    rng = np.random.default_rng(0)
    rows = [{"prompt": f"Ask {i}?", "chosen": f"one two three {i}", "rejected": f"one two four {i}"} for i in range(N)]
    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in rows))
    pairs = load_pairs(str(data))
    values = {("prompt", stat): csr_matrix((N, 2)) for stat in ("max", "freq")}
    for side, rate in (("chosen", 0.75), ("rejected", 0.25)):
        fires = np.stack([rng.random(N) < rate, rng.random(N) < 0.5], axis=1).astype(float)
        values[side, "freq"] = csr_matrix(fires * 0.25)
        values[side, "max"] = csr_matrix(fires)
        values[side, "peak"] = csr_matrix(
            fires.astype(np.int64) * peak_code(8, 8 + len("three" if side == "chosen" else "four"))
        )
    columns = tuple(Column(f"sae:{j}", f"latent {j}", "", "presence") for j in range(2))
    part = FeatureMatrix(
        "sae",
        columns,
        values,
        tuple(p.id for p in pairs.pairs),
        tuple(p.group for p in pairs.pairs),
        {"identity": "test", "variance_explained": 0.4},
        kind="latent",
        reads_model=True,
    )
    made = audit(pairs, [part])
    folder = AuditFolder(tmp_path / "audit")
    folder.path.mkdir()
    folder.write(made)
    reading = Reading(data=str(data), lens=("sae",), model=None, max_length=512)
    folder.write_audit(made.audit.with_reading(reading), [part])
    desk = Desk(AuditFolder(folder.path), by="ann")
    yield Review(desk, Store(), KEYS)
    desk.close()


def test_firing_tokens_are_marked(review):
    item = next(i for i in review.listed({"all": "1"}, {})["items"] if i["context"] is None and i["finding"])
    assert item["named"] is False and item["lean"] == "chosen"
    card = review.card({"id": item["id"]}, {})
    assert card["evidence"]["named_by"] == "" and len(card["pairs"]) == 5
    for pair in card["pairs"]:
        assert [s["text"] for s in pair["chosen"] if s["mark"]] == ["three"]
        assert not any(s["mark"] for s in pair["rejected"])
