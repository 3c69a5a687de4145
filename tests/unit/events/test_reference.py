"""docs/reference/events.md says what the catalog and the schema say."""

import re
from pathlib import Path

from polly.events.catalog import CATALOG
from polly.events.envelope import Envelope
from polly.store import schema

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


def test_every_type_is_documented_with_its_topic_and_no_other() -> None:
    documented = dict(re.findall(r"^\| `(dev\.polly\.[^`]+)` \| `([^`]+)` \|", PAGE, flags=re.MULTILINE))
    assert documented == {name: event.topic for name, event in CATALOG.items()}


def test_every_attribute_of_the_envelope_is_documented() -> None:
    for attribute in Envelope.__struct_fields__:
        assert f"| `{attribute}` |" in PAGE


def test_every_table_is_documented_with_its_key() -> None:
    documented = dict(
        re.findall(r"^\| `([a-z_]+)` \| [^|\n]+ \| ((?:`\w+`(?:, )?)+) \|$", PAGE, flags=re.MULTILINE)
    )
    keys = {
        name: ", ".join(f"`{column.name}`" for column in table.primary_key.columns)
        for name, table in schema.metadata.tables.items()
    }
    assert documented == keys
