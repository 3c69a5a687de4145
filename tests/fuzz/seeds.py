"""Small valid documents of every format, from which fuzzing starts."""

import json
from typing import Any

REVIEW = """\
# Review

**Total Issues**: 4
**Status**: open

## 🔴 Critical Issues (1) - ALL FIXED ✅

### C1. Folder is hard-coded (2 locations)
**File**: `a.py:2-3, 5`, `new.py` (new)
**Status**: ✅ FIXED in 5552d2d
**Effort**: 1h 30m - 2 hours
**Rule**: `lint:R1`
**Problem**:
```python
### C9. no heading
```

## Minor (3 issues)

### P7-P9. Documentation (3 issues)
1. **One** (log.py:2)
2. **Two** (`src/*.py`)
3. **Three**
**Total Effort**: 2-3 weeks

**1. Bold (`a.py:1`)**

## Response - fixed

**1. Bold - REMOVED** in `abc1234`

Total effort (C1): 9 hours
"""
AUDIT = """\
| # | Severity | File | Line | Issue | Fix | Effort | Status |
|---|:--------:|------|------|-------|-----|--------|--------|
| 1 | High | `a.py` | 10-12, 20 | Folder \\| x | use y | 2h | [x] |
| 2 | P0 | log.py:7 | | Retry | | 3 hours | ✅ fixed |

## High

- [ ] **[HIGH]** `log.py:3` — SQL in query
- [x] C1: done (5h)
* a.py:4 swallows
"""
ONE = "---\nid: SEC-1\nseverity: high\nfiles:\n  - a.py\nlines: 3-5\n---\n# Secret\n\nText.\n"
SUMMARY = """\
**Date**: 2025-10-25

All 3 work packages are complete: 2 files changed:

1. `a.py` (60 ins, 13 del) - WP1
2. `log.py` - WP2

| WP | Issues | Agent | Files | Time |
|----|--------|-------|-------|------|
| WP1 | C1, N3 | tester | a.py | 45 min |
| WP2 | C2 | writer | log.py | 5 min |

- **Sequential Time**: 10.5 h, **Parallel Time**: 4.75 h, **Speedup**: 2.2x, **Efficiency**: 100%
- **Started**: 2025-10-25T08:00Z
- Actual time: 3 hours
- Zero file conflicts, all tests pass; WP2 is not yet committed

```
5552d2d fix(WP1): folder
Fixes 5 issues (C1-C2, N1)
```
"""
PLAN: dict[str, Any] = {
    "total_work_packages": 2,
    "estimated_total_hours_parallel": 3.5,
    "work_packages": [
        {
            "package_id": "WP1",
            "role": "tester",
            "title": "Logger",
            "priority": "critical",
            "estimated_hours": 2.5,
            "issues_fixed": ["C1", "N3"],
            "issue_details": {"C1": {"severity": "critical", "description": "Folder", "impact": "breaks"}},
            "files_to_modify": ["/ci/checkout/a.py"],
            "dependencies": [],
            "key_changes": [{"change_id": "C1-fix", "description": "x", "specific_steps": ["y"]}],
        },
        {
            "package_id": "WP2",
            "title": "b",
            "files": [{"path": "n.py", "action": "create"}],
            "after": ["WP1"],
        },
    ],
    "owners": {"WP1_owns": ["a.py"], "total_unique_files": 2},
    "metrics": {
        "minor": "N1, N3 (2 issues)",
        "sum": "6.5 hours (2.5 + 4.0)",
        "started_at": "2025-10-25T08:00:00Z",
    },
}
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {"name": "lint", "rules": [{"id": "R1", "messageStrings": {"m": {"text": "{0}!"}}}]}
            },
            "originalUriBaseIds": {"SRC": {"uri": "file:///ci/"}},
            "artifacts": [{"location": {"uri": "a.py", "uriBaseId": "SRC"}}],
            "results": [
                {
                    "ruleIndex": 0,
                    "level": "error",
                    "message": {"id": "m", "arguments": ["x"]},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 2}}}
                    ],
                    "fixes": [
                        {
                            "artifactChanges": [
                                {
                                    "artifactLocation": {"uri": "a.py"},
                                    "replacements": [
                                        {"deletedRegion": {"charOffset": 3}, "insertedContent": {"text": "y"}}
                                    ],
                                }
                            ]
                        }
                    ],
                    "suppressions": [{"status": "rejected"}],
                    "properties": {"security-severity": "9.1"},
                }
            ],
            "invocations": [{"executionSuccessful": True}],
        }
    ],
}
INVENTORY: dict[str, Any] = {
    "inventory_version": 1,
    "issues": [
        {"id": "C1", "severity": "critical", "title": "x", "locations": [{"path": "a.py", "start_line": 2}]}
    ],
    "excluded": [{"reason": "suppressed", "count": 1, "refs": ["y"]}],
    "counts": {"read": 2},
}
COMMENT: dict[str, Any] = {
    "id": 1,
    "pull_request_review_id": 9,
    "in_reply_to_id": None,
    "diff_hunk": "@@ -1,3 +1,6 @@\n x = 1\n+y = 2",
    "path": "a.py",
    "line": 2,
    "original_line": 2,
    "side": "RIGHT",
    "user": {"login": "coderabbitai[bot]", "type": "Bot"},
    "body": "_⚠️ Potential issue_ | _🟠 Major_\n\n**Bad.**\n\n```suggestion\ny = 3\n```\n\n"
    "<details>\n<summary>x</summary>\n\n</details>",
    "html_url": "https://github.com/o/r/pull/7#discussion_r1",
}
REVIEWS: list[dict[str, Any]] = [
    {
        "id": 9,
        "state": "COMMENTED",
        "user": {"login": "coderabbitai[bot]"},
        "body": "**Actionable comments posted: 1**\n\n"
        "<details>\n<summary>🧹 Nitpick comments (1)</summary><blockquote>\n\n"
        "<details>\n<summary>a.py (1)</summary><blockquote>\n\n`2-3`: **Name it.**\n\nText.\n\n"
        "</blockquote></details>\n\n</blockquote></details>",
        "html_url": "https://github.com/o/r/pull/7#pullrequestreview-9",
    }
]
THREADS: dict[str, Any] = {
    "data": {
        "repository": {
            "pullRequest": {
                "reviewThreads": {
                    "nodes": [
                        {
                            "isResolved": False,
                            "isOutdated": True,
                            "path": "a.py",
                            "line": 2,
                            "comments": {
                                "nodes": [{"databaseId": 1, "body": "Bad.", "author": {"login": "ann"}}]
                            },
                        }
                    ]
                }
            }
        }
    }
}
REPORTS: dict[str, Any] = {
    "ruff.json": [
        {
            "code": "F401",
            "filename": "a.py",
            "location": {"row": 2, "column": 1},
            "end_location": {"row": 2, "column": 4},
            "message": "unused",
            "fix": {
                "edits": [
                    {
                        "content": "",
                        "location": {"row": 2, "column": 1},
                        "end_location": {"row": 3, "column": 1},
                    }
                ]
            },
            "url": "https://example.org",
        }
    ],
    "pyright.json": {
        "version": "1.1",
        "generalDiagnostics": [
            {
                "file": "/ci/a.py",
                "severity": "error",
                "message": "x",
                "rule": "reportX",
                "range": {"start": {"line": 0, "character": 1}, "end": {"line": 0, "character": 2}},
            }
        ],
        "summary": {"errorCount": 1},
    },
    "eslint.json": [
        {
            "filePath": "/ci/a.py",
            "messages": [{"ruleId": "no-x", "severity": 2, "message": "x", "line": 1, "column": 2}],
            "suppressedMessages": [],
            "errorCount": 1,
        }
    ],
    "golangci.json": {
        "Issues": [
            {
                "FromLinter": "govet",
                "Text": "x",
                "Severity": "",
                "Pos": {"Filename": "a.py", "Line": 2, "Column": 1},
            }
        ],
        "Report": {"Linters": []},
    },
    "gosec.json": {
        "Golang errors": {},
        "Issues": [
            {
                "severity": "LOW",
                "confidence": "HIGH",
                "rule_id": "G104",
                "details": "x",
                "file": "/ci/a.py",
                "line": "2-3",
                "column": "1",
            }
        ],
        "Stats": {},
    },
    "x.rdjson": {
        "source": {"name": "tool"},
        "severity": "WARNING",
        "diagnostics": [
            {
                "message": "x",
                "location": {"path": "a.py", "range": {"start": {"line": 1}}},
                "code": {"value": "E1"},
                "suggestions": [{"range": {"start": {"line": 1}}, "text": "y"}],
            }
        ],
    },
    "gitlab.json": [
        {
            "description": "x",
            "check_name": "c",
            "fingerprint": "f",
            "severity": "major",
            "location": {"path": "a.py", "lines": {"begin": 2}},
        }
    ],
    "semgrep.json": {
        "results": [
            {
                "check_id": "r",
                "path": "a.py",
                "start": {"line": 1, "col": 1},
                "end": {"line": 1, "col": 2},
                "extra": {"message": "x", "severity": "ERROR", "metadata": {}},
            }
        ],
        "errors": [],
        "version": "1",
    },
    "shellcheck.json": {
        "comments": [
            {
                "file": "a.py",
                "line": 1,
                "endLine": 1,
                "column": 1,
                "endColumn": 2,
                "level": "info",
                "code": 2086,
                "message": "x",
                "fix": None,
            }
        ]
    },
}

