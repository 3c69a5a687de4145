"""Valid documents, damaged on purpose: every reader still gives an inventory or a reason."""

import copy
import gzip
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def _beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


seeds, target = _beside("seeds"), _beside("target")

HOSTILE: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, -1, 0, 10**18, -(10**400), 1e308, float("nan"), float("inf")),
        *(
            "",
            " ",
            "\0",
            "\ud800",
            "\u202e\x1b[2J\x07",
            "a" * 5000,
            "../../etc/passwd",
            "C:\\x",
            "//s/h/x",
            ".git/x",
        ),
        *(
            "file:///%zz",
            "a\nb",
            "`" * 99,
            "**" * 99,
            "| " * 99,
            "C1-C99999",
            "1" * 400,
            "{0}{1}{{",
            "[x](1)",
        ),
        *(
            [],
            {},
            [[[[]]]],
            {"": None},
            [None],
            ["a.py"],
            {"path": "a.py"},
            "🔴" * 50,
            "é",
            "fixed",
            "WP1",
            "critical",
        ),
    ]
)
LINES = st.sampled_from(
    [
        *(
            "",
            "---",
            "```",
            "# x",
            "### C1. again",
            "### P1-P9999999. x",
            "**1. x**",
            "| a | b |",
            "|---|---|",
        ),
        *(
            "- [x] C1: x (3h)",
            "**File**: `" + "a:1," * 50 + "`",
            "**Status**: banana",
            "Total Effort: 9999999 hours",
        ),
        *(
            "> " * 60,
            "\0",
            "\u2028\u202e",
            "[" * 200,
            "**Total**: 99999 issues",
            "all 7 work packages committed",
        ),
        *(
            "WP1 is not yet committed",
            "<details>" * 30,
            "0000000 fix(WP1): x",
            "**Date**: 9999-99-99",
            "\x1b]8;;x\x07",
        ),
    ]
)
DAMAGE = ("keep", "cut", "flip", "insert", "double", "utf16", "gzip", "mojibake", "bom", "lone")


def nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from nodes(value)


@st.composite
def trees(draw: st.DrawFn) -> tuple[str, bytes]:
    """A JSON seed in which some nodes were replaced, removed, repeated or taken from elsewhere."""
    name = draw(st.sampled_from(sorted(seeds.TREES)))
    tree = copy.deepcopy(seeds.TREES[name])
    for _ in range(draw(st.integers(1, 4))):
        places = list(nodes(tree))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        action = draw(st.sampled_from(["replace", "remove", "wrap", "borrow"]))
        if action == "remove":
            del holder[key]
        elif action == "wrap":
            holder[key] = [holder[key], holder[key]]
        elif action == "borrow":
            other, there = draw(st.sampled_from(places))
            holder[key] = copy.deepcopy(other[there]) if there in other or isinstance(other, list) else None
        else:
            holder[key] = copy.deepcopy(draw(HOSTILE))
    return name, json.dumps(tree).encode("utf-8", "surrogatepass")


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, bytes]:
    """A text seed in which some lines were replaced, removed, repeated or moved."""
    name = draw(st.sampled_from(sorted(seeds.TEXTS)))
    lines = seeds.TEXTS[name].split("\n")
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(lines)))
        action = draw(st.sampled_from(["insert", "remove", "repeat", "borrow"]))
        if action == "insert":
            lines.insert(place, draw(LINES))
        elif action == "remove":
            del lines[place : place + draw(st.integers(1, 3))]
        elif action == "repeat":
            lines[place:place] = lines[max(0, place - 3) : place]
        else:
            lines.insert(place, draw(st.sampled_from(seeds.REVIEW.split("\n"))))
    return name, "\n".join(lines).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A seed, mutated, whose bytes were damaged as well."""
    name, data = draw(trees() | texts())
    place = draw(st.integers(0, len(data)))
    damage = draw(st.sampled_from(DAMAGE))
    if damage == "cut":
        data = data[:place]
    elif damage == "flip":
        data = data[:place] + draw(st.binary(min_size=1, max_size=4)) + data[place + 1 :]
    elif damage == "insert":
        data = (
            data[:place]
            + draw(st.sampled_from([b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"[" * 3000, b"\r", b"\x85"]))
            + data[place:]
        )
    elif damage == "double":
        data = data + draw(st.sampled_from([b"", b"\n", b","])) + data
    elif damage == "utf16":
        data = data.decode("utf-8", "replace").encode("utf-16")
    elif damage == "gzip":
        data = gzip.compress(data, mtime=0)[: place or None]
    elif damage == "mojibake":
        data = data.decode("cp1252", "replace").encode("utf-8", "replace")
    elif damage == "bom":
        data = b"\xef\xbb\xbf" + data
    elif damage == "lone":
        data = data.replace(b"x", b"\\ud800")
    return name, data


#: Examples for each of these tests; `make fuzz` asks for many more.
EXAMPLES = int(os.environ.get("POLLY_FUZZ_EXAMPLES", "150"))
SLOW = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=EXAMPLES
)


@pytest.mark.parametrize("name", sorted(seeds.encoded()))
def test_every_seed_is_read_as_what_it_is(name: str) -> None:
    inventory = target.take(name, seeds.encoded()[name])
    if name != "summary.md":
        assert inventory is not None
        assert inventory.counts.read > 0
    target.claim(name, seeds.encoded()[name])


@given(document=trees())
@SLOW
def test_json_with_hostile_values_is_read_or_refused(document: tuple[str, bytes]) -> None:
    target.take(*document)


@given(document=texts())
@SLOW
def test_text_with_hostile_lines_is_read_or_refused(document: tuple[str, bytes]) -> None:
    target.take(*document)


@given(document=damaged())
@SLOW
def test_damaged_bytes_are_read_or_refused(document: tuple[str, bytes]) -> None:
    target.take(*document)


@given(document=damaged())
@SLOW
def test_the_claims_of_damaged_documents_are_checked_or_refused(document: tuple[str, bytes]) -> None:
    target.claim(*document)
