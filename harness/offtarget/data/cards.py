"""Dataset cards: where pairs come from, under which terms, and which adapter reads them."""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from offtarget.data.files import find_files
from offtarget.data.shapes import AnyAdapter
from offtarget.documents import read_yaml
from offtarget.errors import ConfigError
from offtarget.records import Record, explain_all


class HubSource(Record):
    """A dataset on the Hugging Face hub."""

    kind: Literal["hub"] = "hub"
    id: str = Field(pattern=r"^\w[\w.-]*/\w[\w.-]*$")
    config: str | None = None
    data_dir: str | None = None
    data_files: str | tuple[str, ...] | dict[str, str | tuple[str, ...]] | None = None
    """As `datasets.load_dataset` takes it; a mapping is split -> files."""


ANYWHERE = "anywhere"
"""Key of the validation context under which a card may name files outside its folder."""


def inside_folder(path: str) -> str:
    """The path, if it leads to something inside the folder that it is relative to.

    Raises:
        ValueError: it is absolute, or leads out.
    """
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path or ":" in path:
        raise ValueError(f"'{path}' must be relative to the card's folder and inside it, without '..'")
    return path


class PathSource(Record):
    """Files beside the card."""

    kind: Literal["path"] = "path"
    path: str | dict[str, str]
    """A file, folder or pattern, or split -> such; relative to the card's folder. It must be inside it, unless a person
    names the card by its path: then the data may be anywhere."""

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str | dict[str, str], info: ValidationInfo) -> str | dict[str, str]:
        if info.context and info.context.get(ANYWHERE):
            return value
        for one in [value] if isinstance(value, str) else value.values():
            inside_folder(one)
        return value


class RowColumns(Record):
    """Columns that describe the row as a whole; used where the source has them."""

    id: str = "id"
    group: str = "group"
    """The unit of splitting and clustering; `prompt` means the prompt itself."""
    split: str = "split"
    system: str | None = None
    """A system turn before the prompt."""
    context: str | None = None
    """Text before the last turn of the prompt, with a blank line between."""
    input: str | None = None
    """Text behind the last turn of the prompt, on its own line (the input of an instruction)."""
    earlier: str | None = None
    """Turns before the prompt: a list of (question, answer)."""


class DatasetCard(Record):
    """What is known of a dataset before it is read. One YAML file each."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    """A short slug: what the command line calls it."""
    title: str
    source: Annotated[HubSource | PathSource, Field(discriminator="kind")]
    revision: str | None = None
    """The commit of the source. Written only if it was seen."""
    verified: bool = False
    """Whether that revision was really read, with this adapter."""
    evidence: str
    """What was seen of the set, and where; which columns are from documentation or memory alone."""
    licence: str
    redistribution: Literal["yes", "no", "unknown"] = "unknown"
    """Whether text of the set may be shown in committed results."""
    preference_source: Literal["human", "llm_judge", "rule", "synthetic", "mixed", "unknown"]
    language: str
    rows: int | None = None
    """Documented number of rows over all splits."""
    adapter: AnyAdapter
    columns: RowColumns = RowColumns()
    splits: tuple[str, ...] = ()
    """As the source names them; the first is read when none is asked for."""
    truth: str | None = None
    """File beside the card that says what was put into which row (`data.truth`), of sets that are made."""
    citation: str | None = None
    url: str | None = None
    notes: str = ""

    @field_validator("truth")
    @classmethod
    def _beside(cls, value: str | None) -> str | None:
        return value if value is None else inside_folder(value)

    @field_validator("redistribution", mode="before")
    @classmethod
    def _yaml_yes_no(cls, value: Any) -> Any:
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _pin_was_seen(self) -> "DatasetCard":
        if isinstance(self.source, HubSource):
            if self.revision is not None and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
                raise ValueError(f"revision '{self.revision}' must be a full commit hash, or null")
            if self.verified != (self.revision is not None):
                raise ValueError("verified and revision go together: a revision that was not seen is null")
        elif isinstance(self.source.path, dict) and set(self.source.path) != set(self.splits):
            raise ValueError("splits must list the keys of source.path")
        return self


def load_card(path: Path, *, anywhere: bool = False, reading_only: bool = False) -> DatasetCard:
    """Read and check a dataset card.

    Args:
        path: the file.
        anywhere: whether its data may lie outside its folder: only for a card that a person named by its path.
        reading_only: whether it only says how to read files that are named beside it: all but `adapter` may be missing.

    Raises:
        ConfigError: the file is not there, is not YAML, or breaks the schema; with the file, each key and, for an
            unknown key, the nearest known one.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: a card is a mapping of keys to values; this file is not")
    if reading_only:
        name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:60] or "card"
        content = {**_UNSTATED, "name": name, "title": name, **content}
    try:
        return DatasetCard.model_validate(content, context={ANYWHERE: anywhere})
    except ValidationError as e:
        raise ConfigError(f"{path}: {' · '.join(explain_all(e, DatasetCard))}") from None


_UNSTATED = {
    "source": {"kind": "path", "path": "."}, "evidence": "none stated", "licence": "none stated",
    "preference_source": "unknown", "language": "none stated",
}  # fmt: skip


def truth_file(card_path: Path, relative: str) -> Path:
    """The truth file of a card.

    Raises:
        ConfigError: it is not there, or leads out of the card's folder (by a link).
    """
    folder = card_path.parent.resolve()
    file = (folder / relative).resolve()
    if not file.is_relative_to(folder):
        raise ConfigError(f"{card_path}: truth '{relative}' leads out of {folder}; keep it beside the card")
    if not file.is_file():
        raise ConfigError(f"{card_path}: truth '{relative}' is not there ({file})")
    return file


def source_files(card_path: Path, relative: str, *, anywhere: bool = False) -> tuple[Path, ...]:
    """The files a path card speaks of: one, those of a folder, or those that match a pattern.

    Args:
        card_path: the card.
        relative: what it says.
        anywhere: whether they may lie outside the card's folder.

    Raises:
        ConfigError: one is not there, or leads out of the card's folder (by a link).
    """
    folder = card_path.parent.resolve()
    found = find_files([str(folder / Path(relative).expanduser())])
    files = tuple(f for _, part in found.parts for f in part)
    for file in files:
        if not anywhere and not file.resolve().is_relative_to(folder):
            raise ConfigError(
                f"{card_path}: source '{relative}' leads out of {folder}; keep the data beside the card, or name the "
                "card by its path"
            )
        if not file.is_file():
            raise ConfigError(f"{card_path}: source '{relative}' is not there ({file})")
    return files
