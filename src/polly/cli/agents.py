from polly.cli import options
from polly.cli.output import Format, Table, next_steps, show
from polly.cli.record_settings import Config, record_settings
from polly.execution.agents.probing import Probe, probe_all
from polly.execution.agents.registry import AGENTS, PROGRAMS

_GUARDS = {
    "hooks": "live, by hooks",
    "rules": "live, by its own rules",
    "afterwards": "afterwards",
}


def agents(*, config: Config = None, output_format: options.OutputFormat = Format.TABLE) -> None:
    """List the agent programs: which are installed, what each can do, and what is missing.

    Whatever the agent, only changes of its own files are taken. `guard` says how others are prevented.

    Example: `polly agents`, then `polly fix findings.sarif --agent claude`
    """
    probes = probe_all(PROGRAMS, record_settings(config).agents)
    built_in = [name for name in AGENTS if name not in {each.name for each in probes}]
    value = {"agents_version": 1, "agents": probes, "built_in": built_in}
    show(value, _table(probes), output_format)
    if output_format is Format.TABLE:
        next_steps([each.next_step for each in probes if each.installed and each.next_step])


def _table(probes: tuple[Probe, ...]) -> Table:
    return Table(
        columns=("agent", "program", "version", "guard", "actions", "cost", "missing"),
        rows=tuple(
            (
                each.name,
                each.title,
                each.version or ("unknown" if each.installed else "-"),
                _GUARDS[each.guard],
                _word(told=each.tells_actions),
                _word(told=each.tells_cost),
                each.missing or "nothing",
            )
            for each in probes
        ),
    )


def _word(*, told: bool) -> str:
    return "recorded" if told else "not told"
