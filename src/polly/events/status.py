"""One status vocabulary for everything that starts and ends."""

import enum


class OperationStatus(enum.StrEnum):
    """Where an operation stands; a row in the database holds nothing else."""

    IN_PROGRESS = "in_progress"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @classmethod
    def parse(cls, text: str) -> "OperationStatus":
        """The status that a producer meant: `error` is accepted for `failed`. Raises ValueError."""
        word = text.strip().lower()
        return cls.FAILED if word == "error" else cls(word)
