"""Rules that find shapes in code: YAML files, shipped ones and those of a repository in .polly/patterns/."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import yaml

from polly.errors import InputError
from polly.intelligence.languages import KINDS, Language
from polly.intelligence.patterns.quick_regex import with_quick_regexes
from polly.work.issues import Severity

if TYPE_CHECKING:
    from ast_grep_py import Config

SHIPPED = Path(__file__).with_name("rules")
#: more than all shipped rules together; a larger file is not a file of rules
MOST_BYTES = 300_000
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
#: how msgspec says which field is wrong
_FIELD = re.compile(r" - at `\$\.?(?P<field>.*)`$", re.DOTALL)
_STEP = "docs/reference/patterns.md shows how a rule is written."


class RuleError(InputError):
    """A file of rules that cannot be used; the text names the file and the field."""


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for in some languages. rule, constraints, utils: as ast-grep has them.

    confidence: in these languages, when it differs from that of the rule.
    """

    languages: tuple[Language, ...]
    rule: dict[str, Any]
    constraints: dict[str, Any] = msgspec.field(default_factory=dict)
    utils: dict[str, Any] = msgspec.field(default_factory=dict)
    confidence: float | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One shape. why: what a match says. confidence: how sure a match is, from 0 to 1.

    severity: only for rules that find something wrong.
    """

    name: str
    category: str
    why: str
    confidence: float
    matches: tuple[Match, ...]
    severity: Severity | None = None


class _RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rules: tuple[Rule, ...]
    rules_version: int = 1


class _Loader(yaml.SafeLoader):
    """YAML without aliases: some lines with them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


@cache
def shipped_rules(folder: Path = SHIPPED) -> tuple[Rule, ...]:
    """The rules that come with Polly."""
    return tuple(_quick(rule) for file in sorted(folder.glob("*.yaml")) for rule in read_rules(file))


def _quick(rule: Rule) -> Rule:
    """Names of other alphabets are not what the shipped rules look for; rules of users stay as they are."""
    matches = tuple(
        msgspec.structs.replace(each, rule=with_quick_regexes(each.rule)) for each in rule.matches
    )
    return msgspec.structs.replace(rule, matches=matches)


def load_rules(own: Path | None = None) -> tuple[Rule, ...]:
    """The shipped rules, and those of the folder; one of the same name replaces the shipped one.

    Raises RuleError.
    """
    if own is None:
        return shipped_rules()
    if not own.is_dir():
        raise RuleError(f"{own} is not a folder of pattern rules", next_step=_STEP)
    found: dict[str, Rule] = {}
    places: dict[str, Path] = {}
    for file in sorted((*own.glob("*.yaml"), *own.glob("*.yml"))):
        for rule in read_rules(file):
            if rule.name in found:
                raise _bad(
                    file, f"rule `{rule.name}`", f"the name stands in {places[rule.name].name} as well"
                )
            found[rule.name], places[rule.name] = rule, file
    return (*(rule for rule in shipped_rules() if rule.name not in found), *found.values())


def read_rules(file: Path) -> tuple[Rule, ...]:
    """The checked rules of one file. Raises RuleError naming the file and the field."""
    try:
        raw = file.read_bytes()
        if len(raw) > MOST_BYTES:
            raise _bad(file, "the file", f"has {len(raw)} bytes, more than {MOST_BYTES}")
        value = yaml.load(raw.decode("utf-8"), Loader=_Loader)  # noqa: S506 # nosec B506 - a SafeLoader
    except OSError as error:
        raise _bad(file, "the file", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _bad(file, "the file", f"is not UTF-8 (byte {error.start})") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _bad(file, "the file", f"is not YAML: {' '.join(str(error).split())[:300]}") from error
    try:
        read = msgspec.convert(value, _RuleFile)
    except (msgspec.ValidationError, RecursionError) as error:
        field = _FIELD.search(str(error))
        raise _bad(file, field["field"] if field else "the file", _FIELD.sub("", str(error))) from error
    if read.rules_version != 1:
        raise _bad(file, "rules_version", f"is {read.rules_version}; this Polly reads version 1")
    names: set[str] = set()
    for index, rule in enumerate(read.rules):
        _check(file, f"rules[{index}] ({rule.name})", rule, names)
    return read.rules


def rules_for(language: Language, rules: Sequence[Rule]) -> Iterator[tuple[Rule, Match]]:
    """The rules that look at this language, with what they look for in it."""
    for rule in rules:
        for match in rule.matches:
            if language in match.languages:
                yield rule, match


def config_of(match: Match) -> "Config":
    """The match as ast-grep takes it."""
    config: dict[str, Any] = {"rule": match.rule}
    if match.constraints:
        config["constraints"] = match.constraints
    if match.utils:
        config["utils"] = match.utils
    return cast("Config", config)


def _check(file: Path, place: str, rule: Rule, names: set[str]) -> None:
    for field, text in (("name", rule.name), ("category", rule.category)):
        if not _KEBAB.fullmatch(text):
            raise _bad(
                file, f"{place}.{field}", f"{text!r} is not a name of small letters, digits and hyphens"
            )
    if rule.name in names:
        raise _bad(file, f"{place}.name", "stands twice in this file")
    names.add(rule.name)
    if not rule.why.strip():
        raise _bad(file, f"{place}.why", "is empty")
    if not rule.matches:
        raise _bad(file, f"{place}.matches", "is empty")
    _check_confidence(file, f"{place}.confidence", rule.confidence)
    for index, match in enumerate(rule.matches):
        where = f"{place}.matches[{index}]"
        _check_confidence(file, f"{where}.confidence", match.confidence)
        if not match.languages:
            raise _bad(file, f"{where}.languages", "is empty")
        for language in match.languages:
            _check_match(file, where, language, match)


def _check_confidence(file: Path, place: str, confidence: float | None) -> None:
    if confidence is not None and not 0 < confidence <= 1:
        raise _bad(file, place, f"is {confidence}; it is a number over 0 and up to 1")


def _check_match(file: Path, place: str, language: Language, match: Match) -> None:
    grammars = {kind.grammar for kind in KINDS.values() if kind.language is language and kind.grammar}
    if not grammars:
        raise _bad(file, f"{place}.languages", f"{language.value} has no grammar that rules can use")
    try:
        from ast_grep_py import SgRoot  # noqa: PLC0415 - of an extra that may be missing
    except ImportError:
        return  # nothing can be matched either, and that is told with every source
    for grammar in sorted(grammars):
        try:
            SgRoot("", grammar).root().find(config_of(match))
        except Exception as error:
            raise _bad(
                file, f"{place}.rule", f"ast-grep refuses it for {language.value}: {_cause(error)}"
            ) from error


def _cause(error: Exception) -> str:
    said = str(error).partition("Stack backtrace")[0].partition("Caused by:")
    return " ".join((said[2] or said[0]).split())


def _bad(file: Path, place: str, what: str) -> RuleError:
    return RuleError(f"bad rule: {file}: {place}: {what}", next_step=_STEP)
