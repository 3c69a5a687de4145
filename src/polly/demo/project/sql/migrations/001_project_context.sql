-- 001: which project an execution belongs to, and what its agent did.

BEGIN;

CREATE TABLE projects (
    project_name TEXT PRIMARY KEY,
    project_path TEXT NOT NULL UNIQUE
);

CREATE TABLE agent_executions (
    execution_id TEXT PRIMARY KEY,
    correlation_id TEXT NOT NULL,
    agent_name TEXT NOT NULL,
    project_name TEXT REFERENCES projects (project_name),
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'success', 'failed', 'cancelled')),
    started_at TEXT NOT NULL,
    completed_at TEXT
);

CREATE TABLE agent_actions (
    event_id TEXT PRIMARY KEY NOT NULL,
    correlation_id TEXT NOT NULL,
    agent_name TEXT NOT NULL,
    action_type TEXT NOT NULL CHECK (action_type IN ('tool_call', 'decision', 'error', 'success')),
    action_name TEXT NOT NULL,
    recorded_at TEXT NOT NULL
);

CREATE INDEX idx_executions_project ON agent_executions (project_name, started_at);
CREATE INDEX idx_actions_correlation ON agent_actions (correlation_id, recorded_at);

-- What every execution of the last hour is doing.
CREATE VIEW agent_activity_realtime AS
SELECT
    executions.execution_id,
    executions.project_name,
    executions.agent_name,
    executions.status AS execution_status,
    executions.started_at,
    COUNT(actions.event_id) AS total_actions,
    COUNT(CASE WHEN actions.status = 'in_progress' THEN 1 END) AS actions_in_progress,
    COUNT(CASE WHEN actions.status = 'success' THEN 1 END) AS actions_completed,
    COUNT(CASE WHEN actions.status = 'failed' THEN 1 END) AS actions_failed,
    MAX(actions.recorded_at) AS last_action_at
FROM agent_executions AS executions
LEFT JOIN agent_actions AS actions ON actions.correlation_id = executions.correlation_id
WHERE executions.started_at >= STRFTIME('%Y-%m-%dT%H:%M:%S', 'now', '-1 hour')
GROUP BY executions.execution_id;

COMMIT;
