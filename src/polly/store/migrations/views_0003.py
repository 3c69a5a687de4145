"""The views and functions of revision 0003. A later revision that changes one has a file of its own."""

from polly.store.views import Function, View

#: What the dialects say differently: (PostgreSQL, SQLite).
_WORDS = {
    # SQLite keeps no statistics unless it is asked to: it is told that most rows are older.
    "<within an hour>": (
        "created_at >= now() - interval '1 hour'",
        "unlikely(created_at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hour'))",
    ),
    "<within a day>": (
        "created_at >= now() - interval '1 day'",
        "unlikely(created_at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 day'))",
    ),
    "<action types>": (
        """to_jsonb(array_remove(ARRAY[
        CASE WHEN done.decisions > 0 THEN 'decision' END, CASE WHEN done.failed > 0 THEN 'error' END,
        CASE WHEN done.completed > 0 THEN 'success' END, CASE WHEN done.calls > 0 THEN 'tool_call' END
    ], NULL))""",
        """(SELECT json_group_array(value) FROM json_each(json_array(
        CASE WHEN done.decisions > 0 THEN 'decision' END, CASE WHEN done.failed > 0 THEN 'error' END,
        CASE WHEN done.completed > 0 THEN 'success' END, CASE WHEN done.calls > 0 THEN 'tool_call' END
    )) WHERE value IS NOT NULL)""",
    ),
    "<timeline>": (
        """jsonb_agg(jsonb_build_object(
            'at', step.created_at, 'action_type', step.action_type, 'action_name', step.action_name,
            'duration_ms', step.duration_ms
        ) ORDER BY step.created_at, step.event_id)""",
        """json_group_array(json_object(
            'at', step.created_at, 'action_type', step.action_type, 'action_name', step.action_name,
            'duration_ms', step.duration_ms
        ))""",
    ),
    # SQLite's aggregates take the rows as they come.
    "<in order>": ("", "ORDER BY created_at, event_id"),
    "<milliseconds between>": (
        "CAST(extract(epoch FROM max(time) - min(time)) * 1000 AS DOUBLE PRECISION)",
        "(julianday(max(time)) - julianday(min(time))) * 86400000.0",
    ),
}


def _view(name: str, query: str) -> View:
    postgresql = sqlite = query.strip()
    for word, (one, other) in _WORDS.items():
        postgresql, sqlite = postgresql.replace(word, one), sqlite.replace(word, other)
    return View(name, postgresql, sqlite)


