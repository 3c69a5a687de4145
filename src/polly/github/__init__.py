"""Everything that Polly asks GitHub, and nothing else does: the comments of one pull request.

`gh` is asked when it is there and logged in; else GitHub itself, with a token of the environment. A token
is sent to the host that the environment names and to no other, and is never shown.
"""

from polly.github.fetch import fetch_source

__all__ = ["fetch_source"]
