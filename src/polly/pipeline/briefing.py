"""What agents are told of the proof that awaits them, and the words that a repository chose for it."""

from collections.abc import Collection

from polly.execution.agents.prompt import Evidence, write_prompt
from polly.execution.prompts.templates import Templates, load_templates
from polly.pipeline.project import Project
from polly.pipeline.stages import Planned
from polly.routing.library import Roles
from polly.verification.commands import shown
from polly.verification.rescan_evidence import belongs
from polly.work.issues import Inventory, Issue
from polly.work.plan import Plan


def templates_of(project: Project) -> Templates:
    """Polly's templates and those in `.polly/prompts`. Raises InputError for one that cannot be used."""
    return load_templates(project.folder / "prompts")


def instructions_of(roles: Roles) -> dict[str, str]:
    """What each role tells a specialist, by the role's name."""
    return {role.name: role.instructions for role in roles}


def evidence_of(project: Project, plan: Plan, inventory: Inventory, roles: Roles) -> Evidence:
    """The gates of the plan and of the roles, and for each issue the checks and scanners of the settings."""
    settings = project.settings
    gates = (*plan.gates.package, *plan.gates.post)

    def of(issue: Issue) -> tuple[str, ...]:
        scanners = (shown(scan.command) for tool, scan in settings.rescan.items() if belongs(issue, tool))
        checks = (shown(check.command) for check in settings.checks if issue.id in check.issues)
        return (*checks, *scanners)

    return Evidence(
        gates=tuple(dict.fromkeys(shown(gate.command) for gate in gates)),
        by_issue={issue.id: of(issue) for issue in inventory.issues},
        by_role={role.name: tuple(shown(gate.command) for gate in role.gates) for role in roles},
    )


def prompts(project: Project, planned: Planned, wanted: Collection[str] = ()) -> dict[str, str]:
    """What the agent of each package is told in its first attempt, by package; of all unless some are wanted.

    Raises InputError for a template that cannot be used.
    """
    templates = templates_of(project)
    roles = project.roles()
    instructions = instructions_of(roles)
    evidence = evidence_of(project, planned.plan, planned.inventory, roles)
    issues = {issue.id: issue for issue in planned.inventory.issues}
    return {
        package.id: write_prompt(
            package,
            [issues[issue] for issue in package.issues],
            role=package.role,
            role_instructions=instructions.get(package.role, ""),
            contracts=planned.plan.contracts,
            couplings=planned.plan.couplings,
            evidence=evidence,
            templates=templates,
        )
        for package in planned.plan.packages
        if not wanted or package.id in wanted
    }