#: Executions of the last hour. An action counts for the execution that it names; one that names none, for the
#: execution of its correlation and its agent that began last before it, else of its correlation alone; before
#: the first one, for that. So each counts once. A tool call is in progress while no success or error of the
#: same execution names its `action`; one without `action` cannot be paired and counts by its type.
_ACTIVITY = """
WITH recent AS (
    SELECT * FROM agent_execution_logs WHERE <within an hour>
), owned AS (
    SELECT
        act.action,
        act.action_type,
        act.created_at,
        coalesce(
            act.execution_id,
            (SELECT log.execution_id FROM agent_execution_logs AS log
                WHERE log.correlation_id = act.correlation_id AND log.agent_name = act.agent_name
                    AND log.created_at <= act.created_at
                ORDER BY log.created_at DESC LIMIT 1),
            (SELECT log.execution_id FROM agent_execution_logs AS log
                WHERE log.correlation_id = act.correlation_id AND log.agent_name = act.agent_name
                ORDER BY log.created_at LIMIT 1),
            (SELECT log.execution_id FROM agent_execution_logs AS log
                WHERE log.correlation_id = act.correlation_id AND log.created_at <= act.created_at
                ORDER BY log.created_at DESC LIMIT 1),
            (SELECT log.execution_id FROM agent_execution_logs AS log
                WHERE log.correlation_id = act.correlation_id
                ORDER BY log.created_at LIMIT 1)
        ) AS execution_id
    FROM agent_actions AS act
    WHERE act.correlation_id IN (SELECT correlation_id FROM recent)
), each_action AS (
    SELECT
        execution_id,
        action,
        count(*) AS actions,
        sum(CASE WHEN action_type = 'tool_call' THEN 1 ELSE 0 END) AS calls,
        sum(CASE WHEN action_type = 'success' THEN 1 ELSE 0 END) AS completed,
        sum(CASE WHEN action_type = 'error' THEN 1 ELSE 0 END) AS failed,
        sum(CASE WHEN action_type = 'decision' THEN 1 ELSE 0 END) AS decisions,
        max(created_at) AS last_at
    FROM owned
    GROUP BY execution_id, action
), done AS (
    SELECT
        execution_id,
        sum(actions) AS actions,
        sum(CASE WHEN action IS NULL THEN calls WHEN calls > 0 AND completed + failed = 0 THEN 1 ELSE 0 END)
            AS in_progress,
        sum(calls) AS calls,
        sum(completed) AS completed,
        sum(failed) AS failed,
        sum(decisions) AS decisions,
        max(last_at) AS last_at
    FROM each_action
    GROUP BY execution_id
)
SELECT
    recent.project_name,
    recent.session_id,
    recent.agent_name,
    recent.status AS execution_status,
    coalesce(recent.started_at, recent.created_at) AS started_at,
    CAST(coalesce(done.actions, 0) AS BIGINT) AS total_actions,
    CAST(coalesce(done.in_progress, 0) AS BIGINT) AS actions_in_progress,
    CAST(coalesce(done.completed, 0) AS BIGINT) AS actions_completed,
    CAST(coalesce(done.failed, 0) AS BIGINT) AS actions_failed,
    done.last_at AS last_action_at,
    <action types> AS action_types_used,
    recent.execution_id,
    recent.correlation_id,
    recent.run
FROM recent
LEFT JOIN done ON done.execution_id = recent.execution_id
"""

#: The traces that did something last: as many as a person looks at, found among so many actions that no store
#: is too large for it. Each of them is then whole.
_TRACES = """
WITH newest AS (
    SELECT correlation_id, agent_name, created_at
    FROM agent_actions
    WHERE <within a day> AND debug_mode
    ORDER BY created_at DESC
    LIMIT 10000
), recent AS (
    SELECT correlation_id, agent_name
    FROM newest
    GROUP BY correlation_id, agent_name
    ORDER BY max(created_at) DESC, correlation_id, agent_name
    LIMIT 100
)
SELECT
    trace.*,
    (
        SELECT <timeline>
        FROM (
            SELECT event_id, created_at, action_type, action_name, duration_ms
            FROM agent_actions
            WHERE correlation_id = trace.correlation_id AND agent_name = trace.agent_name
                AND debug_mode AND <within a day>
            <in order>
        ) AS step
    ) AS actions_timeline
FROM (
    SELECT
        action.correlation_id,
        action.agent_name,
        count(*) AS action_count,
        min(action.created_at) AS trace_started,
        max(action.created_at) AS trace_ended,
        sum(action.duration_ms) AS total_duration_ms,
        sum(CASE WHEN action.action_type = 'error' THEN 1 ELSE 0 END) AS error_count,
        sum(CASE WHEN action.action_type = 'success' THEN 1 ELSE 0 END) AS success_count
    FROM recent
    JOIN agent_actions AS action
        ON action.correlation_id = recent.correlation_id AND action.agent_name = recent.agent_name
    WHERE <within a day> AND action.debug_mode
    GROUP BY action.correlation_id, action.agent_name
) AS trace
ORDER BY trace_ended DESC, correlation_id, agent_name
"""

