"""What a shell command must not do while an agent works: change what git keeps, write others' files.

Pure but for links and folders on the disk. What is not obvious is let through: the tree is looked at
afterwards, and only owned changes are ever taken from it.
"""

import os

from polly.hooks.patch_text import paths_in_patch
from polly.hooks.shell_text import Simple, Word, read_commands

TYPE_CHECKING = False  # the name is what type checkers know; `typing` would be slow to load
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Refusal = Callable[[str, str], "str | None"]

#: They say nothing about which program runs.
_KEYWORDS = frozenset("if then else elif do while until ! { time coproc".split())
#: Programs that start the program named behind their own options -> options whose value is the next word.
_STARTERS = {
    "sudo": "-u -g -h -p -C -D -R -T -U -r -t --user --group --chdir",
    "doas": "-u -C",
    "env": "-u -C --unset --chdir",
    "command": "",
    "builtin": "",
    "exec": "-a",
    "nohup": "",
    "nice": "-n --adjustment",
    "ionice": "-c -n --class --classdata",
    "setsid": "",
    "stdbuf": "-i -o -e --input --output --error",
    "timeout": "-s -k --signal --kill-after",
    "time": "-o -f",
    "xargs": "-n -I -L -P -d -s -a -E --max-args --max-procs --delimiter --arg-file --replace",
    "unbuffer": "",
    "busybox": "",
}
_SHELLS = frozenset("sh bash zsh dash ksh ash fish pwsh powershell".split())

#: Git commands that only look.
_LOOKING = frozenset(
    "annotate blame cat-file check-attr check-ignore check-mailmap cherry count-objects describe diff"
    " diff-files diff-index diff-tree for-each-ref fsck grep help log ls-files ls-tree merge-base name-rev"
    " range-diff rev-list rev-parse shortlog show show-branch show-ref status var verify-commit verify-tag"
    " version whatchanged".split()
)
#: Git commands that look when the word behind them is one of these; "" stands for none.
_LOOKING_WITH = {
    "branch": (
        "",
        "--list",
        "-l",
        "-a",
        "-r",
        "-v",
        "-vv",
        "--all",
        "--show-current",
        "--contains",
        "--remotes",
    ),
    "tag": ("", "--list", "-l", "-n", "--contains", "--points-at"),
    "stash": ("list", "show"),
    "remote": ("", "-v", "show", "get-url"),
    "config": ("--get", "--get-all", "--list", "-l", "get", "list", "--get-regexp"),
    "worktree": ("list",),
    "reflog": ("", "show", "exists"),
    "notes": ("", "list", "show"),
    "submodule": ("", "status", "summary"),
    "bundle": ("verify", "list-heads"),
    "bisect": ("log", "view", "visualize"),
    "lfs": ("ls-files", "status", "env"),
}
#: Options of git itself that change nothing; and those whose value is the next word.
_GIT_PLAIN = frozenset(
    "-p --paginate -P --no-pager --bare --no-optional-locks --literal-pathspecs --version".split()
)
_GIT_VALUE = frozenset("-C --git-dir --work-tree --namespace".split())
_GIT_SETTINGS = ("color.", "core.quotepath=", "core.pager=cat", "core.pager=", "log.", "diff.", "pager.")
#: Words that make a command git's, whatever program a variable names.
_CLEARLY_GIT = frozenset("commit push stash checkout switch reset rebase cherry-pick".split())

#: Commands of Polly with which a person decides.
_DECISIONS = frozenset("approve reject apply commit undo".split())

#: Programs that write every file they name.
_WRITE_ALL = frozenset("tee touch truncate unlink shred mv".split())
#: Programs that write the last file they name.
_WRITE_LAST = frozenset("cp install ln".split())
#: Cmdlets of PowerShell that write, and their options with the file.
_CMDLETS = frozenset(
    "set-content add-content clear-content out-file new-item remove-item move-item copy-item rename-item"
    " tee-object export-csv".split()
)
_CMDLET_FILES = ("-path", "-filepath", "-literalpath", "-destination", "-newname")
_VALUE_OPTIONS = {
    "truncate": ("-s", "-r", "--size"),
    "touch": ("-t", "-d", "-r"),
    "install": ("-m", "-o", "-g"),
}


