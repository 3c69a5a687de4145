#!/usr/bin/env bash
# Records that a prompt was submitted: reads the hook's JSON on stdin, appends one event to the spool.
# The agent's session goes on whatever happens here, so the exit status is always 0.
set -u

python="${PYTHON:-python3}"
spool="${OBSERVABILITY_SPOOL:-$HOME/.observability/prompts.jsonl}"
payload="$(cat)"

# One field of the payload; nothing when the payload is not an object or lacks the field.
field() {
  printf '%s' "$payload" | "$python" -c '
import json, sys
try:
    sys.stdout.write(str(json.load(sys.stdin).get(sys.argv[1]) or ""))
except (AttributeError, ValueError):
    pass
' "$1"
}

session_id="${AGENT_SESSION_ID:-unknown}"

# Only the length is recorded: prompts hold what people would not want to find in a log.
prompt="$(field prompt)"

mkdir -p "$(dirname "$spool")"
"$python" -c '
import datetime, json, sys
session_id, length = sys.argv[1:]
event = {
    "event": "prompt_submitted",
    "session_id": session_id,
    "prompt_length": int(length),
    "recorded_at": datetime.datetime.now(datetime.UTC).isoformat(),
}
print(json.dumps(event))
' "$session_id" "${#prompt}" >>"$spool"

exit 0
