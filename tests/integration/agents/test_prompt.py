"""The prompt: everything an agent must know, and foreign text that stays data."""

import re

from hypothesis import given
from hypothesis import strategies as st

from polly.execution.agents.prompt import fence, write_prompt
from polly.work.issues import Issue, Location, Severity, Source
from polly.work.plan import Files, WorkPackage

PACKAGE = WorkPackage(
    id="WP1",
    title="Greetings",
    role="testing-specialist",
    priority=Severity.MAJOR,
    wave=1,
    issues=("C1",),
    files=Files(modify=("src/a.py",), create=("tests/test_*.py",)),
    estimated_minutes=5,
)


def _issue(
    *, ident: str = "C1", title: str = "A fault", problem: str = "It is wrong.", suggestion: str = "Mend it."
) -> Issue:
    return Issue(
        id=ident,
        severity=Severity.CRITICAL,
        title=title,
        problem=problem,
        suggestion=suggestion,
        source=Source(format="sarif", tool="ruff", rule="F401"),
        locations=(Location(path="src/a.py", start_line=3, end_line=5),),
        fingerprint="f",
    )


def test_the_prompt_says_what_to_fix_where_and_by_which_rules() -> None:
    text = write_prompt(
        PACKAGE,
        [_issue()],
        role="testing-specialist",
        role_instructions="Write the failing test first.",
        contracts=["A status is a member of OperationStatus."],
        feedback="the gate failed",
    )
    for part in (
        "# WP1: 1 issue, 1 file",
        "Your role is testing-specialist.",
        "Write the failing test first.",
        "- `src/a.py`",
        "- `tests/test_*.py`",
        "- A status is a member of OperationStatus.",
        "### C1 (critical)",
        "`src/a.py:3-5`",
        "Reported by: ruff F401",
        "It is wrong.",
        "Mend it.",
        "the gate failed",
        "git is not yours",
        "POLLY_RESULT_FILE",
    ):
        assert part in text


def test_sections_without_content_are_left_out() -> None:
    text = write_prompt(PACKAGE, [_issue()], role="testing-specialist")
    assert "Agreements" not in text
    assert "The attempt before" not in text


@given(st.text(alphabet=st.sampled_from("`~ab \n#"), max_size=60))
def test_no_text_closes_its_fence(text: str) -> None:
    block = fence(text).split("\n")
    bar = re.match("`+", block[0])
    assert bar is not None
    inside = "\n".join(block[1:-1])
    assert inside == text
    closing = re.compile(rf"^ {{0,3}}`{{{len(bar[0])},}}\s*$")
    assert not any(closing.match(line) for line in block[1:-1])
    assert closing.match(block[-1])


@given(
    st.text(max_size=80),
    st.text(max_size=80),
    st.text(alphabet=st.sampled_from("`\n#- x\u2028\r"), max_size=40),
)
def test_what_a_finding_says_stands_only_inside_its_fence(problem: str, title: str, ident: str) -> None:
    mark = "ORDER-OF-THE-FINDING"
    text = write_prompt(PACKAGE, [_issue(problem=problem + mark, title=title + mark, ident=ident)], role="r")
    outside = []
    bar = ""
    for line in re.split("\n", text):
        fenced = re.match(r" {0,3}(`{3,})", line)
        if not bar and fenced:
            bar = fenced[1]
        elif bar and fenced and line.strip() == bar:
            bar = ""
        elif not bar:
            outside.append(line)
    assert bar == ""
    assert not any(mark in line for line in outside)
    assert sum(line.startswith("#") for line in outside) == 6


def test_a_very_long_text_is_cut_and_says_so() -> None:
    text = write_prompt(PACKAGE, [_issue(problem="x" * 50_000)], role="r")
    assert len(text) < 30_000
    assert "[30000 more characters: see the issues file]" in text
