"""Polly: findings in, conflict-free parallel fixes out, each one proved.

For programs: `from polly import AgentExecutionLogger, log_agent_execution, OperationStatus`.
"""

__version__ = "0.1.0"
__all__ = ["AgentExecutionLogger", "OperationStatus", "__version__", "log_agent_execution"]

#: What is imported when somebody first asks for it: `import polly` alone stays free of cost.
_PUBLIC = {
    "AgentExecutionLogger": "polly.tracking.execution_logger",
    "log_agent_execution": "polly.tracking.execution_logger",
    "OperationStatus": "polly.events.status",
}


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'polly' has no attribute {name!r}")
    import importlib  # noqa: PLC0415

    return getattr(importlib.import_module(_PUBLIC[name]), name)
