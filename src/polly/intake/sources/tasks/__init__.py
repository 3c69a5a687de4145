"""Plan documents of other tools: work packages or tasks with their files, roles and dependencies."""
