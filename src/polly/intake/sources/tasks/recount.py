"""What a plan says about itself, counted and added up again from its packages."""

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from polly.intake.sources.markdown.figures import ids_in
from polly.intake.sources.markdown.times import moment
from polly.intake.sources.tasks.plan_document import Package, PlanDocument, Text
from polly.work.issues import Severity

_PLACES_SHOWN = 6
#: Of a file that still more packages write, the first pairs say enough.
_OWNERS_COMPARED = 20
_COUNTED_LIST = re.compile(
    r"^(?P<ids>[A-Z]{1,6}-?\d[\w\s,&-]{0,400}?)\s*\((?P<number>\d{1,6}) (?:issues?|findings?)\)"
)
_ALL_ISSUES = re.compile(
    r"\b(?:all\s+(?P<all>\d{1,6})|^(?P<first>\d{1,6}))\s+(?:issues?|findings?)\b", re.IGNORECASE
)
_ALL_PACKAGES = re.compile(r"\ball\s+(?P<number>\d{1,6})\s+(?:work\s+)?(?:packages?|tasks?)\b", re.IGNORECASE)
_SUM = re.compile(
    r"^(?P<total>\d+(?:\.\d+)?)\s*(?:hours?|h|minutes?|min)?\s*\((?P<terms>\d+(?:\.\d+)?(?:\s*\+\s*\d+(?:\.\d+)?){1,60})\)"
)
_BEGINS = re.compile(r"(?:^|_)(?:start(?:ed)?|begin|began|begun|created)(?:_|$)", re.IGNORECASE)
_ENDS = re.compile(r"(?:^|_)(?:end(?:ed)?|finish(?:ed)?|complet(?:ed|ion)|done)(?:_|$)", re.IGNORECASE)
_DONE = re.compile(r"\b(?:done|complete[d]?|finished|success|fixed)\b", re.IGNORECASE)


