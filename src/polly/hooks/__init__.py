"""Programs inside of an agent's session, and their registration with the agent programs.

`record` and `guard` are started as `<python> -I -S <file>`, for each tool call anew. They import nothing but
the standard library and modules of Polly that do the same: those of this package, session_file, places and
fitting of the sink, and events.redaction when there is something to redact. Nothing is imported here.
"""
