"""Posts become conversations: replies belong to their root, and a post that was read twice is one."""

from collections.abc import Sequence
from typing import NamedTuple

from polly.intake.sources.github.posts import Post, ThreadState


class Conversation(NamedTuple):
    """A root with its replies, in the order in which they were read.

    missing_root: the comment that this one replies to was not among what was read.
    """

    root: Post
    replies: tuple[Post, ...]
    is_resolved: bool
    missing_root: bool = False


class Conversations(NamedTuple):
    """Every conversation, and the posts that had been read before."""

    all: tuple[Conversation, ...]
    repeated: tuple[Post, ...]


def converse(posts: Sequence[Post], states: Sequence[ThreadState]) -> Conversations:
    """The conversations in the order of their roots; every post is a root, a reply, or repeated."""
    once, repeated = _once_each(posts)
    index = {key: number for number, post in enumerate(once) for key in post.keys}
    roots = _roots(once, index)
    replies: dict[int, list[Post]] = {}
    for number, root in enumerate(roots):
        replies.setdefault(root, [])
        if number != root:
            replies[root].append(once[number])
    resolved = {key for state in states if state.resolved for key in state.keys}
    outdated = {key for state in states if state.outdated for key in state.keys}
    return Conversations(
        tuple(
            _conversation(once[root], replies[root], index, resolved, outdated) for root in sorted(replies)
        ),
        tuple(repeated),
    )


def _conversation(
    root: Post, replies: list[Post], index: dict[str, int], resolved: set[str], outdated: set[str]
) -> Conversation:
    keys = {key for post in (root, *replies) for key in post.keys}
    if keys & outdated:
        root = root._replace(outdated=True)
    missing = bool(root.reply_to) and root.reply_to not in index
    return Conversation(root, tuple(replies), bool(keys & resolved), missing)


def _once_each(posts: Sequence[Post]) -> tuple[list[Post], list[Post]]:
    once: list[Post] = []
    repeated: list[Post] = []
    index: dict[str, int] = {}
    for post in posts:
        known = next((index[key] for key in post.keys if key in index), None)
        if known is None:
            known = len(once)
            once.append(post)
        else:
            once[known] = _completed(once[known], post)
            repeated.append(post)
        index.update(dict.fromkeys(post.keys, known))
    return once, repeated


def _completed(first: Post, second: Post) -> Post:
    """The post with what only the other reading of it says."""
    told = {name: getattr(second, name) for name in Post._fields if getattr(first, name) in (None, "")}
    return first._replace(keys=tuple(dict.fromkeys((*first.keys, *second.keys))), **told)


def _roots(posts: Sequence[Post], index: dict[str, int]) -> list[int]:
    """For each post the one that its conversation began with."""
    first_reply: dict[str, int] = {}
    for number, post in enumerate(posts):
        first_reply.setdefault(post.reply_to, number)
    # Where a root was not read, the first reply to it stands for it.
    above = [
        index.get(post.reply_to, first_reply[post.reply_to]) if post.reply_to else number
        for number, post in enumerate(posts)
    ]
    roots: dict[int, int] = {}
    for start in range(len(posts)):
        trail: dict[int, None] = {}
        number = start
        while number not in roots and number not in trail:
            trail[number] = None
            number = above[number]
        # Posts that name each other in a ring belong to the first of the ring that was met.
        roots.update(dict.fromkeys(trail, roots.get(number, number)))
    return [roots[number] for number in range(len(posts))]
