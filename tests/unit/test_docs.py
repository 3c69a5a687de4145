"""The documentation is true: it is compared with the program, the settings and itself."""

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from polly.cli.exit_code import ExitCode
from polly.cli.main import COMMANDS, build_app
from polly.settings import SecretFrom, Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _files() -> list[Path]:
    """Every file that belongs to the project: what git knows or would add, or all of an unpacked archive."""
    # safe.directory: in a container the checkout often belongs to another user
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        folders = ("src", "tests", "docs", "benchmarks", ".ci", ".github")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.glob("*.*"))
    return sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts)


FILES = _files()
PAGES = [path for path in FILES if path.suffix == ".md" and not path.is_relative_to(ROOT / "tests")]
# The sample project is a project of its own; its pages speak of its own files.
PAGES = [path for path in PAGES if not path.is_relative_to(ROOT / "src")]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_page_of_commands_is_what_the_program_says() -> None:
    spec = importlib.util.spec_from_file_location("generate_commands", DOCS / "generate_commands.py")
    assert spec
    assert spec.loader
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    assert written == generator.render(), "run `make docs`"


def test_every_command_ends_its_help_with_an_example() -> None:
    group: Any = get_command(build_app())
    assert set(group.commands) == {name for names in COMMANDS.values() for name in names}
    for name, command in _every_command(group):
        assert command.help.rstrip().split("\n\n")[-1].startswith(f"Example: `polly {name}"), name


def _every_command(group: Any) -> Iterator[tuple[str, Any]]:
    """Every command, also those of groups (`db upgrade`), by the words that call it."""
    for name, command in group.commands.items():
        yield name, command
        for inner, each in getattr(command, "commands", {}).items():
            yield f"{name} {inner}", each


def _command_lines() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in _FENCE.finditer(text):
            for line in fence[2].replace("\\\n", " ").splitlines():
                for words in _commands_of(line):
                    if words[0] == "polly":
                        yield _name(page), words[1:]


def _commands_of(line: str) -> Iterator[list[str]]:
    """The simple commands of a shell line, without prompt, comment, variables and redirections."""
    if line.lstrip().startswith("polly ") or line.lstrip().startswith("$ ") or " polly " in f" {line}":
        lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if not set(word) <= set("|&;"):
                words += [] if not words and re.fullmatch(r"[A-Z_]+=.*", word) else [word]
            elif words:
                yield words
                words = []


@pytest.mark.parametrize(("place", "words"), [*_command_lines()])
def test_every_command_line_of_the_documentation_can_be_typed(place: str, words: list[str]) -> None:
    _assert_can_be_typed(place, words, get_command(build_app()))


def test_every_command_line_in_the_help_can_be_typed() -> None:
    group: Any = get_command(build_app())
    for name, command in [("", group), *_every_command(group)]:
        for words in re.findall(r"`polly ([^`]*)`", command.help):
            _assert_can_be_typed(f"polly {name} --help", shlex.split(words), group)


def _assert_can_be_typed(place: str, words: list[str], group: Any) -> None:
    if words[0].startswith("-"):
        known = {option for param in group.params for option in param.opts} | {"--help", "-h"}
        assert words[0] in known, place
        return
    command = group.commands.get(words[0])
    assert command, f"{place}: there is no command {words[0]!r}"
    inner = getattr(command, "commands", {}).get(words[1]) if len(words) > 1 else None
    if inner:
        command, words = inner, words[1:]
    try:
        command.make_context(words[0], words[1:])
    except typer.TyperException as error:
        pytest.fail(f"{place}: polly {shlex.join(words)}: {error.format_message()}")
    except typer.Exit:
        pass  # --help answers and ends


def _settings_keys(
    model: type[BaseModel], prefix: str = "", seen: frozenset[type] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Each key as the page names it, with its default as TOML."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = _model_in(field.annotation)
        if inner is not None and isinstance(field.default, inner):
            yield from _settings_keys(inner, f"{key}.", seen)
            continue
        yield key, _toml(field.default)
        if inner is not None and inner is not SecretFrom and inner not in seen:
            seen |= {inner}
            nested = f"{key}.<name>." if "dict" in str(field.annotation) else f"{key}[]."
            yield from _settings_keys(inner, nested, seen)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _toml(default: object) -> str:
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    known = {None: "none", (): "`[]`", "": '`""`'}
    if isinstance(default, dict):
        return "`{}`"
    if default in known:
        return known[default]
    return f"`{default:g}`" if isinstance(default, int | float) else f'`"{default}"`'


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", page, flags=re.MULTILINE)
    assert rows == [*_settings_keys(Settings)]


def test_every_exit_code_is_documented() -> None:
    page = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)] == [*ExitCode]


def test_every_decision_and_every_page_is_listed() -> None:
    decisions = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    assert sorted(link for link in _LINK.findall(decisions) if link[0].isdigit()) == files
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).as_posix()
        assert name == "README.md" or re.match(r"decisions/\d", name) or f"]({name})" in index, name


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{_name(page)}: {link}"
        assert path.is_relative_to(ROOT), f"{_name(page)}: {link}"
        assert not anchor or anchor in _anchors(path), f"{_name(page)}: {link}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


#: Put together here so that this file does not contain what it forbids.
_HOSTS = re.compile(
    "|".join([r"pypi\.(org|io)", r"python" + r"hosted", r"npm" + r"js\.", r"anaconda\.org", "index" + "-url"])
)
_HOMES = re.compile(r"(?<![\w.])/(root|home/[\w.-]+|Users/[\w.-]+)/" + r"|\b[A-Z]:\\+Users\\")


def test_no_file_names_a_package_host() -> None:
    found = [place for path in FILES for place in _places(path, _HOSTS)]
    assert [place for place in found if not place.endswith(": --no-emit-index" + "-url")] == []


def test_no_file_outside_the_tests_names_a_home_folder() -> None:
    outside = [path for path in FILES if not path.is_relative_to(ROOT / "tests")]
    assert [place for path in outside for place in _places(path, _HOMES)] == []


def _places(path: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    text = path.read_bytes().decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        for match in re.finditer(rf"\S*(?:{pattern.pattern})\S*", line):
            yield f"{_name(path)}:{number}: {match[0]}"
