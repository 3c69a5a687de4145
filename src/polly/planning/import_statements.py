"""The names that a source text imports, as they stand there. Nothing is executed, whatever the text says.

A statement is found by its first word, so that one broken line costs only itself. A docstring that shows an
import is read like one; what it names has to exist in the repository to count.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

#: Statements looked at in one file.
_MOST = 400


class Name(NamedTuple):
    """One imported name. `members` are modules below it or things inside it; `level` counts leading dots."""

    module: str
    members: tuple[str, ...] = ()
    level: int = 0


#: The rest of a statement: in brackets, or up to the end of the line and of the lines that go on.
#: A bracket that nothing closes is taken in all the same: searching on inside of it would be quadratic.
_REST = r"(?:\([^)]{0,4000}\)?|[^\n;#\\(]{0,500}(?:\\\n[^\n;#\\(]{0,500}){0,50})"
_PYTHON = re.compile(rf"^[ \t]*(from[ \t]+[.\w]+[ \t]+import[ \t]*{_REST}|import[ \t]+{_REST})", re.MULTILINE)
_SCRIPT = re.compile(r"""\b(?:from|import|require)\b\s{0,20}\(?\s{0,20}["'](\.[^"'\n]{0,300})["']""")
_GO = re.compile(r'^import[ \t]+(?:\(([^)]{0,20000})\)?|[\w.]*[ \t]*"([^"\n]{1,300})")', re.MULTILINE)
_GO_PATH = re.compile(r'"([^"\n]{1,300})"')
_JVM = re.compile(r"^[ \t]*import[ \t]+(static[ \t]+)?(\w+(?:\.\w+){1,30})", re.MULTILINE)


def python_names(text: str) -> Iterator[Name]:
    """`import a.b` and `from ..a import b`, each once."""
    for statement in dict.fromkeys(_PYTHON.findall(text)[:_MOST]):
        yield from _python_statement(statement)


@functools.lru_cache(maxsize=4096)
def _python_statement(statement: str) -> tuple[Name, ...]:
    try:
        body = ast.parse(statement.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    names: list[Name] = []
    for node in body:
        if isinstance(node, ast.Import):
            names += [Name(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(Name(node.module or "", tuple(alias.name for alias in node.names), node.level))
    return tuple(names)


def script_names(text: str) -> Iterator[Name]:
    """Relative paths of `import`, `export … from` and `require` of JavaScript and TypeScript."""
    for path in dict.fromkeys(_SCRIPT.findall(text)[:_MOST]):
        yield Name(path)


def go_names(text: str) -> Iterator[Name]:
    """Import paths of Go packages."""
    for block, single in _GO.findall(text)[:_MOST]:
        for path in [single] if single else _GO_PATH.findall(block)[:_MOST]:
            yield Name(path)


def jvm_names(text: str) -> Iterator[Name]:
    """Full names of classes that Java, Kotlin, Scala or Groovy import."""
    for static, name in dict.fromkeys(_JVM.findall(text)[:_MOST]):
        yield Name(name.rpartition(".")[0] if static else name)


NAMES: dict[str, Callable[[str], Iterator[Name]]] = {
    "python": python_names,
    "script": script_names,
    "go": go_names,
    "jvm": jvm_names,
}

_SUFFIXES = {
    "python": ("py", "pyi"),
    "script": ("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"),
    "go": ("go",),
    "jvm": ("java", "kt", "kts", "scala", "groovy"),
}
_LANGUAGE = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes}


def language_of(path: str) -> str | None:
    """Whose import statements a file with this name has; None when they are not read."""
    name = path.rpartition("/")[2]
    return _LANGUAGE.get(name.rpartition(".")[2].lower()) if "." in name else None