class Recount(NamedTuple):
    """One statement of a plan: what it says and where, what was found and where; None for not decidable."""

    kind: str
    place: str
    says: str
    found: str
    agrees: bool | None
    places: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The statement and what was found, with both places."""
        joint = "and" if self.agrees else "but"
        shown = ", ".join(self.places[:_PLACES_SHOWN]) + (", …" if len(self.places) > _PLACES_SHOWN else "")
        return f"{self.place} says {self.says}, {joint} {self.found}" + (f" ({shown})" if shown else "")


def recounted(plan: PlanDocument) -> tuple[Recount, ...]:
    """Every statement of the plan that can be held against its packages, in a stable order."""
    return (
        *_totals(plan),
        *_texts(plan),
        *_once_each(plan),
        *_file_owners(plan),
        *_matrix(plan),
        *_dependencies(plan),
        *_phases(plan),
        *_priorities(plan),
        *_times(plan),
        *_statuses(plan),
    )


def _totals(plan: PlanDocument) -> Iterator[Recount]:
    issues = {issue for package in plan.packages for issue in package.issues}
    files = {_same(path) for package in plan.packages for path in package.writes}
    matrix = {_same(owner.path) for owner in plan.owners}
    for key, value, place in plan.numbers:
        name = key.casefold()
        if "total" not in name and "count" not in name and "hours" not in name and "minutes" not in name:
            continue
        if "issue" in name or "finding" in name:
            if issues:
                yield _count(place, key, value, len(issues), "different issues stand in the packages")
        elif "file" in name:
            yield _count(place, key, value, len(matrix or files), "different files are named")
        elif "package" in name or "task" in name:
            yield _count(place, key, value, len(plan.packages), "packages are described")
        elif "hour" in name or "minute" in name:
            yield from _hours(plan, place, key, value * (60 if "hour" in name else 1))


def _count(place: str, key: str, value: float, found: int, what: str) -> Recount:
    return Recount("count", place, f"{key} {value:g}", f"{found} {what}", value == found)


def _hours(plan: PlanDocument, place: str, key: str, minutes: float) -> Iterator[Recount]:
    """The sum of all packages for a sequential figure; bounds for a parallel one."""
    efforts = [package.effort.middle for package in plan.packages if package.effort]
    if not plan.packages or len(efforts) < len(plan.packages):
        return
    says = f"{key} {minutes / 60:g} h"
    if "parallel" in key.casefold():
        longest, total = _critical_minutes(plan), sum(efforts)
        found = f"the longest chain of packages takes {longest / 60:g} h and all together {total / 60:g} h"
        yield Recount("time", place, says, found, longest - 1 <= minutes <= total + 1)
    elif "sequential" in key.casefold() or "total" in key.casefold():
        total = sum(efforts)
        yield Recount("sum", place, says, f"the packages add up to {total / 60:g} h", _near(minutes, total))


def _critical_minutes(plan: PlanDocument) -> float:
    by_id = {package.id: package for package in plan.packages}
    done: dict[str, float] = {}
    for package in _in_order(plan.packages):
        before = max((done.get(each, 0.0) for each in package.after if each in by_id), default=0.0)
        done[package.id] = before + (package.effort.middle if package.effort else 0)
    return max(done.values(), default=0.0)


def _in_order(packages: Sequence[Package]) -> list[Package]:
    """The packages, each after those that it waits for; what waits in a circle comes last, as it stands."""
    by_id = {package.id: package for package in packages}
    waiting = {package.id: {each for each in package.after if each in by_id} for package in packages}
    followers: dict[str, list[str]] = defaultdict(list)
    for name, before in waiting.items():
        for each in before:
            followers[each].append(name)
    ready = [name for name, before in waiting.items() if not before]
    done: list[Package] = []
    for name in ready:  # grows while it is walked
        done.append(by_id[name])
        for follower in followers[name]:
            waiting[follower].discard(name)
            if not waiting[follower]:
                ready.append(follower)
    finished = set(ready)
    return done + [package for package in by_id.values() if package.id not in finished]


def _texts(plan: PlanDocument) -> Iterator[Recount]:
    """Sentences such as "C1, C2 (2 issues)", "All 15 issues verified" and "10.5 hours (2.5 + 4 + 4)"."""
    issues = {issue for package in plan.packages for issue in package.issues}
    for text in plan.texts:
        says = repr(" ".join(text.text[:200].split()))
        listed, summed = _COUNTED_LIST.match(text.text[:500]), _SUM.match(text.text[:500])
        told = _ALL_ISSUES.search(text.text[:200])
        packages = _ALL_PACKAGES.search(text.text[:200])
        if listed:
            found = len(set(ids_in(listed["ids"])))
            yield Recount("count", text.place, says, f"it names {found}", found == int(listed["number"]))
        elif summed:
            total = math.fsum(map(float, summed["terms"].split("+")))
            yield Recount(
                "sum", text.place, says, f"the sum is {total:g}", _near(total, float(summed["total"]))
            )
        elif told and issues and (told["all"] or text.key.casefold().startswith("total")):
            said = int(told["all"] or told["first"])
            found_text = f"{len(issues)} different issues stand in the packages"
            yield Recount("count", text.place, says, found_text, said == len(issues))
        elif packages:
            said = int(packages["number"])
            found_text = f"{len(plan.packages)} packages are described"
            yield Recount("count", text.place, says, found_text, said == len(plan.packages))


def _once_each(plan: PlanDocument) -> Iterator[Recount]:
    """Package ids, and issues: each of them belongs to one package."""
    ids: dict[str, str] = {}
    issues: dict[str, Package] = {}
    for package in plan.packages:
        first = ids.setdefault(package.id, package.place)
        if first != package.place:
            found = f"{first} has the same id"
            yield Recount("id", package.place, f"package {package.id}", found, agrees=False, places=(first,))
        for issue in package.issues:
            other = issues.setdefault(issue, package)
            if other is not package:
                found = f"{other.id} fixes it too"
                says = f"{package.id} fixes {issue}"
                yield Recount("issue", package.place, says, found, agrees=False, places=(other.place,))


def _file_owners(plan: PlanDocument) -> Iterator[Recount]:
    """Files that two packages write, of which neither waits for the other; roles that meet there."""
    writers: dict[str, list[Package]] = defaultdict(list)
    for package in plan.packages:
        for path in dict.fromkeys(map(_same, package.writes)):
            writers[path].append(package)
    order = _Order(plan.packages)
    clean = True
    for path, owners in writers.items():
        for before, after in itertools.combinations(owners[:_OWNERS_COMPARED], 2):
            if not order.follows(before, after):
                roles = (
                    f" as {after.role} and {before.role}" if after.role and before.role != after.role else ""
                )
                found = f"{before.id} writes it too{roles}, and neither waits for the other"
                says = f"{after.id} writes {path}"
                yield Recount("owner", after.place, says, found, agrees=False, places=(before.place,))
                clean = False
    if clean and writers:
        claimed = next((each for each in plan.texts if _claims_no_conflict(each)), None)
        if claimed:
            found = "no two packages that may run at the same time write the same file"
            yield Recount("owner", claimed.place, repr(claimed.text[:120]), found, agrees=True)


def _claims_no_conflict(text: Text) -> bool:
    return "conflict" in text.key.casefold() and text.text.casefold().startswith(("none", "zero", "no "))


class _Order:
    """Which packages wait for which, also through others; each set of packages is the bits of a number."""

    def __init__(self, packages: Sequence[Package]) -> None:
        self._bit = {package.id: 1 << number for number, package in enumerate(packages)}
        self._after = {package.id: package.after for package in packages}
        self._before: dict[str, int] = {}
        for package in _in_order(packages):
            self._before[package.id] = self._reach(package.id)

    def follows(self, one: Package, other: Package) -> bool:
        """True when one of the two waits for the other."""
        return self.waits(one, other) or self.waits(other, one)

    def waits(self, one: Package, other: Package) -> bool:
        """True when `one` waits for `other`; for itself when they wait in a circle."""
        return bool(self._before[one.id] & self._bit[other.id])

    def _reach(self, name: str) -> int:
        found, ahead = 0, list(self._after[name])
        while ahead:
            each = ahead.pop()
            if each not in self._bit or found & self._bit[each]:
                continue
            found |= self._bit[each] | self._before.get(each, 0)
            if each not in self._before:  # only in a circle: all others come in order
                ahead += self._after[each]
        return found


def _matrix(plan: PlanDocument) -> Iterator[Recount]:
    """The document's list of owners against the files of its packages."""
    if not plan.owners:
        return
    owned: dict[str, str] = {}
    for owner in plan.owners:
        first = owned.setdefault(_same(owner.path), owner.package)
        if first != owner.package:
            found = f"the list gives it to {first} as well"
            yield Recount("owner", owner.place, f"{owner.package} owns {owner.path}", found, agrees=False)
    tails = {_tail(path): path for path in owned}
    for package in plan.packages:
        for path in package.writes:
            match = owned.get(_same(path)) or _by_tail(path, tails, owned)
            if match != package.id:
                says = f"{package.id} writes {path}"
                found = f"the list of owners gives it to {match or 'nobody'}"
                yield Recount(
                    "owner", package.place, says, found, agrees=False, places=(plan.owners[0].place,)
                )


