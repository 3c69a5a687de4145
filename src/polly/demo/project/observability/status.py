"""The one vocabulary for how an operation stands; every record, table and report uses it."""

from enum import StrEnum


class OperationStatus(StrEnum):
    """How an operation stands."""

    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when nothing more will happen to the operation."""
        return self is not OperationStatus.IN_PROGRESS
