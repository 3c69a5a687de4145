"""What agents tell about themselves: `polly log`, its skills, and AgentExecutionLogger, all into the spool.

Nothing here needs a network, a database or a thread of its own, and nothing is imported here.
"""
