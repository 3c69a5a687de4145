"""How projects are called."""

from functools import lru_cache


@lru_cache(maxsize=1024)
def project_name(project_path: str) -> str:
    """The last name of a path of any system, also with a separator at its end."""
    return project_path.replace("\\", "/").rstrip("/").rpartition("/")[2]
