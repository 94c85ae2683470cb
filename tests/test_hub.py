"""A hub that does not answer is asked once, and what was kept of it is taken."""

from collections.abc import Iterator

import datasets
import httpx
import pytest
from huggingface_hub import constants

from offtarget import hub


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    hub._silent.clear()
    yield
    hub._silent.clear()


def silent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def head(address: str, **_: float) -> httpx.Response:
        asked.append(address)
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "head", head)
    return asked


def test_where_nothing_answers_the_libraries_are_offline_inside_the_block_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)  # somebody said so of datasets alone
    asked = silent(monkeypatch)
    with pytest.raises(RuntimeError), hub.asked() as answers:
        assert not answers and constants.HF_HUB_OFFLINE
        raise RuntimeError
    assert not constants.HF_HUB_OFFLINE and datasets.config.HF_HUB_OFFLINE
    with hub.asked() as answers:
        assert not answers
    assert asked == [constants.ENDPOINT], "not asked again within a minute"


def test_blocks_may_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    silent(monkeypatch)
    first, second = hub.asked(), hub.asked()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert constants.HF_HUB_OFFLINE, "the second is not at its end"
    second.__exit__(None, None, None)
    assert not constants.HF_HUB_OFFLINE and not datasets.config.HF_HUB_OFFLINE


@pytest.mark.parametrize("comes", [httpx.Response(503), httpx.InvalidURL("Invalid port: 'abc'")])
def test_an_error_of_the_server_is_an_answer_and_a_wrong_address_is_for_the_libraries_to_say(
    monkeypatch: pytest.MonkeyPatch, comes: httpx.Response | Exception
) -> None:
    def head(*_: str, **__: float) -> httpx.Response:
        if isinstance(comes, Exception):
            raise comes
        return comes

    monkeypatch.setattr(httpx, "head", head)
    with hub.asked() as answers:
        assert answers and not constants.HF_HUB_OFFLINE


def test_offline_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(httpx, "head", lambda *_, **__: pytest.fail("asked"))
    with hub.asked() as answers:
        assert not answers
    assert constants.HF_HUB_OFFLINE, "it was so before"
