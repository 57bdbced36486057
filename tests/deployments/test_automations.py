"""The automations know every state in which a run of ours may end."""

import ast
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def state_names() -> set[str]:
    """The names that flows give to their last states."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "flows").glob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    states = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("Completed", "Failed")]
    given = [keyword.value for call in states for keyword in call.keywords if keyword.arg == "name"]
    variables = {value.id for value in given if isinstance(value, ast.Name)}
    assigned = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    values = [each.value for each in assigned if {ast.unparse(target) for target in each.targets} & variables]
    constants = [node for value in (*given, *values) for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return {node.value for node in constants if isinstance(node.value, str) and node.value.isidentifier()}


def test_a_run_that_has_ended_in_a_state_of_its_own_name_is_not_taken_for_a_killed_one() -> None:
    automations = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text())
    (crashed,) = [each for each in automations if each["name"] == "crashed-runs"]
    assert {"Enough", "Promoted", "NotBetter"} <= state_names()
    assert {f"prefect.flow-run.{name}" for name in state_names()} <= set(crashed["trigger"]["expect"])
