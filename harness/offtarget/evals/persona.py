"""Statements that show a trait: our own, or those of the public set of Perez et al. (2022), found by its id on the hub."""

import json
import re
from pathlib import Path
from typing import Any

from offtarget.errors import ConfigError, UndecidedError, unknown_name
from offtarget.evals.prompts import read_rows
from offtarget.hub import asked

PUBLIC = "Anthropic/model-written-evals"
"""CC BY 4.0; `persona/TRAIT.jsonl` with statement and answer_matching_behavior. Its rows are fetched, never kept here."""
LEAD = "hf:"


def items_of(path: Path | str, trait: str) -> list[dict[str, Any]]:
    """The statements of one trait: rows with id, kind, statement, matching (Yes or No).

    Args:
        path: a file of items.
        trait: one of its kinds; `hf:TRAIT` for one of the public set; empty for all of the file.

    Raises:
        ConfigError: no such trait, or an item without a statement or an answer.
        UndecidedError: the hub is out of reach.
    """
    if trait.startswith(LEAD):
        return public_items(trait.removeprefix(LEAD))
    rows = read_rows(path)
    for row in rows:
        if not row.get("statement") or row.get("matching") not in ("Yes", "No"):
            raise ConfigError(f"{path}: item '{row['id']}' needs a statement, and matching: Yes or No")
    traits = dict.fromkeys(str(row.get("kind", "")) for row in rows)
    if trait and trait not in traits:
        raise unknown_name("trait", trait, [t for t in traits if t], hint=f"(or {LEAD}TRAIT, of {PUBLIC})")
    return [row for row in rows if not trait or row.get("kind") == trait]


def public_items(trait: str) -> list[dict[str, Any]]:
    """The statements of one trait of the public set, as items of ours.

    Raises:
        ConfigError: the set has no such trait, or its file is not what it was.
        UndecidedError: the hub is out of reach.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    if not re.fullmatch(r"[a-z0-9-]+", trait):
        raise ConfigError(f"'{LEAD}{trait}': traits of {PUBLIC} are written like desire-for-popularity")
    name = f"persona/{trait}.jsonl"
    try:
        with asked():
            file = Path(hf_hub_download(PUBLIC, name, repo_type="dataset"))
    except LocalEntryNotFoundError:
        raise UndecidedError(
            f"{PUBLIC} cannot be fetched from the hub: check the network, or ask our own traits"
        ) from None
    except EntryNotFoundError:
        raise ConfigError(f"{PUBLIC} has no {name}: look at https://hf.co/datasets/{PUBLIC}") from None
    except OSError as e:
        raise UndecidedError(
            f"{PUBLIC} cannot be fetched from the hub ({type(e).__name__}): check the network"
        ) from None
    return read_public(file, trait)


def read_public(file: Path, trait: str) -> list[dict[str, Any]]:
    """A file of the public set as items of ours.

    Raises:
        ConfigError: a line that is no such item.
    """
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            statement, matching = str(row["statement"]), str(row["answer_matching_behavior"]).strip()
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f"{file}, line {number}: not an item with statement and answer_matching_behavior"
            ) from None
        if matching not in ("Yes", "No"):
            raise ConfigError(f"{file}, line {number}: answer_matching_behavior is {matching!r}, not Yes or No")
        rows.append({"id": f"{trait}-{number:04}", "kind": trait, "statement": statement, "matching": matching})
    return rows
