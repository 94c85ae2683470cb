"""Rows of a dataset on the Hugging Face hub."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from offtarget.data.cards import HubSource
from offtarget.errors import ConfigError, OfftargetError, UndecidedError
from offtarget.hub import SECONDS, asked

_NOT_THERE = ("DatasetNotFoundError", "RepositoryNotFoundError", "RevisionNotFoundError")
_OUT_OF_REACH = ("ConnectionError", "OfflineModeIsEnabled", "LocalEntryNotFoundError", "FileNotFoundError")
_REF = re.compile(r"hf:(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")


def parse_ref(ref: str) -> tuple[str, str | None]:
    """`hf:org/name[@revision]` as (id, revision).

    Raises:
        ConfigError: it has another form.
    """
    match = _REF.fullmatch(ref)
    if not match:
        raise ConfigError(f"'{ref}': a dataset on the hub is written hf:org/name or hf:org/name@revision")
    return match["id"], match["revision"]


def hub_rows(
    source: HubSource, split: str, revision: str | None, *, stream: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one split, lazily; code of the dataset's repository is never run.

    Args:
        source: what to load.
        split: as the hub names it.
        revision: commit, tag or branch; None is the newest.
        stream: fetch only what is iterated, and keep nothing.

    Raises:
        UndecidedError: the hub, or what this dataset needs of it, is out of reach.
        ConfigError: no such dataset, configuration, file or split.
    """
    with _one_line(source.id):
        import datasets

        files = source.data_files
        rows = datasets.load_dataset(
            source.id,
            name=source.config,
            data_dir=source.data_dir,
            data_files=list(files) if isinstance(files, tuple) else files,
            split=split,
            revision=revision,
            streaming=stream,
        )
        for number, row in enumerate(rows, start=1):
            yield f"{source.id} {split} row {number}", dict(row)


def newest_revision(hub_id: str) -> str:
    """The commit that the dataset's main branch is at now.

    Raises:
        UndecidedError: the hub is out of reach.
        ConfigError: no such dataset.
    """
    with _one_line(hub_id):
        from huggingface_hub import HfApi

        return str(HfApi().dataset_info(hub_id).sha)


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Whatever `datasets` raises, as one line that says what to do; its own retry notes are kept back."""
    logger = logging.getLogger("huggingface_hub.utils._http")
    level = logger.level
    logger.setLevel(logging.ERROR)
    silent = False
    try:
        with asked() as answers:
            silent = not answers and not _offline()
            yield
    except (OfftargetError, GeneratorExit):
        raise
    except ValueError as e:
        raise ConfigError(f"hf:{name}: {_short(e)}") from None
    except Exception as e:
        kind, text = type(e).__name__, _short(e)
        gated = "gated" in text.lower()
        if kind in _NOT_THERE and not gated and not silent:
            raise ConfigError(f"hf:{name}: {text}") from None
        if silent and (kind in _NOT_THERE or kind in _OUT_OF_REACH):
            text = f"nothing answers within {SECONDS:g} s, and there is no copy of an earlier visit"
        if gated:
            advice = "accept its terms on its hub page and log in with `hf auth login`"
        elif _offline():
            advice = "HF_HUB_OFFLINE is set: unset it, or give a local .jsonl or .parquet file of the set"
        else:
            advice = "check the network or HF_ENDPOINT, or give a local .jsonl or .parquet file of the set"
        raise UndecidedError(f"hf:{name}: the hub cannot be reached or read ({kind}: {text}); {advice}") from None
    finally:
        logger.setLevel(level)


def _offline() -> bool:
    """Whether somebody said that the hub shall not be asked."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _short(e: Exception) -> str:
    return " ".join(str(e).split())[:200]
