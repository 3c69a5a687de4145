"""Which files of the repository a text imports."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.planning import import_graph
from polly.planning.import_graph import ImportGraph, read_imports
from polly.planning.modules import Modules


def graph_of(
    files: Mapping[str, str], *, named: tuple[str, ...] = (), to_create: tuple[str, ...] = ()
) -> ImportGraph:
    return read_imports(
        frozenset(files), frozenset(named), frozenset(to_create), lambda path: files[path].encode()
    )


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("import app.store", ["src/app/store.py"]),
        ("import app.store as s, app.web", ["src/app/store.py", "src/app/web/__init__.py"]),
        ("from app import store", ["src/app/store.py"]),
        ("from app.store import Store, open_store", ["src/app/store.py"]),
        (
            "from app import (\n    store,  # the first\n    web,\n)",
            ["src/app/store.py", "src/app/web/__init__.py"],
        ),
        ("from app import store, version", ["src/app/__init__.py", "src/app/store.py"]),
        ("from . import store", ["src/app/store.py"]),
        ("from .web.pages import page", ["src/app/web/pages.py"]),
        ("from .. import helper", ["src/helper.py"]),
        ("if typing:\n    from app.store import Store", ["src/app/store.py"]),
        ("import app.web \\\n    , app.store", ["src/app/store.py", "src/app/web/__init__.py"]),
        ("import helper; helper.go()", ["src/helper.py"]),
        ("import json, logging", []),
        ("from ..... import far", []),
        ("from app import *", ["src/app/__init__.py"]),
        ("important = 1\nfrom_here = 2", []),
        ("def broken(:\nimport app.store\n\0", ["src/app/store.py"]),
    ],
)
def test_python_imports_lead_to_files(text: str, imported: list[str]) -> None:
    paths = ("app/__init__", "app/store", "app/web/__init__", "app/web/pages", "app/main", "helper", "json")
    modules = Modules(frozenset(f"src/{path}.py" for path in paths))
    assert list(modules.imported_by("src/app/main.py", text)) == imported


def test_of_modules_of_one_name_the_nearest_is_meant() -> None:
    modules = Modules(frozenset({"api/tool.py", "api/run.py", "web/tool.py", "web/run.py"}))
    assert modules.imported_by("web/run.py", "import tool") == ("web/tool.py",)


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("import { a } from './store'", ["web/store.ts"]),
        ("import './style.js'", ["web/style.ts"]),
        ("export * from '../lib'", ["lib/index.ts"]),
        ('const s = require("./store.ts")', ["web/store.ts"]),
        ("const s = await import('./store')", ["web/store.ts"]),
        ("import React from 'react'", []),
        ("import x from '../../../../outside'", []),
        ("const text = 'from here'", []),
    ],
)
def test_script_imports_lead_to_files(text: str, imported: list[str]) -> None:
    modules = Modules(frozenset({"web/store.ts", "web/style.ts", "lib/index.ts", "web/app.tsx"}))
    assert list(modules.imported_by("web/app.tsx", text)) == imported


def test_go_imports_lead_to_the_files_of_the_package() -> None:
    modules = Modules(frozenset({"main.go", "pkg/store/a.go", "pkg/store/b.go", "pkg/store/a_test.go"}))
    text = 'import (\n\t"fmt"\n\tst "example.com/app/pkg/store"\n)\n'
    assert modules.imported_by("main.go", text) == ("pkg/store/a.go", "pkg/store/b.go")
    assert modules.imported_by("main.go", 'import "example.com/app/pkg/store"') == (
        "pkg/store/a.go",
        "pkg/store/b.go",
    )


def test_java_imports_lead_to_the_file_of_the_class() -> None:
    root = "src/main/java/org/app"
    modules = Modules(
        frozenset({f"{root}/Store.java", f"{root}/web/Page.java", "src/main/java/com/Store.java"})
    )
    text = "import org.app.Store;\nimport static org.app.web.Page.render;\nimport java.util.List;"
    assert modules.imported_by(f"{root}/Main.java", text) == (f"{root}/Store.java", f"{root}/web/Page.java")


def test_a_file_that_is_yet_to_be_created_can_be_imported() -> None:
    graph = graph_of({"a.py": "from new import thing"}, to_create=("new.py",))
    assert graph.imports["a.py"] == ("new.py",)


def test_importers_are_the_other_way_round() -> None:
    graph = graph_of({"a.py": "import b, c", "b.py": "import c", "c.py": ""})
    assert graph.importers == {"b.py": ("a.py",), "c.py": ("a.py", "b.py")}


def test_files_with_findings_are_read_first_then_tests_and_no_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_graph, "MOST_FILES", 3)
    files = dict.fromkeys(("a.py", "b.py", "test_z.py", "y.py", "picture.png", "notes.md"), "")
    graph = graph_of(files, named=("y.py", "notes.md"))
    assert set(graph.sizes) == {"notes.md", "y.py", "test_z.py"}
    assert graph.unread == 2


def test_nothing_is_read_without_a_reader() -> None:
    assert read_imports(frozenset({"a.py"}), frozenset(), frozenset(), None) == ImportGraph()


PIECES = st.sampled_from(
    [
        "import ",
        "from ",
        ".",
        "(",
        ")",
        "\\\n",
        "\n",
        "a",
        "b.c",
        ",",
        "'./a'",
        '"',
        "require",
        "static ",
        ";",
        "\0",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join), st.sampled_from(["x.py", "x.ts", "x.go", "x.java"]))
def test_any_text_gives_existing_files_other_than_itself(text: str, path: str) -> None:
    paths = frozenset({"x.py", "a.py", "b/c.py", "x.ts", "a.ts", "x.go", "b/c.go", "x.java", "b/c.java"})
    found = Modules(paths).imported_by(path, text)
    assert paths.issuperset(found)
    assert path not in found