def _tail(path: str) -> str:
    return path.rpartition("/")[2]


def _by_tail(path: str, tails: Mapping[str, str], owned: Mapping[str, str]) -> str | None:
    """The owner of a path that is written from another root: absolute here, relative there."""
    listed = tails.get(_tail(_same(path)))
    same = listed is not None and (_same(path).endswith("/" + listed) or listed.endswith("/" + _same(path)))
    return owned[listed] if listed is not None and same else None


def _dependencies(plan: PlanDocument) -> Iterator[Recount]:
    by_id = {package.id: package for package in plan.packages}
    makers = {_same(path): package for package in plan.packages for path in package.create}
    order = _Order(plan.packages)
    for package in plan.packages:
        for needed in package.after:
            if needed not in by_id:
                says = f"{package.id} waits for {needed}"
                yield Recount("dependency", package.place, says, "there is no such package", agrees=False)
        for path in (*package.modify, *package.reads):
            maker = makers.get(_same(path))
            if maker and maker is not package and not order.follows(maker, package):
                says = f"{package.id} uses {path}"
                found = f"{maker.id} makes that file, and {package.id} does not wait for it"
                yield Recount("dependency", package.place, says, found, agrees=False, places=(maker.place,))
        if order.waits(package, package):
            says = f"{package.id} waits for {', '.join(package.after)}"
            yield Recount("dependency", package.place, says, "they wait for it in turn", agrees=False)


def _phases(plan: PlanDocument) -> Iterator[Recount]:
    """Lists of package ids elsewhere in the document, such as the phases of an order of execution."""
    ids = {package.id for package in plan.packages}
    for text in plan.texts:
        if (
            text.key == "packages"
            and not text.place.startswith(f"/{plan.list_name}/")
            and text.text not in ids
        ):
            yield Recount(
                "id", text.place, f"package {text.text[:60]!r}", "there is no such package", agrees=False
            )


def _priorities(plan: PlanDocument) -> Iterator[Recount]:
    """A package is as urgent as the worst of its issues."""
    for package in plan.packages:
        ranked = [each.severity for each in package.details.values() if each.severity]
        if package.severity and ranked:
            worst: Severity = min(ranked, key=lambda severity: severity.rank)
            says = f"{package.id} is {package.severity}"
            found = f"the worst of its issues is {worst}"
            yield Recount("priority", package.place, says, found, worst is package.severity)


def _times(plan: PlanDocument) -> Iterator[Recount]:
    """Beginnings and ends beside each other."""
    beside: dict[str, dict[str, tuple[datetime, Text]]] = defaultdict(dict)
    for text in plan.texts:
        side = "begin" if _BEGINS.search(text.key) else "end" if _ENDS.search(text.key) else ""
        when = moment(text.text) if side else None
        if when:
            beside[text.place.rpartition("/")[0]].setdefault(side, (when, text))
    for pair in beside.values():
        if len(pair) == 2:
            (begun, first), (ended, last) = pair["begin"], pair["end"]
            says = f"{last.key} {last.text}"
            found = f"{first.key} is {first.text}"
            yield Recount("time", last.place, says, found, not _before(ended, begun), places=(first.place,))


def _before(one: datetime, other: datetime) -> bool:
    if (one.tzinfo is None) != (other.tzinfo is None):
        return one.date() < other.date()  # without a zone only the day can be told, and not even that surely
    return one < other


def _statuses(plan: PlanDocument) -> Iterator[Recount]:
    """A package that is done waits for none that is not."""
    by_id = {package.id: package for package in plan.packages}
    for package in plan.packages:
        if not _DONE.search(package.status):
            continue
        for needed in package.after:
            other = by_id.get(needed)
            if other and other.status and not _DONE.search(other.status):
                says = f"{package.id} is {package.status!r}"
                found = f"{needed}, for which it waits, is {other.status!r}"
                yield Recount("status", package.place, says, found, agrees=False, places=(other.place,))


def _same(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 0.02 * max(abs(one), abs(other), 0.5)
