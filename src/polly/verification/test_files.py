"""What a text says about tests: whether it is one, the tests it has, the assertions it makes."""

import re
from collections import Counter
from pathlib import PurePosixPath

_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testing"})

_TEST_NAME = re.compile(
    r"^(test_.*|.*_tests?|.*_spec|conftest)\.\w+$|\.(test|spec|cy)\.\w+$|[A-Za-z0-9](Tests?|Spec|IT)\.\w+$"
)

#: Beside tests, but not tests: data may come and go.
_DATA = frozenset({".json", ".yaml", ".yml", ".toml", ".txt", ".md", ".rst", ".csv", ".snap", ".xml", ".sql"})

_TEST = re.compile(
    r"^[ \t]*(?:async[ \t]+)?def[ \t]+(test\w*)[ \t]*\("  # pytest, unittest
    r"|^func[ \t]+((?:Test|Fuzz|Benchmark)\w*)[ \t]*\("  # Go
    r"|^[ \t]*(?:it|test)(?:\.each\b.{0,200}?)?[ \t]{0,9}\(?[ \t]{0,9}"  # JavaScript, RSpec
    r"(['\"`][^'\"`\n]{1,300}['\"`])"
    r"|(?:@Test|\[Fact\]|\[Test\]|\[Theory\])[^;{]{0,300}?\b(\w+)[ \t]*\("  # Java, C#
    r"|\#\[(?:\w+::)?test\][^;{]{0,300}?\bfn[ \t]+(\w+)",  # Rust
    re.MULTILINE,
)

_ASSERTION = re.compile(
    r"\bassert\b|\bassert\w+!?\s*\(|\.assert\w+\s*\(|\bexpect\s*\(|\bpytest\.(raises|warns)\b|\.should\b"
    r"|\bt\.(Error|Fatal|Fail)\w*\(|\b(require|assert|Assert)\.\w+\s*\("
)


def is_test_file(path: str) -> bool:
    """True for a file of tests, or of code that serves tests, by its name and folders."""
    file = PurePosixPath(path)
    if file.suffix.lower() in _DATA or not file.suffix:
        return False
    return bool(_TEST_NAME.search(file.name)) or not _TEST_FOLDERS.isdisjoint(file.parts[:-1])


def tests_in(text: str) -> Counter[str]:
    """The names of the tests, with how often each occurs. A test that is commented out does not."""
    return Counter(next(name for name in found.groups() if name) for found in _TEST.finditer(text))


def assertions_in(text: str) -> Counter[str]:
    """The lines that assert something, stripped, with how often each occurs."""
    lines = (line.strip() for line in text.splitlines())
    return Counter(
        line for line in lines if not line.startswith(("#", "//", "*")) and _ASSERTION.search(line)
    )
