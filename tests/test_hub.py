"""A hub that does not answer is asked once, and what was kept of it is taken."""

import httpx
import pytest
from huggingface_hub import constants

from offtarget import hub


def test_where_nothing_answers_the_libraries_are_offline_inside_the_block_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import datasets

    asked = []

    def head(address: str, **options: float) -> httpx.Response:
        asked.append((address, options["timeout"]))
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(httpx, "head", head)
    with pytest.raises(RuntimeError), hub.asked() as answers:
        assert not answers and constants.HF_HUB_OFFLINE and datasets.config.HF_HUB_OFFLINE
        raise RuntimeError
    assert not constants.HF_HUB_OFFLINE and not datasets.config.HF_HUB_OFFLINE
    assert asked == [(constants.ENDPOINT, hub.SECONDS)]


def test_an_error_of_the_server_is_an_answer_and_offline_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "head", lambda *_, **__: httpx.Response(503))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with hub.asked() as answers:
        assert answers and not constants.HF_HUB_OFFLINE
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(httpx, "head", lambda *_, **__: pytest.fail("asked"))
    with hub.asked() as answers:
        assert not answers
    assert constants.HF_HUB_OFFLINE, "it was so before"
