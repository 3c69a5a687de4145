"""Whether a comment is still open is judged by the files of the base commit."""

from collections.abc import Callable
from typing import Any

import pytest

from polly.intake.finding import Reading

Read = Callable[..., Reading]
Comment = Callable[..., dict[str, Any]]

APP = "import os\n\n\ndef total(values):\n    result = sum(values)\n    return result\n"
OUTDATED: dict[str, Any] = {"line": None, "position": None}


def judged(reading: Reading) -> tuple[str, list[tuple[int | None, int | None]], list[str]]:
    (finding,) = reading.findings
    lines = [(place.start_line, place.end_line) for place in finding.places]
    return finding.left_out, lines, [each.code for each in reading.warnings]


def test_a_comment_stands_where_its_line_is_now(read: Read, comment: Comment) -> None:
    assert judged(read([comment()])) == ("", [(5, 5)], [])
    assert judged(read([comment()], files={"src/app.py": "# new\n# lines\n" + APP})) == ("", [(7, 7)], [])
    indented = APP.replace("    result = ", "\tresult = ")
    assert judged(read([comment()], files={"src/app.py": indented})) == ("", [(5, 5)], [])


def test_of_equal_lines_the_nearest_is_meant(read: Read, comment: Comment) -> None:
    twice = f"{APP}\n\n\n{APP}"
    assert judged(read([comment(line=14, original_line=14)], files={"src/app.py": twice}))[1] == [(14, 14)]


def test_several_lines_move_together(read: Read, comment: Comment) -> None:
    both = comment(start_line=4, original_start_line=4)
    assert judged(read([both], files={"src/app.py": "\n" + APP})) == ("", [(5, 6)], [])


def test_what_github_calls_outdated_is_open_while_its_line_is_there(read: Read, comment: Comment) -> None:
    assert judged(read([comment(**OUTDATED)])) == ("", [(5, 5)], [])
    fixed = APP.replace("sum(values)", "math.fsum(values)")
    assert judged(read([comment(**OUTDATED)], files={"src/app.py": fixed}))[0] == "outdated"


def test_a_line_that_changed_since_is_told_and_stays(read: Read, comment: Comment) -> None:
    fixed = APP.replace("sum(values)", "math.fsum(values)")
    assert judged(read([comment()], files={"src/app.py": fixed})) == ("", [(5, 5)], ["line_changed"])
    assert judged(read([comment()], files={"src/app.py": "x = 1\n"})) == (
        "",
        [(None, None)],
        ["line_changed"],
    )


def test_a_comment_on_a_file_that_is_gone_is_outdated(read: Read, comment: Comment) -> None:
    assert judged(read([comment()], files={"other.py": ""}))[0] == "outdated"


def test_most_places_gone_raises_the_question_of_the_branch(read: Read, comment: Comment) -> None:
    reading = read([comment(number, f"Finding {number}.") for number in (1, 2, 3)], files={"other.py": ""})
    assert [each.code for each in reading.warnings] == ["another_head"]


def test_a_line_without_letters_proves_nothing_alone(read: Read, comment: Comment) -> None:
    hunk = "@@ -0,0 +1,3 @@\n+first_name = (\n+    1,\n+)"
    text = "other = (\n    2,\n)\n\nfirst_name = (\n    1,\n)\n"
    there = comment(diff_hunk=hunk, line=3, original_line=3)
    assert judged(read([there], files={"src/app.py": text})) == ("", [(7, 7)], [])
    bare = comment(diff_hunk="@@ -0,0 +1,1 @@\n+)", line=3, original_line=3)
    assert judged(read([bare], files={"src/app.py": text})) == ("", [(3, 3)], [])


def test_a_comment_on_the_old_side_stands_where_the_line_was(read: Read, comment: Comment) -> None:
    hunk = "@@ -1,6 +1,5 @@\n import os\n-import sys\n"
    removed = comment(side="LEFT", line=2, original_line=2, diff_hunk=hunk.rstrip("\n"))
    assert judged(read([removed])) == ("", [(1, 1)], [])
    assert judged(read([{**removed, **OUTDATED}]))[0] == "outdated"


def test_a_comment_on_a_whole_file_has_no_line(read: Read, comment: Comment) -> None:
    whole = comment(subject_type="file", line=None, original_line=None, position=None, diff_hunk="@@ x")
    assert judged(read([whole])) == ("", [(None, None)], [])


def test_a_thread_without_a_hunk_is_believed(read: Read) -> None:
    def thread(**state: Any) -> dict[str, Any]:
        comments = {"nodes": [{"body": "Why?", "author": None}]}
        return {"isResolved": False, "path": "src/app.py", "comments": comments, **state}

    assert judged(read([thread(line=2)])) == ("", [(2, 2)], [])
    assert judged(read([thread(line=None)]))[0] == "outdated"
    assert judged(read([thread(line=None, isOutdated=False)]))[0] == ""
    assert judged(read([thread(line=2, isOutdated=True)]))[0] == "outdated"
    assert judged(read([thread(line=None, subjectType="FILE")]))[0] == ""


def test_positions_of_old_answers_are_understood(read: Read, comment: Comment) -> None:
    old = {key: value for key, value in comment(diff_hunk="").items() if "line" not in key}
    assert judged(read([{**old, "position": 3}]))[0] == ""
    assert judged(read([{**old, "position": None}]))[0] == "outdated"


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "C:/x"])
def test_paths_that_lead_out_are_left_to_the_judge_of_paths(read: Read, comment: Comment, path: str) -> None:
    assert judged(read([comment(path=path)]))[0] == ""
