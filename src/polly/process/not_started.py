"""Its own module, because both kinds of program raise it and the shim must import only one of them."""


class NotStarted(Exception):  # noqa: N818 - the name of the outcome
    """The program does not run; the text says why, for a person."""
