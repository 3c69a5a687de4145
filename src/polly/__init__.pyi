from polly.events.status import OperationStatus as OperationStatus
from polly.tracking.execution_logger import AgentExecutionLogger as AgentExecutionLogger
from polly.tracking.execution_logger import log_agent_execution as log_agent_execution

__all__ = ["AgentExecutionLogger", "OperationStatus", "__version__", "log_agent_execution"]
__version__: str
