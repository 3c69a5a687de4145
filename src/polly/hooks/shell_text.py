"""Reads a shell command line far enough to know which programs it starts and where it writes.

Not a shell: what depends on variables, globs or the output of programs is marked as not literal. The tree is
looked at after each command, so that what nobody can foresee is found a moment later.
"""

_SEPARATORS = ";&|\n"
_MOST_DEPTH = 20


class Word:
    """One word. is_literal: it says what it means, without variables, globs or output of programs."""

    __slots__ = ("is_literal", "text")

    def __init__(self, text: str, *, is_literal: bool) -> None:
        self.text = text
        self.is_literal = is_literal


class Simple:
    """One command. outputs: where it is redirected to; heredocs: what it is given as standard input.

    depth: of the subshells around it.
    """

    __slots__ = ("depth", "heredocs", "outputs", "words")

    def __init__(self, depth: int) -> None:
        self.words: list[Word] = []
        self.outputs: list[Word] = []
        self.heredocs: list[str] = []
        self.depth = depth


def read_commands(script: str, depth: int = 0) -> "list[Simple]":
    """The commands of a script, also those of subshells and substitutions, in the order in which they stand.

    Raises ValueError for a script that is nested too deeply.
    """
    if depth > _MOST_DEPTH:
        raise ValueError("the command is nested too deeply to be judged")
    return _Reader(script, depth).read()


class _Reader:
    def __init__(self, script: str, depth: int) -> None:
        self._text = script.replace("\\\r\n", "").replace("\\\n", "")
        self._at = 0
        self._depth = depth
        self._level = depth
        self._done: list[Simple] = []
        self._now = Simple(depth)
        self._waiting: list[tuple[Simple, str, bool]] = []

    def read(self) -> "list[Simple]":
        while self._at < len(self._text):
            self._step(self._text[self._at])
        self._end()
        return self._done

    def _step(self, character: str) -> None:
        if character == "\n":
            self._at += 1
            self._end()
            self._read_heredocs()
        elif character in " \t\r":
            self._at += 1
        elif character == "#":
            end = self._text.find("\n", self._at)
            self._at = end if end >= 0 else len(self._text)
        elif self._text.startswith("((", self._at):
            self._at += 1
            self._balanced(1)  # arithmetic, in which `>` compares
            self._at += 1
        elif character in "()":
            self._at += 1
            self._end()
            self._level += 1 if character == "(" else -1
            self._now.depth = self._level
        elif character in "<>" or self._text.startswith("&>", self._at):
            self._redirect()
        elif character in _SEPARATORS:
            self._at += 1
            self._end()
        else:
            self._word_or_number()

    def _end(self) -> None:
        if self._now.words or self._now.outputs:
            self._done.append(self._now)
        self._now = Simple(self._level)

    def _word_or_number(self) -> None:
        word = self._word()
        following = self._text[self._at : self._at + 1]
        if word.text.isdigit() and following in ("<", ">"):
            return  # the number of a file that is redirected
        self._now.words.append(word)

    def _redirect(self) -> None:
        start = self._at
        if self._now.words and self._now.words[0].text == "[[":
            self._at += 1  # a comparison
            return
        while self._text[self._at : self._at + 1] in ("<", ">", "&", "|") and self._at - start < 3:
            self._at += 1
        sign = self._text[start : self._at]
        if sign in ("<", ">") and self._text[self._at : self._at + 1] == "(":
            self._at = start + 1
            self._inner(self._balanced(1))
            return
        if sign.startswith("<<") and sign != "<<<" and self._text[self._at : self._at + 1] == "-":
            self._at += 1
            sign = "<<-"
        self._skip_blanks()
        word = self._word()
        if sign in ("<<", "<<-"):
            self._waiting.append((self._now, word.text, sign == "<<-"))
        elif sign == "<<<":
            self._now.heredocs.append(word.text)
        elif ">" in sign and not (sign.endswith("&") and (word.text.isdigit() or word.text == "-")):
            self._now.outputs.append(word)

    def _skip_blanks(self) -> None:
        while self._text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1

    def _read_heredocs(self) -> None:
        for command, mark, is_indented in self._waiting:
            lines = []
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                line = self._text[self._at :] if end < 0 else self._text[self._at : end]
                self._at = len(self._text) if end < 0 else end + 1
                if (line.lstrip("\t") if is_indented else line).rstrip("\r") == mark:
                    break
                lines.append(line)
            command.heredocs.append("\n".join(lines))
        self._waiting = []

    def _word(self) -> Word:
        parts, literal = [], True
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in " \t\r\n;&|<>()":
                break
            part, is_literal = self._part(character)
            parts.append(part)
            literal = literal and is_literal
        return Word("".join(parts), is_literal=literal)

    def _part(self, character: str) -> "tuple[str, bool]":
        if character == "'":
            return self._until("'"), True
        if character == '"':
            return self._double_quoted()
        if character == "\\":
            self._at += 2
            return self._text[self._at - 1 : self._at], True
        if character == "`":
            inner = self._until("`")
            self._inner(inner)
            return "", False
        if character == "$":
            return self._dollar()
        self._at += 1
        return character, character not in "*?["

    def _until(self, quote: str) -> str:
        end = self._text.find(quote, self._at + 1)
        end = len(self._text) if end < 0 else end
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        return inner

    def _double_quoted(self) -> "tuple[str, bool]":
        self._at += 1
        parts, literal = [], True
        while self._at < len(self._text) and self._text[self._at] != '"':
            character = self._text[self._at]
            if character == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                parts.append(following if following in '"\\$`' else character + following)
                self._at += 2
            elif character in "$`":
                part, is_literal = self._part(character)
                parts.append(part)
                literal = literal and is_literal
            else:
                parts.append(character)
                self._at += 1
        self._at += 1
        return "".join(parts), literal

    def _dollar(self) -> "tuple[str, bool]":
        following = self._text[self._at + 1 : self._at + 2]
        if following == "(":
            self._at += 1
            inner = self._balanced(1)
            if not inner.startswith("("):
                self._inner(inner)
            return "", False
        if following == "'":
            self._at += 1
            return self._until("'"), False
        if following == '"':
            self._at += 1
            return self._double_quoted()
        if following == "{":
            self._until("}")
            return "", False
        self._at += 1
        if not (following.isalnum() or (following and following in "_?!$@#*-")):
            return "$", True
        while self._text[self._at : self._at + 1].isalnum() or self._text[self._at : self._at + 1] == "_":
            self._at += 1
        return "", False

    def _balanced(self, level: int) -> str:
        """What stands between the parenthesis here and the one that ends it."""
        start = self._at = self._at + 1
        while self._at < len(self._text) and level:
            character = self._text[self._at]
            if character == "'":
                self._until("'")
                continue
            if character == "\\":
                self._at += 1
            level += {"(": 1, ")": -1}.get(character, 0)
            self._at += 1
        return self._text[start : self._at - 1 if not level else self._at]

    def _inner(self, script: str) -> None:
        self._done += read_commands(script, self._depth + 1)
