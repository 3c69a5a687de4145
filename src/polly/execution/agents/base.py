"""What every agent is given, and what it may say: the contract of the files and of the POLLY_* variables."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from polly.execution.agents.listening import Listener
from polly.execution.agents.own_polly import path_with_polly
from polly.execution.agents.prompt import Evidence, Note, write_prompt
from polly.execution.plain_file import read_plain
from polly.execution.prompts.templates import Templates
from polly.settings import state_home
from polly.work.issues import Issue
from polly.work.plan import Coupling, Files, WorkPackage
from polly.work.run import Claim

#: an agent's result file is a few lines for each issue; more is a mistake or mischief
MAX_RESULT_BYTES = 1_000_000
MAX_STATUS_LENGTH = 40
MAX_NOTE_LENGTH = 2000


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One attempt at one package.

    folder: the attempt's own folder, outside the workspace; files for the agent are placed there.
    role_instructions: what the role's definition tells a specialist of this kind, or "".
    feedback: why the last attempt failed, or None for the first one.
    session: the id of this attempt's session, in the records of Polly and of a program that takes one.
    notes: what other packages wanted of its files.
    correlation, project_path: what joins the records of the run; "" outside of one.
    """

    run: str
    package: WorkPackage
    attempt: int
    role: str
    workspace: Path
    folder: Path
    issues: tuple[Issue, ...]
    contracts: tuple[str, ...] = ()
    feedback: str | None = None
    role_instructions: str = ""
    couplings: tuple[Coupling, ...] = ()
    notes: tuple[Note, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    templates: Templates | None = None
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    correlation: str = ""
    project_path: str = ""

    @property
    def prompt_file(self) -> Path:
        """Where the prompt is."""
        return (self.folder / "prompt.md").absolute()

    @property
    def result_file(self) -> Path:
        """Where the agent may write; alone in its folder, so that a sandbox can be opened for it."""
        return result_file(self.folder).absolute()


@dataclass(frozen=True, kw_only=True)
class Launch:
    """The program to start in the workspace, and what it gets in its environment besides POLLY_*."""

    command: tuple[str, ...]
    env: Mapping[str, str]


class Agent(Protocol):
    """A kind of program that fixes a package.

    spec: text from which `registry.reopen` makes the same agent again.
    """

    @property
    def name(self) -> str:
        """The name in the registry."""
        ...

    @property
    def spec(self) -> str: ...

    def launch(self, assignment: Assignment) -> Launch:
        """How to start it for this assignment. May write files into the assignment's folder."""
        ...

    def listener(self, folder: Path) -> Listener:
        """What reads the records of the attempt in this folder, also one that an earlier Polly started."""
        ...


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an agent said about its issues; note: why (some of) it could not be read, or ""."""

    claims: dict[str, Claim]
    note: str = ""


def prepare_files(assignment: Assignment) -> dict[str, str]:
    """Write the files for the agent; returns the variables that lead to them."""
    folder = assignment.folder
    folder.mkdir(parents=True, exist_ok=True)
    requests_folder(folder).mkdir(parents=True, exist_ok=True)
    assignment.result_file.unlink(missing_ok=True)
    variables = {
        "POLLY_RUN_ID": assignment.run,
        "POLLY_PACKAGE_ID": assignment.package.id,
        "POLLY_ATTEMPT": str(assignment.attempt),
        "POLLY_ROLE": assignment.role,
        "POLLY_PROMPT_FILE": _write(folder / "prompt.md", _prompt(assignment)),
        "POLLY_OWNED_FILES": write_owned_files(folder, assignment.package.files),
        # A program may have folders of its own for everything; records of its hooks and commands come here.
        "POLLY_HOME": str(state_home().absolute()),
        "POLLY_WORKSPACE": str(assignment.workspace.absolute()),
        "POLLY_REQUESTS": str(requests_folder(folder).absolute()),
        "PATH": path_with_polly(folder / "bin"),
        "POLLY_ISSUES_FILE": _write(folder / "issues.json", _issues(assignment)),
        "POLLY_RESULT_FILE": str(assignment.result_file),
        "POLLY_SESSION_ID": assignment.session,
    }
    told = {"POLLY_CORRELATION_ID": assignment.correlation, "POLLY_PROJECT_PATH": assignment.project_path}
    variables |= {name: value for name, value in told.items() if value}
    if assignment.feedback:
        variables["POLLY_FEEDBACK_FILE"] = _write(folder / "feedback.md", assignment.feedback)
    return variables


def read_claims(folder: Path) -> dict[str, Claim]:
    """What the agent of this folder claims, by issue; empty when it said nothing that can be read."""
    return read_result(folder).claims


def read_result(folder: Path) -> Result:
    """As `read_claims`, with a note when something in the file could not be used. Never raises for it."""
    try:
        data = read_plain(result_file(folder), MAX_RESULT_BYTES)
    except FileNotFoundError:
        return Result(claims={})
    except (OSError, ValueError) as error:
        return Result(claims={}, note=f"the result file was not read: {error}")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Result(claims={}, note=f"the result file is not JSON: {error}")
    issues = value.get("issues") if isinstance(value, dict) else None
    if not isinstance(issues, dict):
        return Result(claims={}, note='the result file does not look like {"issues": {"C1": {"status": …}}}')
    claims = {issue: claim for issue, said in issues.items() if (claim := _claim(said)) is not None}
    odd = len(issues) - len(claims)
    return Result(claims=claims, note=f"{odd} claims without a status were left out" if odd else "")


def _claim(said: Any) -> Claim | None:
    if isinstance(said, str):
        said = {"status": said}
    if not isinstance(said, dict) or not isinstance(said.get("status"), str) or not said["status"].strip():
        return None
    note = said.get("note", "")
    return Claim(
        status=said["status"].strip()[:MAX_STATUS_LENGTH],
        note=note[:MAX_NOTE_LENGTH] if isinstance(note, str) else "",
    )


def result_file(folder: Path) -> Path:
    """The result file of the attempt in this folder."""
    return folder / "result" / "result.json"


def requests_folder(folder: Path) -> Path:
    """Where the agent of the attempt in this folder asks for files, beside its result."""
    return folder / "result" / "requests"


def write_owned_files(folder: Path, files: Files) -> str:
    """Write the list of the agent's files, which its guard reads at each call; returns its path."""
    paths = (*files.modify, *files.create)
    text = "".join(f"{path}\n" for path in paths if len(path.splitlines()) == 1)
    file = folder / "owned_files.txt"
    _write(folder / "owned_files.new", text)
    (folder / "owned_files.new").replace(file)
    return str(file.absolute())


def _prompt(assignment: Assignment) -> str:
    return write_prompt(
        assignment.package,
        assignment.issues,
        role=assignment.role,
        role_instructions=assignment.role_instructions,
        contracts=assignment.contracts,
        couplings=assignment.couplings,
        notes=assignment.notes,
        evidence=assignment.evidence,
        feedback=assignment.feedback,
        templates=assignment.templates,
    )


def _issues(assignment: Assignment) -> str:
    value = {"package": assignment.package.id, "issues": assignment.issues}
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"


def _write(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return str(file.absolute())
