import enum


class ExitCode(enum.IntEnum):
    """What `polly` tells the program that called it."""

    VERIFIED = 0  # done; for a run: every issue was proved fixed
    UNFIXED = 1  # finished, but an issue is not proved fixed, a gate is red, or something is not healthy
    WRONG_USE = 2  # an option, a file or the state of the repository; the message says what to do
    OUR_BUG = 3  # the message names a file that can be pasted into a report
    NO_DATA = 4  # the question was understood, and nothing is recorded that could answer it
    INTERRUPTED = 130  # Ctrl-C; a run can be resumed
    READER_GONE = 141  # the program that read our output closed it (`polly issues … | head`)
