"""A plan as a picture that stands alone."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polly.reporting.plan_page import plan_html
from polly.reporting.plan_picture import plan_svg
from polly.work.issues import Inventory, Issue, Location, Severity, Source, count
from polly.work.plan import Coupling, Files, Forecast, Ownership, Plan, Why, WorkPackage

HOSTILE = '<script>alert(1)</script> "q" & \x1b[31m \u202e ]]> \ud800'
_SVG = "{http://www.w3.org/2000/svg}"
_FORECAST = Forecast(
    agents=4,
    sequential_minutes=10,
    parallel_minutes=5,
    critical_path_minutes=5,
    bound_minutes=5,
    speedup=2,
    efficiency=0.5,
)


def planned(
    packages: int, issues_each: int = 2, *, text: str = "a fault", waves: int = 1
) -> tuple[Plan, Inventory]:
    """A plan of so many packages; each issue is in a file of its own and in the first of its package."""
    works, rows, issues = [], [], []
    for number in range(packages):
        name, wave = f"WP{number + 1}", 1 + number % waves
        paths = tuple(f"src/p{number}/{text}/f{each}.py" for each in range(issues_each))
        ids = tuple(f"I{number}-{each}" for each in range(issues_each))
        works.append(
            WorkPackage(
                id=name,
                title=text,
                role="general",
                priority=Severity.MAJOR,
                wave=wave,
                issues=ids,
                files=Files(modify=paths),
                estimated_minutes=5,
                depends_on=("WP1",) if wave > 1 else (),
            )
        )
        rows += [
            Ownership(path=path, wave=wave, package=name, why=Why.FINDING, reason=text) for path in paths
        ]
        issues += [
            Issue(
                id=each,
                severity=Severity.MAJOR,
                title=text,
                locations=(Location(path=path), Location(path=paths[0])),
                source=Source(format="test"),
                fingerprint=each,
            )
            for each, path in zip(ids, paths, strict=True)
        ]
    coupled = (
        [Coupling(package="WP2", on="WP1", risk=0.5, paths=(text,), reason=text)] if packages > 1 else []
    )
    plan = Plan(
        base_commit="0123456789abcdef",
        packages=tuple(works),
        ownership=tuple(rows),
        forecast=_FORECAST,
        couplings=tuple(coupled),
    )
    return plan, Inventory(issues=tuple(issues), counts=count(tuple(issues), ()))


def labels(svg: str) -> Iterator[str]:
    """What stands in the picture, behind its tooltips too."""
    for element in ET.fromstring(svg).iter(f"{_SVG}text"):
        yield "".join(element.itertext())


def test_every_package_issue_file_and_wave_of_a_small_plan_is_shown_and_linked() -> None:
    svg = plan_svg(*planned(7, waves=2))
    shown = "\n".join(labels(svg))
    for package in range(7):
        assert f"WP{package + 1} · major · 5 min" in shown
        for number in range(2):
            assert f"I{package}-{number}" in shown
            assert f"p{package}/a fault/f{number}.py" in shown
    assert "Wave 1: 4 packages" in shown
    assert "Wave 2: 3 packages" in shown
    assert "after WP1" in shown
    # Each issue is linked with its own file and with the first: 1 + 2 lines in each package.
    assert len([*ET.fromstring(svg).iter(f"{_SVG}path")]) == 7 * 3


def test_a_large_plan_shows_every_package_and_says_what_it_leaves_out() -> None:
    svg = plan_svg(*planned(200, issues_each=30))
    shown = "\n".join(labels(svg))
    assert all(f"WP{number} " in shown for number in range(1, 201))
    assert shown.count("+28 more files") == 200
    assert len(svg) < 1_000_000


def test_no_text_is_drawn_over_another_one() -> None:
    root = ET.fromstring(plan_svg(*planned(13, issues_each=9)))
    places = [(element.get("x"), element.get("y")) for element in root.iter(f"{_SVG}text")]
    assert len(places) == len(set(places))


def test_a_plan_without_a_package_is_a_picture_that_says_so() -> None:
    svg = plan_svg(*planned(0))
    assert any("no package" in text for text in labels(svg))
    assert "</html>" in plan_html(*planned(0))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_text_of_findings_is_never_markup_and_nothing_is_loaded() -> None:
    page = plan_html(*planned(3, text=HOSTILE))
    parser = _Tags()
    parser.feed(page)
    assert parser.seen.isdisjoint({"script", "link", "img", "image", "iframe", "object", "use", "a"})
    assert parser.attributes.isdisjoint({"href", "src", "xlink:href", "onload", "onclick"})
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "url(" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    page.encode("utf-8")


@given(st.text(max_size=40))
def test_any_text_gives_a_well_formed_picture(text: str) -> None:
    svg = plan_svg(*planned(2, text=text or "x"))
    ET.fromstring(svg)
    ET.fromstring(svg.encode("utf-8"))


@pytest.mark.parametrize("text", ["漢字" * 60, "i" * 400, "a/" * 200])
def test_long_text_is_cut_to_the_card(text: str) -> None:
    root = ET.fromstring(plan_svg(*planned(1, text=text)))
    width = float(root.attrib["width"])
    for element in root.iter(f"{_SVG}text"):
        shown = (element.text or "") + "".join(child.tail or "" for child in element)
        cells = sum(2 if "\u2e80" < letter < "\ua000" else 1 for letter in shown)
        assert float(element.attrib["x"]) + cells * 6.6 <= width
