"""The hub: what is asked of it, how little is fetched, and what is said when it is out of reach."""

from pathlib import Path
from typing import Any

import datasets
import pytest

from offtarget.data.hub import parse_ref
from offtarget.data.loading import load_pairs
from offtarget.errors import ConfigError, UndecidedError


class Hub:
    """Is in for `datasets.load_dataset`: remembers what was asked, hands out rows one by one."""

    def __init__(self, rows: list[dict[str, Any]] | Exception) -> None:
        self.rows = rows
        self.asked: dict[str, Any] = {}
        self.pulled = 0

    def __call__(self, name_or_path: str, **options: Any) -> Any:
        self.asked = {"id": name_or_path, **options}
        if isinstance(self.rows, Exception):
            raise self.rows
        return self._iterate(self.rows)

    def _iterate(self, rows: list[dict[str, Any]]) -> Any:
        for row in rows:
            self.pulled += 1
            yield row


@pytest.fixture()
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(rows: list[dict[str, Any]] | Exception) -> Hub:
        stand_in = Hub(rows)
        monkeypatch.setattr(datasets, "load_dataset", stand_in)
        return stand_in

    return install


def test_the_head_of_a_hub_set_streams_and_drops_what_is_natural(hub: Any) -> None:
    row = {"domain": "code", "context": [{"role": "user", "content": "q"}], "response1": "A", "response2": "B"}
    stand_in = hub([{**row, "overall_preference": x} for x in (0, -2, 3, 1, 1)] + [{"broken": 1}])
    loaded = load_pairs("helpsteer3", head=2)
    assert [(p.chosen[0]["content"], p.rejected[0]["content"]) for p in loaded.pairs] == [("A", "B"), ("B", "A")]
    assert loaded.dropped == {"tie": 1}
    assert loaded.pairs[0].meta == {"domain": "code", "split": "train"}
    assert stand_in.pulled == 3
    asked = stand_in.asked
    assert (asked["id"], asked["name"], asked["split"]) == ("nvidia/HelpSteer3", "preference", "train")
    assert asked["streaming"] is True
    assert "trust_remote_code" not in asked
    assert loaded.revision is None


def test_a_hub_id_finds_its_card_and_a_revision_is_passed_on(hub: Any) -> None:
    row = {"prompt": "q", "response_0": "A", "response_1": "B", "better_response_id": 1}
    stand_in = hub([row, {**row, "response_0": None}] + [row] * 4)
    loaded = load_pairs("hf:PKU-Alignment/PKU-SafeRLHF@abc123", split="test")
    assert loaded.pairs[0].chosen[0]["content"] == "B"
    assert loaded.dropped == {"null response": 1}  # not ours to fix
    assert (stand_in.asked["revision"], stand_in.asked["split"]) == ("abc123", "test")
    assert stand_in.asked["streaming"] is False
    assert (loaded.name, loaded.revision) == ("PKU-Alignment/PKU-SafeRLHF", "abc123")
    assert loaded.redistribution == "no"


def test_a_hub_set_without_a_card(hub: Any) -> None:
    hub([{"q": "q", "chosen": "A", "rejected": "B"}])
    loaded = load_pairs("hf:org/name", columns={"prompt": "q"})
    assert len(loaded) == 1
    assert loaded.redistribution == "unknown"


def test_out_of_reach_is_undecided_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UndecidedError) as error:
        load_pairs("hf:Anthropic/hh-rlhf", limit=1)
    assert error.value.exit_code == 3
    text = str(error.value)
    assert text.startswith("hf:Anthropic/hh-rlhf: the hub cannot be reached")
    assert "HF_HUB_OFFLINE is set: unset it, or give a local" in text
    assert "\n" not in text


def test_a_connection_that_breaks_while_reading(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("offtarget.hub.answers", lambda _: True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)

    def breaks(self: Hub, rows: Any) -> Any:
        yield {"prompt": "q", "chosen": "A", "rejected": "B"}
        raise ConnectionError("reset by peer\nretry")

    monkeypatch.setattr(Hub, "_iterate", breaks)
    hub([])
    with pytest.raises(UndecidedError, match=r"ConnectionError: reset by peer retry.*check the network"):
        load_pairs("hf:org/name")


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (datasets.exceptions.DatasetNotFoundError("'x' doesn't exist"), ConfigError, "doesn't exist"),
        (datasets.exceptions.DatasetNotFoundError("'x' is a gated dataset"), UndecidedError, "hf auth login"),
        (ValueError('Unknown split "x". Should be one of'), ConfigError, "Unknown split"),
    ],
)
def test_what_the_hub_refuses(hub: Any, raised: Exception, expected: type[Exception], message: str) -> None:
    hub(raised)
    with pytest.raises(expected, match=message):
        load_pairs("hf:org/name")


@pytest.mark.parametrize("ref", ["hf:name", "hf:a/b/c", "hf:a/b@", "hf:../x", "hf:"])
def test_form_of_a_hub_reference(ref: str) -> None:
    with pytest.raises(ConfigError, match="hf:org/name or hf:org/name@revision"):
        parse_ref(ref)


def test_import_of_loading_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, offtarget.data.check, offtarget.data.splitting; "
        "print([m for m in ('torch', 'datasets', 'pandas', 'pyarrow', 'numpy') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2] / "harness"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert out.stdout.strip() == "[]"