def shell_refusal(script: str, folder: str, refusal: "Refusal") -> "tuple[str, str] | None":
    """Why the script must not run, and the path that it is about ("" for git); None when it may.

    refusal(path, folder): why the path must not be written.
    """
    folders = {0: folder}
    for command in read_commands(script):
        level = max(command.depth, 0)
        here = next((folders[each] for each in range(level, -1, -1) if folders.get(each)), "")
        for deeper in [each for each in folders if each > level]:
            del folders[deeper]
        found = _judged(command, here, refusal)
        if found:
            return found
        words = _without_prefix(command.words)
        if words and words[0].text in ("cd", "pushd"):
            folders[level] = _moved(words[1:], here)
    return None


def _moved(words: "list[Word]", here: str) -> str:
    """The folder after `cd`; "" when nobody can know it."""
    named = [word for word in words if word.text not in ("-P", "-L", "--")]
    if len(named) != 1 or not named[0].is_literal or named[0].text == "-" or not here:
        return ""
    return os.path.join(here, os.path.expanduser(named[0].text))


def _judged(command: Simple, here: str, refusal: "Refusal") -> "tuple[str, str] | None":
    for path in _written(command, here):
        why = refusal(path, here) if here or os.path.isabs(path) else None
        if why:
            return why, path
    words = _without_prefix(command.words)
    if not words:
        return None
    program = _program(words[0])
    if program == "git" or (
        not words[0].is_literal and any(word.text in _CLEARLY_GIT for word in words[1:2])
    ):
        why = _git_refusal([word.text for word in words[1:]])
        return (why, "") if why else None
    if program == "polly" and words[1:] and words[1].text in _DECISIONS:
        return f"`polly {words[1].text}` is for a person: agents do not decide what lands.", ""
    inner = _inner_script(program, words[1:], command.heredocs)
    return shell_refusal(inner, here, refusal) if inner and here else None


def _without_prefix(words: "list[Word]") -> "list[Word]":
    """The words from the program on that is really started."""
    rest = list(words)
    while rest:
        first = rest[0].text
        if first in _KEYWORDS or _is_assignment(first):
            rest = rest[1:]
        elif _program(rest[0]) in _STARTERS:
            rest = _behind_options(rest[1:], _STARTERS[_program(rest[0])].split())
        else:
            break
    return rest


def _behind_options(words: "list[Word]", with_value: "list[str]") -> "list[Word]":
    rest = list(words)
    while rest:
        first = rest[0].text
        if first.startswith("-"):
            rest = rest[2:] if first in with_value else rest[1:]
        elif _is_assignment(first) or first[:1].isdigit():  # `env A=1`, `timeout 10s`
            rest = rest[1:]
        else:
            break
    return rest


def _is_assignment(text: str) -> bool:
    name, sign, _ = text.partition("=")
    return bool(sign) and name.replace("_", "a").isalnum() and not name[:1].isdigit()


def _program(word: Word) -> str:
    name = word.text.replace("\\", "/").rpartition("/")[2].lower()
    return name.removesuffix(".exe")


def _inner_script(program: str, words: "list[Word]", heredocs: "list[str]") -> str:
    """The script that the program runs: `sh -c '…'`, `eval …`, `sh <<EOF`, `find … -exec …`."""
    texts = [word.text for word in words]
    if program == "eval":
        return " ".join(texts)
    if program == "find":
        starts = [place for place, text in enumerate(texts) if text in ("-exec", "-execdir", "-ok")]
        return "\n".join(_quoted(texts[place + 1 :]) for place in starts)
    if program not in _SHELLS:
        return ""
    for place, text in enumerate(texts):
        is_option = text.startswith("-") and not text.startswith("--") and text.lower().endswith("c")
        if is_option or text.lower() == "-command":
            return texts[place + 1] if place + 1 < len(texts) else ""
    return "\n".join(heredocs)


def _quoted(words: "list[str]") -> str:
    end = next((place for place, word in enumerate(words) if word in (";", "+")), len(words))
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words[:end] if word != "{}")


