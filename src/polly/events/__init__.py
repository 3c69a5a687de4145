"""The wire contract: which events there are, how they are wrapped, what is taken out of them.

Nothing is imported here: `redaction` is loaded by itself in programs that must start fast.
"""
