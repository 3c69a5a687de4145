"""The templates of the prompt: files beside this one, each of which a repository can replace.

A template is Markdown in which `$name` stands for a part. What is put in is never looked at again, so text
of a finding cannot name a part. `$$` is a dollar sign.
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

from polly.errors import InputError

#: template -> the parts that it may name
PARTS: dict[str, tuple[str, ...]] = {
    "prompt": (
        *("package", "summary", "role", "role_instructions", "files", "contracts", "couplings"),
        *("notes", "issues", "before", "rules", "done"),
    ),
    "issues": ("issues",),
    "before": ("feedback",),
    "rules": (),
    "done": ("evidence",),
}
#: Without these an agent would not know its work or its limits.
_NEEDED = {"prompt": ("files", "issues", "rules", "done"), "issues": ("issues",)}
_MAX_BYTES = 200_000


class Templates:
    """The texts of all templates, by name."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def fill(self, name: str, **parts: str) -> str:
        """The template with its parts. A part without text takes the paragraph along that it is alone in."""
        text = self._texts[name]
        for part in PARTS[name]:
            if not parts.get(part):
                text = re.sub(rf"^\${part}\n+|^\$\{{{part}\}}\n+", "", text, flags=re.MULTILINE)
        return Template(text).substitute({**dict.fromkeys(PARTS[name], ""), **parts}).strip()


def load_templates(folder: Path | None = None) -> Templates:
    """Polly's templates, with those that the folder holds (`prompt.md`, `rules.md`, …) in their places.

    Raises InputError for a file that is no template, naming what is wrong with it.
    """
    own = Path(__file__).parent
    texts = {name: (own / f"{name}.md").read_text(encoding="utf-8") for name in PARTS}
    for file in sorted(folder.glob("*.md")) if folder and folder.is_dir() else ():
        if file.stem not in PARTS:
            raise InputError(f"{file}: there is no template {file.stem!r}", next_step=_nearest(file.stem))
        texts[file.stem] = _read(file)
    return Templates(texts)


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
        text = data[: _MAX_BYTES + 1].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {error}", next_step="A template is Markdown in UTF-8."
        ) from error
    if len(data) > _MAX_BYTES:
        raise InputError(
            f"{file} is longer than {_MAX_BYTES} bytes", next_step="The issues are put in by Polly."
        )
    _check(file, text.replace("\r\n", "\n"))
    return text.replace("\r\n", "\n")


def _check(file: Path, text: str) -> None:
    template, known = Template(text), PARTS[file.stem]
    listed = ", ".join(f"${name}" for name in known) or "none"
    if not template.is_valid():
        line = next(number for number, each in enumerate(text.splitlines(), 1) if not _is_valid(each))
        raise InputError(
            f"{file} line {line}: a `$` names no part", next_step=f"Write `$$` for a dollar. Parts: {listed}."
        )
    named = template.get_identifiers()
    unknown = next((name for name in named if name not in known), None)
    if unknown:
        raise InputError(f"{file}: there is no part ${unknown}", next_step=f"Parts of it: {listed}.")
    missing = next((name for name in _NEEDED.get(file.stem, ()) if name not in named), None)
    if missing:
        raise InputError(
            f"{file} does not name ${missing}",
            next_step=f"Put ${missing} where that part shall stand: an agent needs it.",
        )


def _is_valid(line: str) -> bool:
    return Template(line).is_valid()


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, PARTS, n=1, cutoff=0.5)
    return f"Did you mean {close[0]}.md?" if close else f"Templates: {', '.join(f'{n}.md' for n in PARTS)}."
