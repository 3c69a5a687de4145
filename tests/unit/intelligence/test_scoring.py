"""The score is a mean of what was measured, and more problems never raise it."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from polly.intelligence.quality.measured import Function, Measured, Part, Remark, Share
from polly.intelligence.quality.recommending import advice_on
from polly.intelligence.quality.scoring import WEIGHTS, quality_of
from polly.work.issues import Severity

functions = st.builds(
    lambda start, length, complexity, parameters: Function(
        name="f", start_line=start, end_line=start + length, complexity=complexity, parameters=parameters
    ),
    st.integers(1, 900),
    st.integers(0, 300),
    st.integers(1, 80),
    st.integers(0, 12),
)
remarks = st.builds(
    lambda part, line, severity: Remark(part=part, line=line, rule="t:r", severity=severity, message="m"),
    st.sampled_from([Part.CORRECTNESS, Part.SECURITY]),
    st.integers(1, 900),
    st.sampled_from(list(Severity)),
)
shares = st.tuples(st.integers(1, 50), st.integers(0, 50)).map(lambda two: Share(of=two[0], having=min(two)))
measurements = st.builds(
    lambda lines, made, said, documented, typed, parts: Measured(
        language="python",
        lines=lines,
        parts=parts,
        functions=tuple(made),
        remarks=tuple(said),
        documented=documented,
        typed=typed,
    ),
    st.integers(1, 2000),
    st.lists(functions, max_size=5),
    st.lists(remarks, max_size=8),
    shares,
    shares,
    st.frozensets(st.sampled_from(list(Part))),
)


def score(measured: Measured, duplicated: int = 0) -> float:
    found = quality_of("a.py", measured, duplicated).score
    return -1.0 if found is None else found


@given(measurements, st.integers(0, 3000))
def test_a_score_lies_between_0_and_1_and_is_the_mean_of_its_measured_parts(
    measured: Measured, copies: int
) -> None:
    quality = quality_of("a.py", measured, copies)
    parts = [each for each in quality.components.values() if each.measured]
    assert all(each.score is not None and 0 <= each.score <= 1 for each in parts)
    assert all(
        each.score is None and each.detail for each in quality.components.values() if not each.measured
    )
    if not parts:
        assert quality.score is None
        assert quality.reason
    else:
        mean = sum((each.score or 0) * each.weight for each in parts) / sum(each.weight for each in parts)
        assert quality.score is not None
        assert abs(quality.score - mean) < 0.0002


@given(measurements, remarks)
def test_one_more_remark_never_raises_the_score(measured: Measured, more: Remark) -> None:
    worse = replace(measured, remarks=(*measured.remarks, more))
    assert score(worse) <= score(measured)


@given(measurements, st.data())
def test_a_worse_severity_never_raises_the_score(measured: Measured, data: st.DataObject) -> None:
    if not measured.remarks:
        return
    index = data.draw(st.integers(0, len(measured.remarks) - 1))
    worst = replace(measured.remarks[index], severity=Severity.CRITICAL)
    worse = replace(measured, remarks=(*measured.remarks[:index], worst, *measured.remarks[index + 1 :]))
    assert score(worse) <= score(measured)


@given(measurements, st.integers(1, 40), st.integers(0, 10), st.data())
def test_a_more_complex_or_wider_function_never_raises_the_score(
    measured: Measured, complexity: int, parameters: int, data: st.DataObject
) -> None:
    if not measured.functions:
        return
    index = data.draw(st.integers(0, len(measured.functions) - 1))
    before = measured.functions[index]
    after = replace(
        before, complexity=before.complexity + complexity, parameters=before.parameters + parameters
    )
    worse = replace(
        measured, functions=(*measured.functions[:index], after, *measured.functions[index + 1 :])
    )
    assert score(worse) <= score(measured)


@given(measurements, st.integers(0, 1000), st.integers(0, 1000))
def test_more_copied_lines_never_raise_the_score(measured: Measured, copies: int, more: int) -> None:
    assert score(measured, copies + more) <= score(measured, copies)


@given(measurements)
def test_less_documentation_and_fewer_types_never_raise_the_score(measured: Measured) -> None:
    documented, typed = measured.documented, measured.typed
    assert documented is not None
    assert typed is not None
    worse = replace(
        measured,
        documented=replace(documented, having=max(0, documented.having - 1)),
        typed=replace(typed, having=max(0, typed.having - 1)),
    )
    assert score(worse) <= score(measured)


@given(measurements)
def test_what_cannot_be_parsed_scores_0_and_says_where(measured: Measured) -> None:
    quality = quality_of("a.py", replace(measured, broken="unexpected `(`", broken_line=7), 0)
    assert quality.score == 0
    assert "line 7" in quality.reason
    assert "unexpected `(`" in quality.reason


@given(measurements)
def test_advice_names_only_parts_that_lost_something_most_valuable_first(measured: Measured) -> None:
    quality = quality_of("a.py", measured, 0)
    advice = advice_on(measured, quality)
    assert [each.gain for each in advice] == sorted((each.gain for each in advice), reverse=True)
    assert all(0 < each.gain <= 1 for each in advice)
    lacking = [each for each in quality.components.values() if each.score is not None and each.score < 0.95]
    assert not advice or lacking


def test_the_weights_are_a_whole() -> None:
    assert abs(sum(WEIGHTS.values()) - 1) < 1e-9


def test_advice_has_names_lines_and_figures() -> None:
    hard = Function(name="parse", start_line=40, end_line=160, complexity=31)
    measured = Measured(language="python", lines=200, parts=frozenset([Part.COMPLEXITY]), functions=(hard,))
    advice = advice_on(measured, quality_of("a.py", measured, 0))
    assert [each.text for each in advice] == [
        "Split `parse` (line 40, complexity 31): 1 of 1 functions are over complexity 10."
    ]
