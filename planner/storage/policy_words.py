"""What the folders of policies and of replays call things: said once, for those who write them and those who read."""

from __future__ import annotations

POLICY_COMMAND = "plan --adapt"
"""What the record of a policy calls the command that made it, by which it is told from a plan."""
REPLAY_RECORD = "replay.json"
POLICY_AGAIN, REPLAY_AGAIN = "make the policy again", "replay again"
"""What to do about a folder that is not as it was written."""
WAYS = {
    "policy": "policy, planned again at each review", "rule": "policy, by its nodes",
    "steady": "plan that never changes", "base_again": "base plan, planned again at each review", "base": "base plan",
    "known": "plan that knew (at most)",
}
"""Ways of deciding of a replay: the beginning of their column, and their words."""
VALUES = {
    "policy": "policy", "never_changes": "best plan that never changes",
    "base_plan_adapted": "base plan's first decisions, then adapt", "base_plan": "base plan",
}
"""Ways of deciding that a policy is held against: their key in policy.json, and their words."""
