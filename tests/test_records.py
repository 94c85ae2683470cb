"""What is said of a document that does not fit its record."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from offtarget.records import Record, explain, explain_all


class Cat(Record):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(Record):
    kind: Literal["dog"] = "dog"
    tricks: tuple[str, ...] = ()


class Owner(Record):
    name: str
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Cat()
    others: tuple[Cat, ...] | str = ()
    by_room: dict[str, Cat] = {}
    weight: float | None = None


def fault(**document: Any) -> ValidationError:
    with pytest.raises(ValidationError) as error:
        Owner.model_validate(document)
    return error.value


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"name": "A", "pets": {}}, "unknown key 'pets'; did you mean pet?"),
        ({"name": "A", "pet": {"kind": "dog", "trick": []}}, "unknown key 'pet.trick'; did you mean pet.tricks?"),
        ({"name": "A", "pet": {"kind": "dog", "xyz": 1}}, "unknown key 'pet.xyz'; keys are kind, tricks"),
        ({"name": "A", "others": [{"live": 3}]}, "unknown key 'others.0.live'; did you mean others.0.lives?"),
        (
            {"name": "A", "by_room": {"hall": {"live": 3}}},
            "unknown key 'by_room.hall.live'; did you mean by_room.hall.lives?",
        ),
        ({"pet": {"kind": "bird"}, "name": "A"}, "key 'pet.kind' is 'bird'; must be one of cat, dog"),
        ({"pet": {}, "name": "A"}, "key 'pet.kind' is None; must be one of cat, dog"),
        ({}, "key 'name' is missing; add it"),
        ({"name": None}, "name: there is nothing behind it; give it a value or leave the key out"),
        ({"name": "A", "others": [{"lives": 1.5}]}, "others.0.lives: Input should be a valid integer"),
        ({"name": "A", "weight": float("inf")}, "weight: Input should be a finite number (got 'inf')"),
        ({"name": 3, "nmae": "A"}, "unknown key 'nmae'; did you mean name?"),
    ],
)
def test_a_fault_is_told_by_its_key_as_the_document_has_it(document: dict[str, Any], says: str) -> None:
    assert explain(fault(**document), Owner).startswith(says)


def test_every_fault_can_be_told() -> None:
    assert explain_all(fault(pet={"kind": "dog", "trick": []}), Owner) == [
        "key 'name' is missing; add it",
        "unknown key 'pet.trick'; did you mean pet.tricks?",
    ]


def test_parts_of_a_document_have_names_that_people_know() -> None:
    parts = {"others.1": "the second cat", "others.10": "the eleventh cat", "": "the file"}
    cats: list[dict[str, Any]] = [{}] * 10
    assert explain(fault(name="A", others=[{}, {"live": 3}]), Owner, parts) == (
        "the second cat has an unknown key 'live'; did you mean lives?"
    )
    assert explain(fault(name="A", others=[*cats, {"lives": "x"}]), Owner, parts).startswith(
        "the eleventh cat, key 'lives': Input should be a valid integer"
    )
    assert explain(fault(), Owner, parts) == "the file lacks 'name'; add it"