#: The rows that know more of an event are found by its id, and only where its type fills such a row.
_TIMELINES = """
SELECT
    event.session_id,
    event.time,
    event.id AS event_id,
    CASE
        WHEN event.type LIKE 'dev.polly.%.v1' THEN substr(event.type, 11, length(event.type) - 13)
        ELSE event.type
    END AS kind,
    coalesce(
        action.action_name, execution.agent_name, routing.selected_agent, transformation.target_agent,
        metric.selected_agent, failure.detected_agent, hook.resource_id, hook.resource, gate.name,
        verdict.issue, approval.package, event.subject
    ) AS name,
    coalesce(action.agent_name, execution.agent_name, hook.agent_name) AS agent_name,
    coalesce(
        CASE action.action_type WHEN 'error' THEN 'failed' WHEN 'success' THEN 'success' END,
        CASE WHEN event.id = execution.completed_event_id THEN execution.status END,
        CASE WHEN execution.execution_id IS NOT NULL THEN 'in_progress' END,
        CASE WHEN transformation.event_type = 'transformation_start' THEN 'in_progress'
            WHEN transformation.success THEN 'success' WHEN NOT transformation.success THEN 'failed' END,
        failure.detection_status, hook.outcome, gate.status, verdict.verdict, approval.decision
    ) AS outcome,
    coalesce(
        action.duration_ms, CASE WHEN event.id = execution.completed_event_id THEN execution.duration_ms END,
        routing.routing_time_ms, transformation.transformation_duration_ms, metric.routing_duration_ms,
        failure.routing_duration_ms, gate.seconds * 1000
    ) AS duration_ms,
    action.action_type,
    action.action,
    action.parent_action,
    coalesce(action.execution_id, execution.execution_id) AS execution_id,
    event.correlation_id,
    event.subject,
    event.source,
    event.sequence
FROM events AS event
LEFT JOIN agent_actions AS action
    ON action.event_id = CASE event.type WHEN 'dev.polly.action.recorded.v1' THEN event.id END
LEFT JOIN agent_execution_logs AS execution
    ON execution.correlation_id
        = CASE WHEN event.type LIKE 'dev.polly.execution.%' THEN event.correlation_id END
    AND event.id IN
        (execution.started_event_id, execution.progress_event_id, execution.completed_event_id)
LEFT JOIN agent_routing_decisions AS routing
    ON routing.event_id = CASE event.type WHEN 'dev.polly.routing.decided.v1' THEN event.id END
LEFT JOIN agent_transformation_events AS transformation
    ON transformation.event_id
        = CASE event.type WHEN 'dev.polly.transformation.recorded.v1' THEN event.id END
LEFT JOIN router_performance_metrics AS metric
    ON metric.event_id = CASE event.type WHEN 'dev.polly.router.measured.v1' THEN event.id END
LEFT JOIN agent_detection_failures AS failure
    ON failure.event_id = CASE event.type WHEN 'dev.polly.detection.failed.v1' THEN event.id END
LEFT JOIN hook_events AS hook
    ON hook.event_id = CASE event.type WHEN 'dev.polly.hook.fired.v1' THEN event.id END
LEFT JOIN gate_results AS gate
    ON gate.event_id = CASE event.type WHEN 'dev.polly.gate.ended.v1' THEN event.id END
LEFT JOIN verdicts AS verdict
    ON verdict.event_id = CASE event.type WHEN 'dev.polly.verdict.reached.v1' THEN event.id END
LEFT JOIN approvals AS approval
    ON approval.event_id = CASE WHEN event.type IN (
        'dev.polly.approval.given.v1', 'dev.polly.package.rejected.v1', 'dev.polly.package.applied.v1',
        'dev.polly.package.committed.v1', 'dev.polly.landing.undone.v1'
    ) THEN event.id END
ORDER BY event.session_id, event.time, event.id
"""

_TO_REVIEW = """
SELECT
    event_id,
    created_at,
    correlation_id,
    session_id,
    project_name,
    user_prompt,
    detection_status,
    detected_agent,
    detection_confidence,
    detection_method,
    expected_agent,
    failure_reason,
    failure_category,
    attempted_methods,
    candidates_evaluated
FROM agent_detection_failures
WHERE created_event_id IS NOT NULL AND NOT reviewed
ORDER BY created_at DESC, event_id DESC
"""

