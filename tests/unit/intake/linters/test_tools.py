"""What each tool's report becomes. The reports are small, in the shape that the tool writes."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polly.intake.document import parse
from polly.intake.sources.linters.load import shipped_tools
from polly.intake.sources.linters.shape import recognised
from polly.intake.sources.linters.tool import Edits, Failure, Figure, Findings, Related, Tool, Where
from polly.work.issues import Inventory

Take = Callable[..., Inventory]

FILE = "".join(f"line {number}\n" for number in range(1, 101))
PATHS = (
    "a.py",
    "a.js",
    "a.css",
    "a.go",
    "a.sh",
    "a.rb",
    "a.php",
    "a.c",
    "a.rs",
    "a.md",
    "a.tf",
    "Dockerfile",
)
FILES = dict.fromkeys((*PATHS, "a.swift", "a.kt", "ci.yml", "package-lock.json"), FILE)

#: name, report, and each finding read: "severity rule place", or "left out: reason".
CASES: list[tuple[str, Any, list[str]]] = [
    (
        "ruff",
        [
            {
                "code": "F401",
                "end_location": {"column": 10, "row": 3},
                "filename": "a.py",
                "fix": None,
                "location": {"column": 8, "row": 3},
                "message": "unused",
                "url": "https://example.org/F401",
            },
            {
                "code": None,
                "end_location": {"column": 1, "row": 5},
                "filename": "a.py",
                "location": {"column": 3, "row": 4},
                "message": "SyntaxError: no",
            },
        ],
        ["major F401 a.py:3", "major - a.py:4"],
    ),
    (
        "mypy",
        [
            {
                "file": "a.py",
                "line": 3,
                "column": 0,
                "end_line": 5,
                "end_column": 4,
                "message": "no type",
                "hint": "Annotate it",
                "code": "no-untyped-def",
                "severity": "error",
            },
            {
                "file": "a.py",
                "line": 1,
                "column": -1,
                "message": "unused ignore",
                "hint": None,
                "code": "unused-ignore",
                "severity": "error",
            },
            {
                "file": "a.py",
                "line": 4,
                "column": 2,
                "message": "Revealed",
                "hint": None,
                "code": "misc",
                "severity": "note",
            },
        ],
        ["major no-untyped-def a.py:3-5", "major unused-ignore a.py:1", "left out: informational"],
    ),
    (
        "pyright",
        {
            "version": "1",
            "generalDiagnostics": [
                {
                    "file": "a.py",
                    "severity": "error",
                    "message": "not resolved",
                    "range": {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 9}},
                    "rule": "reportMissingImports",
                },
                {
                    "file": "a.py",
                    "severity": "information",
                    "message": "see",
                    "range": {"start": {"line": 9, "character": 0}, "end": {"line": 10, "character": 0}},
                },
            ],
            "summary": {"errorCount": 1, "warningCount": 0},
        },
        ["major reportMissingImports a.py:1", "nitpick - a.py:10"],
    ),
    (
        "pylint",
        [
            {
                "type": "convention",
                "obj": "",
                "line": 1,
                "column": 0,
                "endLine": None,
                "path": "a.py",
                "symbol": "missing-docstring",
                "message": "Missing",
                "message-id": "C0114",
            },
            {
                "type": "error",
                "line": 7,
                "column": 4,
                "endLine": 8,
                "path": "a.py",
                "symbol": "no-member",
                "message": "No member",
                "message-id": "E1101",
            },
        ],
        ["nitpick C0114 a.py:1", "major E1101 a.py:7-8"],
    ),
    (
        "bandit",
        {
            "errors": [],
            "generated_at": "now",
            "metrics": {},
            "results": [
                {
                    "filename": "./a.py",
                    "issue_severity": "HIGH",
                    "issue_text": "shell",
                    "line_number": 4,
                    "line_range": [4, 5, 6],
                    "test_id": "B602",
                    "more_info": "https://example.org/B602",
                },
                {
                    "filename": "./a.py",
                    "issue_severity": "LOW",
                    "issue_text": "assert",
                    "line_number": 9,
                    "line_range": [9],
                    "test_id": "B101",
                },
            ],
        },
        ["major B602 a.py:4-6", "nitpick B101 a.py:9"],
    ),
    (
        "flake8",
        {
            "./a.py": [
                {
                    "code": "E501",
                    "filename": "./a.py",
                    "line_number": 2,
                    "column_number": 80,
                    "text": "too long",
                }
            ],
            "./b.py": [],
        },
        ["minor E501 a.py:2"],
    ),
    (
        "eslint",
        [
            {"filePath": "clean.js", "messages": [], "suppressedMessages": [], "errorCount": 0},
            {
                "filePath": "a.js",
                "messages": [
                    {
                        "ruleId": "eqeqeq",
                        "severity": 2,
                        "message": "Expected ===",
                        "line": 3,
                        "column": 5,
                        "endLine": 3,
                        "endColumn": 7,
                        "fix": {"range": [20, 22], "text": "==="},
                    },
                    {
                        "ruleId": None,
                        "fatal": True,
                        "severity": 2,
                        "message": "Parsing error",
                        "line": 4,
                        "column": 1,
                    },
                    {
                        "ruleId": "semi",
                        "severity": 1,
                        "message": "Missing",
                        "line": 5,
                        "column": 1,
                        "suggestions": [{"desc": "Add it"}],
                    },
                ],
                "suppressedMessages": [
                    {"ruleId": "no-eval", "severity": 2, "message": "eval", "line": 6, "column": 1}
                ],
                "errorCount": 2,
                "warningCount": 1,
            },
        ],
        ["major eqeqeq a.js:3", "major - a.js:4", "minor semi a.js:5", "left out: suppressed"],
    ),
    (
        "stylelint",
        [
            {
                "source": "a.css",
                "deprecations": [],
                "invalidOptionWarnings": [],
                "parseErrors": [],
                "warnings": [
                    {
                        "line": 2,
                        "column": 3,
                        "endLine": 2,
                        "endColumn": 9,
                        "rule": "color-named",
                        "severity": "warning",
                        "text": "Unexpected named color",
                    }
                ],
            }
        ],
        ["minor color-named a.css:2"],
    ),
    (
        "biome",
        {
            "summary": {"errors": 1, "diagnosticsNotPrinted": 0},
            "diagnostics": [
                {
                    "category": "lint/a",
                    "severity": "error",
                    "description": "Enum",
                    "message": [{"elements": [], "content": "En"}, {"elements": [], "content": "um"}],
                    "location": {"path": {"file": "a.js"}, "span": [7, 16], "sourceCode": None},
                },
                {
                    "category": "lint/b",
                    "severity": "information",
                    "message": "Text",
                    "location": {
                        "path": "a.js",
                        "start": {"line": 4, "column": 5},
                        "end": {"line": 4, "column": 9},
                    },
                },
                {
                    "category": "format",
                    "severity": "error",
                    "message": "Would be formatted",
                    "location": {"path": "a.js", "start": {"line": 0, "column": 0}},
                },
            ],
            "command": "lint",
        },
        ["major lint/a a.js:2-3", "nitpick lint/b a.js:4", "major format a.js"],
    ),
    (
        "oxlint",
        {
            "diagnostics": [
                {
                    "message": "Duplicate",
                    "code": "eslint(no-dupe-keys)",
                    "severity": "warning",
                    "help": "Remove one",
                    "filename": "a.js",
                    "labels": [
                        {"label": "first", "span": {"offset": 5, "length": 1, "line": 2, "column": 1}},
                        {"label": "again", "span": {"offset": 50, "length": 1, "line": 8, "column": 1}},
                    ],
                },
                {
                    "message": "No file system",
                    "code": None,
                    "severity": "error",
                    "filename": "a.js",
                    "labels": [],
                },
            ],
            "number_of_files": 1,
        },
        ["minor eslint(no-dupe-keys) a.js:2 a.js:8", "major - a.js"],
    ),
    (
        "semgrep",
        {
            "version": "1",
            "results": [
                {
                    "check_id": "x.eval",
                    "path": "a.py",
                    "start": {"line": 3, "col": 1},
                    "end": {"line": 4, "col": 2},
                    "extra": {
                        "message": "eval\nis bad",
                        "severity": "ERROR",
                        "fix": "literal_eval(x)",
                        "metadata": {"source": "https://example.org/x"},
                    },
                },
                {
                    "check_id": "x.exec",
                    "path": "a.py",
                    "start": {"line": 9, "col": 1},
                    "end": {"line": 9, "col": 2},
                    "extra": {"message": "exec", "severity": "CRITICAL", "is_ignored": True},
                },
            ],
            "errors": [],
            "paths": {"scanned": []},
        },
        ["major x.eval a.py:3-4", "left out: suppressed"],
    ),
    (
        "golangci-lint",
        {
            "Issues": [
                {
                    "FromLinter": "misspell",
                    "Text": "occured",
                    "Severity": "",
                    "Pos": {"Filename": "a.go", "Line": 6, "Column": 3},
                    "Replacement": {
                        "NeedOnlyDelete": False,
                        "NewLines": None,
                        "Inline": {"StartCol": 2, "Length": 7, "NewString": "occurred"},
                    },
                },
                {
                    "FromLinter": "govet",
                    "Text": "unreachable",
                    "Severity": "error",
                    "Pos": {"Filename": "a.go", "Line": 23},
                    "LineRange": {"From": 23, "To": 25},
                },
                {"FromLinter": "gocritic", "Text": "no place", "LineRange": {"From": 1, "To": 2}},
            ],
            "Report": {"Linters": []},
        },
        ["minor misspell a.go:6", "major govet a.go:23-25", "left out: no_location"],
    ),
    (
        "gosec",
        {
            "Golang errors": {},
            "Issues": [
                {
                    "severity": "MEDIUM",
                    "cwe": {"id": "79", "url": "https://example.org/79"},
                    "rule_id": "G203",
                    "details": "html",
                    "file": "a.go",
                    "line": "36-39",
                    "column": "2",
                },
                {
                    "severity": "LOW",
                    "rule_id": "G104",
                    "details": "errors",
                    "file": "a.go",
                    "line": "79",
                    "nosec": False,
                    "suppressions": None,
                },
                {
                    "severity": "HIGH",
                    "rule_id": "G101",
                    "details": "secret",
                    "file": "a.go",
                    "line": "1",
                    "suppressions": [{"kind": "inSource", "justification": ""}],
                },
            ],
            "Stats": {"files": 1, "found": 3},
        },
        ["minor G203 a.go:36-39", "nitpick G104 a.go:79", "left out: suppressed"],
    ),
    (
        "staticcheck",
        [
            {
                "code": "SA4006",
                "severity": "error",
                "location": {"file": "a.go", "line": 2, "column": 1},
                "end": {"file": "a.go", "line": 2, "column": 9},
                "message": "never used",
                "related": [{"location": {"file": "a.go", "line": 1}, "message": "set here"}],
            },
            {
                "code": "ST1000",
                "severity": "ignored",
                "location": {"file": "a.go", "line": 3, "column": 1},
                "end": {"file": "", "line": 0},
                "message": "comment",
            },
        ],
        ["major SA4006 a.go:2", "left out: suppressed"],
    ),
    (
        "gcc",
        [
            {
                "kind": "warning",
                "message": "unused",
                "option": "-Wunused",
                "option_url": "https://example.org/W",
                "locations": [
                    {
                        "caret": {"file": "a.c", "line": 3, "column": 2},
                        "finish": {"file": "a.c", "line": 3, "column": 5},
                    }
                ],
                "fixits": [
                    {
                        "start": {"line": 3, "column": 2},
                        "next": {"line": 3, "column": 6},
                        "string": "color",
                    }
                ],
                "children": [
                    {
                        "kind": "note",
                        "message": "declared here",
                        "locations": [{"caret": {"file": "a.c", "line": 1}}],
                    }
                ],
            },
        ],
        ["minor -Wunused a.c:3"],
    ),
    (
        "codechecker",
        {
            "version": 1,
            "reports": [
                {
                    "file": {"id": "1", "path": "a.c", "original_path": "a.c"},
                    "line": 5,
                    "column": 2,
                    "message": "signs",
                    "checker_name": "clang-diagnostic-sign-compare",
                    "severity": "MEDIUM",
                    "review_status": "unreviewed",
                    "bug_path_events": [{"file": {"path": "a.c"}, "line": 4, "message": "here"}],
                },
                {
                    "file": {"path": "a.c"},
                    "line": 6,
                    "message": "x",
                    "checker_name": "c",
                    "severity": "HIGH",
                    "review_status": "false_positive",
                },
            ],
        },
        ["minor clang-diagnostic-sign-compare a.c:5", "left out: suppressed"],
    ),
    (
        "shellcheck",
        {
            "comments": [
                {
                    "file": "a.sh",
                    "line": 2,
                    "endLine": 2,
                    "column": 6,
                    "endColumn": 8,
                    "level": "info",
                    "code": 2086,
                    "message": "Quote",
                    "fix": {
                        "replacements": [
                            {
                                "line": 2,
                                "endLine": 2,
                                "column": 6,
                                "endColumn": 6,
                                "replacement": '"',
                                "insertionPoint": "afterEnd",
                            }
                        ]
                    },
                }
            ]
        },
        ["nitpick SC2086 a.sh:2"],
    ),
    (
        "shellcheck",
        [
            {
                "file": "a.sh",
                "line": 2,
                "endLine": 3,
                "column": 6,
                "endColumn": 8,
                "level": "error",
                "code": 1009,
                "message": "The mentioned",
                "fix": None,
            }
        ],
        ["major SC1009 a.sh:2-3"],
    ),
    (
        "hadolint",
        [
            {},
            {
                "code": "DL3008",
                "column": 1,
                "file": "Dockerfile",
                "level": "warning",
                "line": 3,
                "message": "Pin",
            },
        ],
        ["left out: no_location", "minor DL3008 Dockerfile:3"],
    ),
    (
        "checkov",
        {
            "check_type": "terraform",
            "results": {
                "passed_checks": [{"check_id": "CKV_0"}],
                "failed_checks": [
                    {
                        "check_id": "CKV_1",
                        "check_name": "Encrypt",
                        "file_path": "/a.tf",
                        "file_line_range": [3, 9],
                        "resource": "aws_s3.a",
                        "guideline": "https://example.org/1",
                        "severity": None,
                    },
                    {
                        "check_id": "CKV_2",
                        "check_name": "Log",
                        "repo_file_path": "/a.tf",
                        "file_line_range": [1, 1],
                        "severity": "LOW",
                    },
                ],
                "skipped_checks": [
                    {
                        "check_id": "CKV_3",
                        "check_name": "Tag",
                        "file_path": "/a.tf",
                        "file_line_range": [1, 2],
                    }
                ],
                "parsing_errors": [],
            },
            "summary": {"passed": 1, "failed": 2},
        },
        ["major CKV_1 a.tf:3-9", "nitpick CKV_2 a.tf:1", "left out: suppressed"],
    ),
    (
        "rubocop",
        {
            "metadata": {},
            "files": [
                {"path": "clean.rb", "offenses": []},
                {
                    "path": "a.rb",
                    "offenses": [
                        {
                            "severity": "convention",
                            "message": "Empty line",
                            "cop_name": "Layout/X",
                            "corrected": False,
                            "location": {
                                "start_line": 2,
                                "start_column": 1,
                                "last_line": 4,
                                "last_column": 1,
                            },
                        },
                        {
                            "severity": "fatal",
                            "message": "gone",
                            "cop_name": "Lint/S",
                            "corrected": True,
                            "location": {"line": 7, "column": 1},
                        },
                    ],
                },
            ],
            "summary": {"offense_count": 2},
        },
        ["nitpick Layout/X a.rb:2-4", "left out: outdated"],
    ),
    (
        "phpstan",
        {
            "totals": {"errors": 0, "file_errors": 2},
            "files": {
                "a.php": {
                    "errors": 1,
                    "messages": [
                        {
                            "message": "No",
                            "line": 3,
                            "ignorable": True,
                            "identifier": "a.b",
                            "tip": "Do",
                        }
                    ],
                },
                "a.php (in context of class B)": {
                    "errors": 1,
                    "messages": [{"message": "Never", "line": 4, "ignorable": True}],
                },
            },
            "errors": [],
        },
        ["major a.b a.php:3", "major - a.php:4"],
    ),
    (
        "gitlab-code-quality",
        [
            {
                "description": "Complex",
                "check_name": "complexity",
                "fingerprint": "1",
                "severity": "blocker",
                "location": {"path": "a.rb", "lines": {"begin": 3, "end": 8}},
            },
            {
                "description": "Long",
                "check_name": "length",
                "fingerprint": "2",
                "severity": "info",
                "location": {
                    "path": "a.rb",
                    "positions": {"begin": {"line": 1, "column": 2}, "end": {"line": 1, "column": 4}},
                },
            },
        ],
        ["critical complexity a.rb:3-8", "nitpick length a.rb:1"],
    ),
    (
        "gitlab-security",
        {
            "version": "15.0.0",
            "vulnerabilities": [
                {
                    "category": "sast",
                    "name": "Injection",
                    "description": "Do not",
                    "severity": "Critical",
                    "scanner": {"id": "s", "name": "Scan"},
                    "location": {"file": "a.py", "start_line": 3, "end_line": 4},
                    "identifiers": [{"type": "r", "name": "Rule R1", "value": "R1"}],
                    "solution": "Quote it",
                },
                {
                    "category": "sast",
                    "name": "Whole project",
                    "severity": "Medium",
                    "location": {},
                    "identifiers": [],
                },
            ],
            "scan": {"status": "success", "scanner": {"name": "Other"}},
        },
        ["critical R1 a.py:3-4", "left out: no_location"],
    ),
    (
        "trivy",
        {
            "SchemaVersion": 2,
            "ArtifactName": ".",
            "Results": [
                {"Target": "clean"},
                {
                    "Target": "package-lock.json",
                    "Vulnerabilities": [
                        {
                            "VulnerabilityID": "CVE-1",
                            "PkgName": "left",
                            "InstalledVersion": "1",
                            "FixedVersion": "2",
                            "Severity": "CRITICAL",
                            "Title": "Overflow",
                            "PrimaryURL": "https://example.org/CVE-1",
                        }
                    ],
                },
                {
                    "Target": "Dockerfile",
                    "Misconfigurations": [
                        {
                            "ID": "DS002",
                            "Title": "User",
                            "Message": "No user",
                            "Severity": "HIGH",
                            "Status": "FAIL",
                            "Resolution": "Add one",
                            "CauseMetadata": {"StartLine": 2, "EndLine": 3},
                        },
                        {"ID": "DS1", "Title": "Fine", "Severity": "LOW", "Status": "PASS"},
                    ],
                    "Secrets": [
                        {
                            "RuleID": "key",
                            "Severity": "HIGH",
                            "Title": "Key",
                            "StartLine": 4,
                            "EndLine": 4,
                            "Match": "hidden",
                        }
                    ],
                },
            ],
        },
        [
            "critical CVE-1 package-lock.json",
            "major DS002 Dockerfile:2-3",
            "major key Dockerfile:4",
            "left out: not_a_failure",
        ],
    ),
    (
        "rdjson",
        {
            "source": {"name": "super"},
            "severity": "ERROR",
            "diagnostics": [
                {
                    "message": "absent severity",
                    "location": {
                        "path": "a.go",
                        "range": {"start": {"line": 6, "column": 2}, "end": {"line": 8, "column": 1}},
                    },
                },
                {
                    "message": "number",
                    "location": {"path": "a.go"},
                    "severity": 3,
                    "code": {"value": "E14", "url": "https://example.org/E14"},
                    "source": {"name": "own"},
                },
            ],
        },
        ["major - a.go:6-7", "nitpick E14 a.go"],
    ),
    (
        "rdjson",
        [{"message": "line", "location": {"path": "a.go", "range": {"start": {"line": 3}}}}],
        ["minor - a.go:3"],
    ),
    (
        "clippy",
        [
            {"reason": "compiler-artifact", "package_id": "p"},
            {
                "reason": "compiler-message",
                "package_id": "p",
                "message": {
                    "message": "unused",
                    "level": "warning",
                    "code": {"code": "unused_variables"},
                    "spans": [
                        {"file_name": "a.rs", "line_start": 1, "line_end": 1, "is_primary": False},
                        {
                            "file_name": "a.rs",
                            "line_start": 5,
                            "line_end": 5,
                            "column_start": 9,
                            "column_end": 10,
                            "is_primary": True,
                        },
                    ],
                    "children": [
                        {
                            "message": "prefix it",
                            "level": "help",
                            "spans": [
                                {
                                    "file_name": "a.rs",
                                    "line_start": 5,
                                    "line_end": 5,
                                    "column_start": 9,
                                    "column_end": 10,
                                    "suggested_replacement": "_x",
                                }
                            ],
                        }
                    ],
                },
            },
            {
                "reason": "compiler-message",
                "package_id": "p",
                "message": {"message": "1 warning emitted", "level": "warning", "code": None, "spans": []},
            },
            {"reason": "build-finished", "success": True},
        ],
        ["minor unused_variables a.rs:5", "left out: no_location"],
    ),
    (
        "markdownlint",
        [
            {
                "fileName": "a.md",
                "lineNumber": 3,
                "ruleNames": ["MD013", "line-length"],
                "ruleDescription": "Line length",
                "errorDetail": "Expected: 80",
                "errorRange": [81, 5],
            }
        ],
        ["minor MD013 a.md:3"],
    ),
    (
        "actionlint",
        [
            {
                "message": "unknown runner",
                "filepath": "ci.yml",
                "line": 5,
                "column": 3,
                "kind": "runner-label",
                "end_column": 9,
            }
        ],
        ["major runner-label ci.yml:5"],
    ),
    (
        "swiftlint",
        [
            {
                "character": 3,
                "file": "a.swift",
                "line": 2,
                "reason": "Force cast",
                "rule_id": "force_cast",
                "severity": "Error",
                "type": "Force Cast",
            }
        ],
        ["major force_cast a.swift:2"],
    ),
    (
        "ktlint",
        [
            {
                "file": "a.kt",
                "errors": [{"line": 1, "column": 1, "message": "Indent", "rule": "standard:indent"}],
            }
        ],
        ["major standard:indent a.kt:1"],
    ),
    (
        "tflint",
        {
            "issues": [
                {
                    "rule": {"name": "r", "severity": "notice", "link": "https://example.org/r"},
                    "message": "m",
                    "range": {
                        "filename": "a.tf",
                        "start": {"line": 2, "column": 1},
                        "end": {"line": 2, "column": 5},
                    },
                }
            ],
            "errors": [],
        },
        ["nitpick r a.tf:2"],
    ),
    (
        "brakeman",
        {
            "scan_info": {},
            "warnings": [
                {
                    "warning_type": "SQL Injection",
                    "check_name": "SQL",
                    "message": "m",
                    "file": "a.rb",
                    "line": 9,
                    "link": "https://example.org/sql",
                    "confidence": "High",
                }
            ],
            "ignored_warnings": [
                {"check_name": "Redirect", "message": "n", "file": "a.rb", "line": 3, "confidence": "Weak"}
            ],
            "errors": [],
        },
        ["major SQL a.rb:9", "left out: suppressed"],
    ),
]
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]
#: Shapes that say by themselves that nothing was found.
CLEAN: dict[str, Any] = {
    "eslint": [{"filePath": "a.js", "messages": [], "suppressedMessages": []}],
    "pyright": {"generalDiagnostics": [], "summary": {"errorCount": 0}},
    "bandit": {"errors": [], "metrics": {}, "results": []},
    "semgrep": {"results": [], "errors": []},
    "golangci-lint": {"Issues": None, "Report": {}},
    "gosec": {"Issues": None, "Stats": {"found": 0}},
    "rubocop": {"files": [], "summary": {"offense_count": 0}},
    "phpstan": {"totals": {"file_errors": 0}, "files": [], "errors": []},
    "checkov": {"passed": 0, "failed": 0, "skipped": 0, "checkov_version": "3"},
    "oxlint": {"diagnostics": [], "number_of_files": 3},
    "biome": {"summary": {}, "diagnostics": [], "command": "lint"},
    "rdjson": {"diagnostics": []},
    "shellcheck": {"comments": []},
    "trivy": {"SchemaVersion": 2, "ArtifactName": "."},
    "gitlab-security": {"version": "15", "vulnerabilities": []},
    "tflint": {"issues": [], "errors": []},
    "clippy": [{"reason": "build-finished", "success": True}],
}


def told(inventory: Inventory) -> Iterator[str]:
    for issue in inventory.issues:
        yield " ".join([issue.severity, issue.source.rule or "-", *map(str, issue.locations)])
    for each in inventory.excluded:
        yield from [f"left out: {each.reason}"] * each.count


@pytest.mark.parametrize(("name", "report", "expected"), CASES, ids=IDS)
def test_a_report_gives_severity_rule_and_lines_of_each_finding(
    take: Take, name: str, report: Any, expected: list[str]
) -> None:
    inventory = take({"report.json": json.dumps(report)}, FILES)

    assert sorted(told(inventory)) == sorted(expected)
    assert {issue.source.format for issue in inventory.issues} <= {name}
    assert [each.code for each in inventory.warnings] == []


@pytest.mark.parametrize(("name", "report"), [case[:2] for case in CASES], ids=IDS)
def test_a_report_is_recognised_as_its_own_tool_s_alone(name: str, report: Any) -> None:
    document = parse(json.dumps(report).encode(), "report.json")

    assert [tool.name for tool in recognised(shipped_tools(), document)] == [name]


@pytest.mark.parametrize(
    ("name", "report"), [(name, report) for name, report, _ in CASES if isinstance(report, list)]
)
def test_a_list_may_also_be_written_as_json_lines(take: Take, name: str, report: list[Any]) -> None:
    lines = "\n".join(map(json.dumps, report))

    assert list(told(take({"lines.jsonl": lines}, FILES))) == list(
        told(take({"report.json": json.dumps(report)}, FILES))
    )


def test_every_tool_that_polly_knows_has_a_report_here() -> None:
    assert {tool.name for tool in shipped_tools()} == {name for name, _, _ in CASES}


@pytest.mark.parametrize("name", CLEAN)
def test_a_report_that_says_nothing_was_found_is_an_empty_inventory(take: Take, name: str) -> None:
    report = json.dumps(CLEAN[name])

    inventory = take({"clean.json": report})

    assert (inventory.counts.read, inventory.warnings) == (0, ())
    assert [tool.name for tool in recognised(shipped_tools(), parse(report.encode(), "x.json"))] == [name]


def test_every_tool_and_every_key_of_a_description_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "sources.md").read_text(encoding="utf-8")

    assert [tool.name for tool in shipped_tools() if f"| `{tool.name}` | {tool.about} |" not in page] == []
    parts = (Tool, Findings, Where, Edits, Related, Failure, Figure)
    assert [
        key for part in parts for key in part.__struct_fields__ if not re.search(rf"\b{key}\b", page)
    ] == []
