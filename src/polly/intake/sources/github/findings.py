"""Conversations become findings: each post that was read is one, also where there is nothing to fix."""

from collections.abc import Iterator, Mapping

import msgspec

from polly.intake.finding import Finding, Place
from polly.intake.severity import scanner_severity
from polly.intake.sources.github.authors import is_program, tool_of
from polly.intake.sources.github.badges import DEFAULT
from polly.intake.sources.github.body import Body, is_done, read_body
from polly.intake.sources.github.head import Head, Standing
from polly.intake.sources.github.mentions import places_in
from polly.intake.sources.github.posts import Post
from polly.intake.sources.github.sections import Miscount, SectionFinding, read_review
from polly.intake.sources.github.threads import Conversation, Conversations
from polly.work.issues import Severity, Source, Warning

FORMAT_NAME = "github"

#: How GitHub's reasons for hiding a comment are called here; for others it is only information.
_HIDDEN = {"resolved": "resolved", "outdated": "outdated", "duplicate": "duplicate", "deleted": "resolved"}
_WORDLESS = "A comment without words"
#: From so many judged comments on it is told when most of them do not fit the files.
_ENOUGH = 3


class FindingsReader:
    """Makes the findings of one source, and collects what a reader of them should know."""

    def __init__(self, head: Head, known: frozenset[str], table: Mapping[str, str]) -> None:
        self.warnings: list[Warning] = []
        self._head = head
        self._known = known
        self._table = table
        self._open: set[tuple[str | None, str, str]] = set()
        self._judged = 0
        self._misplaced = 0

    def read(self, conversations: Conversations) -> list[Finding]:
        """One finding for each post, and one for each finding in the body of a review."""
        comments = [each for each in conversations.all if each.root.kind == "line"]
        on_lines = [self._line(each) for each in comments]
        self._open = {_headline(each) for each in on_lines if not each.left_out}
        made = iter(on_lines)
        found: list[Finding] = []
        for each in conversations.all:
            if each.root.kind == "line":
                found.append(next(made))
            else:
                found += self._whole(each.root, comments)
            found += (self._left_out(reply, "reply") for reply in each.replies)
        found += (self._left_out(post, "duplicate") for post in conversations.repeated)
        if self._judged >= _ENOUGH and 2 * self._misplaced > self._judged:
            message = (
                f"{self._misplaced} of {self._judged} commented places are not at the base commit as the "
                "reviewers saw them; is the branch of the pull request checked out?"
            )
            self._warn("another_head", message, None)
        return found

    def _line(self, conversation: Conversation) -> Finding:
        root = conversation.root
        body = read_body(root.body)
        standing = self._head.judge(root)
        left_out = _HIDDEN.get(root.hidden, "informational") if root.hidden else ""
        if not left_out and (conversation.is_resolved or _says_done(conversation, body)):
            left_out = "resolved"
        if not left_out:
            self._judged += 1
            self._misplaced += standing.state != "open"
            left_out = "outdated" if standing.state == "gone" else ""
        if not left_out and (body.is_praise or not (body.title or body.problem)):
            left_out = "informational"
        if not left_out:
            self._tell(conversation, standing)
        return self._finding(
            root,
            body,
            ref=root.ref,
            places=tuple(_places(root.path, standing, body)),
            left_out=left_out,
            replies=conversation.replies,
        )

    def _whole(self, post: Post, comments: list[Conversation]) -> Iterator[Finding]:
        """A review or a comment on the pull request: the findings in it, or what it is instead of one."""
        review = read_review(post.body)
        if post.kind == "review":
            self._compare(post, review.comments, comments)
        for miscount in review.miscounts:
            self._contradiction(post, miscount)
        hidden = _HIDDEN.get(post.hidden, "informational") if post.hidden else ""
        hidden = "resolved" if post.state == "DISMISSED" else hidden
        for number, each in enumerate(review.findings, 1):
            yield self._in_section(post, each, f"{post.ref} finding {number}", hidden)
        if review.findings:
            return
        if hidden or is_program(post) or not post.body.strip():
            yield self._left_out(post, hidden or "informational")
            return
        body = read_body(post.body)
        places = places_in(post.body, self._known)
        asks = post.kind == "general" or post.state == "CHANGES_REQUESTED"
        yield self._finding(
            post,
            body,
            ref=post.ref,
            places=places,
            left_out="" if places else "informational" if body.is_praise or not asks else "no_location",
        )

    def _in_section(self, post: Post, each: SectionFinding, ref: str, hidden: str) -> Finding:
        body = read_body(each.text)
        left_out = hidden or each.section.left_out or ("resolved" if body.is_done else "")
        if not left_out:
            self._judged += 1
            if not self._head.has(each.path):
                self._misplaced += 1
                left_out = "outdated"
        standing = Standing("open", each.start_line, each.end_line)
        finding = self._finding(
            post,
            body,
            ref=ref,
            places=tuple(_places(each.path, standing, body)),
            left_out=left_out,
            default=each.section.severity,
        )
        if not left_out and each.section.repeats and _headline(finding) in self._open:
            return msgspec.structs.replace(finding, left_out="duplicate")
        return finding

    def _finding(
        self,
        post: Post,
        body: Body,
        *,
        ref: str,
        places: tuple[Place, ...],
        left_out: str,
        default: Severity = DEFAULT,
        replies: tuple[Post, ...] = (),
    ) -> Finding:
        tool = tool_of(post)
        severity = self._severity(body.severity or default, tool)
        said = [read_body(reply.body) for reply in replies]
        answers = [
            f"{tool_of(reply) or 'Somebody'} replies:\n{each.problem}"
            for reply, each in zip(replies, said, strict=True)
            if each.problem
        ]
        suggestion = body.suggestion or next((each.suggestion for each in said if each.suggestion), "")
        return Finding(
            source=Source(format=FORMAT_NAME, tool=tool, ref=ref),
            severity=severity or Severity.NITPICK,
            title=body.title or _WORDLESS,
            # Programs word the same finding anew in every round, except for its headline.
            message=body.title if body.has_headline and is_program(post) else body.problem or body.suggestion,
            places=places,
            problem="\n\n".join((body.problem, *answers)).strip(),
            suggestion=suggestion,
            left_out=left_out or ("" if severity else "informational"),
        )

    def _severity(self, severity: Severity, tool: str | None) -> Severity | None:
        """The severity, unless the table of the settings says otherwise about `Tool:severity`."""
        keys = (f"{tool}:{severity}", f"{str(tool).lower()}:{severity}")
        if not tool or not any(key in self._table for key in keys):
            return severity
        return scanner_severity(
            level="", tool=tool, rule=severity.value, security_severity=None, table=self._table
        )

    def _left_out(self, post: Post, reason: str) -> Finding:
        source = Source(format=FORMAT_NAME, tool=tool_of(post), ref=post.ref)
        return Finding(source=source, severity=Severity.NITPICK, title="", message="", left_out=reason)

    def _tell(self, conversation: Conversation, standing: Standing) -> None:
        root = conversation.root
        if standing.state == "changed":
            message = f"The lines of {root.path} under this comment have changed; it may be fixed already."
            self._warn("line_changed", message, root.ref)
        if conversation.missing_root:
            message = "The comment that this one replies to was not read; the reply stands for it."
            self._warn("root_missing", message, root.ref)

    def _compare(self, review: Post, stated: int | None, comments: list[Conversation]) -> None:
        """What a review says about the number of its comments, against those that were read."""
        if not stated:
            return
        told = f"{tool_of(review) or 'The review'} says that it came with {stated} comments"
        if not comments:
            message = f"{told}, but no review comment is in this source; read the comments as well."
            self._warn("comments_missing", message, review.ref)
            return
        own = [each.root for each in comments if each.root.review]
        found = sum(each.review in review.keys for each in own)
        if own and found != stated:
            message = f"{told}, but {found} were read."
            self._warn("contradiction", message, review.ref)

    def _contradiction(self, post: Post, miscount: Miscount) -> None:
        message = f"The heading {miscount.heading!r} is followed by {miscount.found} findings."
        self._warn("contradiction", message, post.ref)

    def _warn(self, code: str, message: str, ref: str | None) -> None:
        self.warnings.append(Warning(code=code, message=message, ref=ref))


def _says_done(conversation: Conversation, body: Body) -> bool:
    """True when the one who made the finding says that it has been taken care of."""
    if not is_program(conversation.root):
        return False
    login = conversation.root.login.removesuffix("[bot]")
    own = (each for each in conversation.replies if login and each.login.removesuffix("[bot]") == login)
    return body.is_done or any(is_done(each.body) for each in own)


def _places(path: str, standing: Standing, body: Body) -> Iterator[Place]:
    if path:
        yield Place(path=path, start_line=standing.start_line, end_line=standing.end_line)
        for start, end in body.also if standing.state != "gone" else ():
            yield Place(path=path, start_line=start, end_line=end)


def _headline(finding: Finding) -> tuple[str | None, str, str]:
    path = finding.places[0].path if finding.places else ""
    return finding.source.tool, path, finding.title.casefold()