_PATTERNS = """
SELECT
    detection_status,
    detected_agent,
    failure_category,
    count(*) AS failures,
    sum(CASE WHEN reviewed THEN 1 ELSE 0 END) AS reviewed,
    sum(CASE WHEN pattern_updated THEN 1 ELSE 0 END) AS pattern_updated,
    avg(detection_confidence) AS mean_confidence,
    count(DISTINCT prompt_hash) AS different_prompts,
    min(created_at) AS first_at,
    max(created_at) AS last_at
FROM agent_detection_failures
WHERE created_event_id IS NOT NULL
GROUP BY detection_status, detected_agent, failure_category
"""

#: Of a day in which more was done than anybody needs for a rate, the last part.
_TOOLS = """
SELECT
    agent_name,
    action_name,
    sum(CASE WHEN action_type = 'tool_call' THEN 1 ELSE 0 END) AS calls,
    sum(CASE WHEN action_type = 'success' THEN 1 ELSE 0 END) AS succeeded,
    sum(CASE WHEN action_type = 'error' THEN 1 ELSE 0 END) AS failed,
    CAST(sum(CASE WHEN action_type = 'success' THEN 1 ELSE 0 END) AS FLOAT)
        / nullif(sum(CASE WHEN action_type IN ('success', 'error') THEN 1 ELSE 0 END), 0) AS success_rate,
    max(created_at) AS last_at
FROM (
    SELECT agent_name, action_name, action_type, created_at
    FROM agent_actions
    WHERE <within a day> AND action_type IN ('tool_call', 'success', 'error')
    ORDER BY created_at DESC
    LIMIT 100000
) AS recent
GROUP BY agent_name, action_name
"""

_SESSIONS = """
SELECT
    session.*,
    (SELECT max(log.project_name) FROM agent_execution_logs AS log
        WHERE log.session_id = session.session_id) AS project_name,
    (SELECT count(*) FROM agent_execution_logs AS log
        WHERE log.session_id = session.session_id) AS executions,
    (SELECT count(*) FROM agent_execution_logs AS log
        WHERE log.session_id = session.session_id AND log.status = 'in_progress') AS executions_in_progress,
    (SELECT count(*) FROM agent_execution_logs AS log
        WHERE log.session_id = session.session_id AND log.status = 'success') AS executions_succeeded,
    (SELECT count(*) FROM agent_execution_logs AS log
        WHERE log.session_id = session.session_id AND log.status = 'failed') AS executions_failed
FROM (
    SELECT
        session_id,
        min(time) AS first_event_at,
        max(time) AS last_event_at,
        <milliseconds between> AS duration_ms,
        count(*) AS events,
        sum(CASE WHEN type = 'dev.polly.action.recorded.v1' THEN 1 ELSE 0 END) AS actions,
        sum(CASE WHEN type = 'dev.polly.routing.decided.v1' THEN 1 ELSE 0 END) AS routing_decisions,
        sum(CASE WHEN type = 'dev.polly.transformation.recorded.v1' THEN 1 ELSE 0 END) AS transformations,
        sum(CASE WHEN type = 'dev.polly.detection.failed.v1' THEN 1 ELSE 0 END) AS detection_failures,
        sum(CASE WHEN type = 'dev.polly.hook.fired.v1' THEN 1 ELSE 0 END) AS hooks
    FROM events
    GROUP BY session_id
) AS session
"""

VIEWS = (
    _view("agent_activity_realtime", _ACTIVITY),
    _view("recent_debug_traces", _TRACES),
    _view("session_timelines", _TIMELINES),
    _view("agent_detection_failures_to_review", _TO_REVIEW),
    _view("agent_detection_failure_patterns", _PATTERNS),
    _view("tool_success_rates", _TOOLS),
    _view("session_summaries", _SESSIONS),
)

FUNCTIONS = (
    Function(
        "extract_project_name",
        "project_path text",
        r"""RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(rtrim(replace(project_path, '\', '/'), '/'), '^.*/', '')""",
    ),
    Function(
        "cleanup_old_debug_logs",
        "days integer DEFAULT 30",
        """RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM agent_actions
        WHERE debug_mode AND created_at < now() - make_interval(days => days) AND days >= 0
        RETURNING 1
    )
    SELECT CAST(count(*) AS integer) FROM gone;
END""",
    ),
)