def _git_refusal(words: "list[str]") -> "str | None":
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option, sign, value = rest[0].partition("=")
        if option == "-c" and len(rest) > 1 and rest[1].lower().startswith(_GIT_SETTINGS):
            rest = rest[2:]
        elif option in _GIT_VALUE:
            rest = rest[1:] if sign and value else rest[2:]
        elif option in _GIT_PLAIN or option == "--help":
            rest = rest[1:]
        else:
            return f"`git {option}` is not for agents."
    if not rest or _only_looks(rest):
        return None
    return f"`git {rest[0]}` is not for agents: Polly takes the changes as they are, and a person commits."


def _only_looks(words: "list[str]") -> bool:
    command, *rest = words
    if any(word.startswith(("--output", "--ext-diff", "--open-files-in-pager", "-O")) for word in rest):
        return False
    if command in _LOOKING:
        return True
    following = rest[0] if rest else ""
    return following.partition("=")[0] in _LOOKING_WITH.get(command, ())


def _written(command: Simple, here: str) -> "Iterator[str]":
    """The paths that the command is sure to write, as they are spelt."""
    for word in command.outputs:
        if word.is_literal and word.text:
            yield word.text
    words = _without_prefix(command.words)
    if not words:
        return
    program, rest = _program(words[0]), words[1:]
    if program in ("apply_patch", "applypatch"):
        for text in [*command.heredocs, *(word.text for word in rest)]:
            yield from paths_in_patch(text)
    elif program in ("sed", "perl") and any(_is_in_place(word.text, program) for word in rest):
        yield from _edited(rest)
    elif program == "dd":
        yield from (word.text[3:] for word in rest if word.text.startswith("of=") and word.is_literal)
    elif program in _CMDLETS:
        yield from _named_to_cmdlet(rest)
    elif program in _WRITE_ALL or program in _WRITE_LAST or program == "rm":
        yield from _named(program, _files(program, rest), here)


def _named_to_cmdlet(words: "list[Word]") -> "Iterator[str]":
    """The values of its options for files, else its first word that is no option."""
    named = [words[at] for at in range(1, len(words)) if words[at - 1].text.lower() in _CMDLET_FILES]
    first = [word for word in words[:1] if not word.text.startswith("-")]
    yield from (word.text for word in named or first if word.is_literal)


def _named(program: str, files: "list[Word]", here: str) -> "Iterator[str]":
    literal = [word.text for word in files if word.is_literal]
    target = files[-1] if len(files) > 1 and program in (*_WRITE_LAST, "mv") else None
    if target is not None and target.is_literal:
        if os.path.isdir(os.path.join(here, target.text)):
            yield from (os.path.join(target.text, os.path.basename(word)) for word in literal[:-1])
        else:
            yield target.text
        literal.pop()
    if program not in _WRITE_LAST:
        # A folder is no file: what becomes of those in it is seen afterwards.
        paths = [(word, os.path.join(here, word)) for word in literal]
        if program == "rm":
            paths = [(word, path) for word, path in paths if os.path.lexists(path)]
        yield from (word for word, path in paths if not os.path.isdir(path))


def _files(program: str, words: "list[Word]") -> "list[Word]":
    found, is_value, is_file = [], False, False
    for word in words:
        if is_value:
            is_value = False
        elif word.text == "--" and not is_file:
            is_file = True
        elif word.text.startswith("-") and len(word.text) > 1 and not is_file:
            is_value = word.text in _VALUE_OPTIONS.get(program, ())
        else:
            found.append(word)
    return found


def _is_in_place(text: str, program: str) -> bool:
    if text.startswith("--"):
        return text.startswith("--in-place")
    letters = text[1:].partition(".")[0] if text.startswith("-") else ""
    return "i" in letters and (program == "perl" or letters.replace("i", "").strip("nErsuz") == "")


def _edited(words: "list[Word]") -> "Iterator[str]":
    """The files behind the script of `sed -i` or `perl -pi`."""
    has_script, is_script = False, False
    files = []
    for word in words:
        if is_script:
            is_script, has_script = False, True
        elif word.text.startswith("-") and len(word.text) > 1:
            is_script = word.text in ("-e", "-f", "--expression", "--file") or (
                word.text.endswith("e") and not word.text.startswith("--")
            )
        else:
            files.append(word)
    yield from (word.text for word in files[0 if has_script else 1 :] if word.is_literal)
