"""Asks a parsed source (ast-grep) what is documented, what has a type, and where it cannot be parsed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from polly.intelligence.languages import Language
from polly.intelligence.quality.measured import Function, Part, Remark, Share
from polly.work.issues import Severity

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_SHELL_BRANCHES = (
    "if_statement", "elif_clause", "while_statement", "for_statement", "c_style_for_statement", "case_item",
)  # fmt: skip


class Coverage(NamedTuple):
    """How much is documented and typed; None where the language has no such thing."""

    documented: Share | None = None
    typed: Share | None = None
    remarks: tuple[Remark, ...] = ()


class Break(NamedTuple):
    """Where a source cannot be parsed."""

    line: int
    text: str


def first_break(root: "SgNode") -> Break | None:
    """The first place that the grammar does not understand; None when it understands all."""
    found = root.find(kind="ERROR")
    if found is None:
        return None
    shown = " ".join(found.text().split())[:60]
    return Break(found.range().start.line + 1, f"unexpected `{shown}`")


def line_of(node: "SgNode") -> int:
    """The line on which it begins, counted from 1."""
    return int(node.range().start.line) + 1


def end_line_of(node: "SgNode") -> int:
    """The line on which it ends, counted from 1."""
    return int(node.range().end.line) + 1


def coverage_of(language: Language, root: "SgNode") -> Coverage:
    """What is documented and typed. For Python only how much could be: ruff says what is missing."""
    match language:
        case Language.PYTHON:
            return Coverage(_python_definitions(root), _python_annotations(root))
        case Language.JAVASCRIPT:
            return _documented(_exported(root))
        case Language.TYPESCRIPT:
            documented, typed = _documented(_exported(root)), _typescript(root)
            return Coverage(documented.documented, typed.typed, (*documented.remarks, *typed.remarks))
        case Language.GO:
            return _documented(_go_exported(root))
        case Language.JAVA:
            return _documented(_java_public(root))
    return Coverage()


def shell_functions(root: "SgNode", lines: int) -> tuple[Function, ...]:
    """The functions of a script; a script without any is one itself."""
    nodes = root.find_all(kind="function_definition")
    if not nodes:
        return (Function(name="script", start_line=1, end_line=lines, complexity=_shell_ways(root)),)
    return tuple(
        Function(
            name=name.text() if (name := node.field("name")) else "function",
            start_line=line_of(node),
            end_line=end_line_of(node),
            complexity=_shell_ways(node),
        )
        for node in nodes
    )


def _shell_ways(node: "SgNode") -> int:
    branches = node.find_all({"rule": {"any": [{"kind": kind} for kind in _SHELL_BRANCHES]}})
    joined = node.find_all({"rule": {"any": [{"pattern": "$A && $B"}, {"pattern": "$A || $B"}]}})
    return 1 + len(branches) + len(joined)


def _python_definitions(root: "SgNode") -> Share:
    nodes = root.find_all(
        {
            "rule": {
                "any": [{"kind": "function_definition"}, {"kind": "class_definition"}],
                "not": {
                    "inside": {
                        "any": [
                            {"kind": "function_definition"},
                            {"kind": "class_definition", "has": {"field": "name", "regex": "^_"}},
                        ],
                        "stopBy": "end",
                    }
                },
                "has": {"field": "name", "regex": "^[^_]"},
            }
        }
    )
    return Share(of=1 + len(nodes), having=0)


def _python_annotations(root: "SgNode") -> Share:
    functions = root.find_all(kind="function_definition")
    parameters = 0
    for function in functions:
        given = function.field("parameters")
        names = [each.text() for each in given.named_children() if each.kind() != "comment"] if given else []
        parameters += len([name for name in names if name not in ("self", "cls", "*", "/")])
    return Share(of=len(functions) + parameters, having=0)


def _exported(root: "SgNode") -> Iterator[tuple["SgNode", bool]]:
    kinds = (
        "function_declaration",
        "class_declaration",
        "interface_declaration",
        "abstract_class_declaration",
    )
    for node in root.children():
        is_export = node.kind() == "export_statement"
        declared = (
            next((each for each in node.children() if each.kind() in kinds), None) if is_export else node
        )
        if declared is not None and declared.kind() in kinds:
            yield node, _comment_above(node, "/**", "//")


def _go_exported(root: "SgNode") -> Iterator[tuple["SgNode", bool]]:
    for node in root.children():
        if node.kind() in ("function_declaration", "method_declaration"):
            name = node.field("name")
        elif node.kind() == "type_declaration":
            spec = node.find(kind="type_spec")
            name = spec.field("name") if spec else None
        else:
            continue
        if name is not None and name.text()[:1].isupper():
            yield node, _comment_above(node, "//", "/*")


def _java_public(root: "SgNode") -> Iterator[tuple["SgNode", bool]]:
    kinds = (
        "class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
        "method_declaration",
    )  # fmt: skip
    for node in root.find_all({"rule": {"any": [{"kind": kind} for kind in kinds]}}):
        modifiers = next((each.text() for each in node.children() if each.kind() == "modifiers"), "")
        if "public" in modifiers.split() and "@Override" not in modifiers:
            yield node, _comment_above(node, "/**")


def _comment_above(node: "SgNode", *beginnings: str) -> bool:
    above = node.prev()
    if above is None or "comment" not in above.kind():
        return False
    return end_line_of(above) >= line_of(node) - 1 and above.text().startswith(beginnings)


def _documented(definitions: Iterator[tuple["SgNode", bool]]) -> Coverage:
    found = list(definitions)
    missing = tuple(
        Remark(
            part=Part.DOCUMENTATION,
            line=line_of(node),
            rule="polly:undocumented",
            severity=Severity.NITPICK,
            message=f"Nothing says what `{node.text().partition(chr(10))[0].strip()[:60]}` is for",
        )
        for node, has_comment in found
        if not has_comment
    )
    return Coverage(Share(of=len(found), having=len(found) - len(missing)), None, missing)


def _typescript(root: "SgNode") -> Coverage:
    functions = root.find_all(
        {"rule": {"any": [{"kind": "function_declaration"}, {"kind": "method_definition"}]}}
    )
    missing: list[Remark] = []
    things = 0
    for function in functions:
        parameters = function.field("parameters")
        wanted = (
            [each for each in parameters.named_children() if each.kind().endswith("_parameter")]
            if parameters
            else []
        )
        things += len(wanted)
        missing += [
            _untyped(each, f"`{each.text()[:40]}` has no type") for each in wanted if not _has_type(each)
        ]
        name = function.field("name")
        if name is not None and name.text() != "constructor":
            things += 1
            if function.field("return_type") is None:
                missing.append(_untyped(function, f"the result of `{name.text()}` has no type"))
    return Coverage(None, Share(of=things, having=things - len(missing)), tuple(missing))


def _has_type(parameter: "SgNode") -> bool:
    given = parameter.field("type")
    return given is not None and given.text().lstrip(": ") != "any"


def _untyped(node: "SgNode", message: str) -> Remark:
    return Remark(
        part=Part.TYPES,
        line=line_of(node),
        rule="polly:untyped",
        severity=Severity.NITPICK,
        message=message,
    )