#: Every JSON seed by its name.
TREES: dict[str, Any] = {
    "x.sarif": SARIF,
    "inventory.json": INVENTORY,
    "plan.json": PLAN,
    "comments.json": [COMMENT, {**COMMENT, "id": 2, "in_reply_to_id": 1, "body": "Yes."}],
    "reviews.json": REVIEWS,
    "threads.json": THREADS,
    "webhook.json": {
        "action": "created",
        "comment": COMMENT,
        "pull_request": {"number": 7},
        "repository": {"full_name": "o/r"},
    },
    **REPORTS,
}
#: Every text seed by its name.
TEXTS: dict[str, str] = {
    "review.md": REVIEW,
    "audit.md": AUDIT,
    "one.md": ONE,
    "summary.md": SUMMARY,
    "mypy.jsonl": json.dumps(
        {
            "file": "a.py",
            "line": 2,
            "column": -1,
            "message": "x",
            "hint": None,
            "code": "arg",
            "severity": "error",
        }
    )
    + "\n"
    + json.dumps(
        {
            "file": "a.py",
            "line": 3,
            "column": 0,
            "message": "y",
            "hint": None,
            "code": "z",
            "severity": "note",
        }
    ),
    "x.rdjsonl": json.dumps({"message": "x", "location": {"path": "a.py", "range": {"start": {"line": 1}}}}),
}


def encoded() -> dict[str, bytes]:
    """All seeds as bytes by their names."""
    trees = {name: json.dumps(tree).encode() for name, tree in TREES.items()}
    return trees | {name: text.encode() for name, text in TEXTS.items()}
