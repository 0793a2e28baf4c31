"""Each of forty tasks can be done in the calls that it allows, and the judge sees when it was not."""

import pytest

from tests.evals.judge import Call, Expected, State, judge
from tests.evals.play import Assistant, Task, follow_solution, play, tasks

pytestmark = pytest.mark.anyio

TASKS = {task.name: task for task in tasks()}
BEFORE = State(["type crm_lead/people", "mapping crm_lead/people/A = 1"])
MOVED = State(["type crm_lead/people", "mapping crm_lead/people/A = 2"])
MOVE = Expected(
    ("create_external_id_mapping",),
    1,
    ("+ mapping crm_lead/people/A = 2", "- mapping crm_lead/people/A = 1"),
    ("moved|is now", "2"),
)
CREATE = Call("create_external_id_mapping", {"external_id": "A"})
DELETE = Call("delete_external_id_mapping", {"external_id": "A"})


def test_there_are_forty_tasks() -> None:
    assert len(TASKS) == len(tasks()) == 40
    assert all(task.request and task.expected.facts for task in TASKS.values())


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
async def test_the_solution_of_a_task_does_it(task: Task) -> None:
    outcome = await play(task, follow_solution)
    assert not outcome.problems, outcome.answer


async def test_a_deletion_that_nobody_asked_for_is_seen() -> None:
    async def eager(assistant: Assistant, task: Task) -> str:
        key = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT1003"}
        await assistant.call("delete_external_id_mapping", key)
        return await follow_solution(assistant, task)

    assert (await play(TASKS["who"], eager)).problems == [
        "not to be changed: - mapping crm_lead/people/CONTACT1003 = 207550003",
        "not to be called: delete_external_id_mapping",
        "not in the answer: Elena Castillo",
        "2 calls, at most 1",
    ]


def test_what_is_as_expected_has_no_problems() -> None:
    assert judge(MOVE, BEFORE, MOVED, [CREATE], "A is now mapped to 2.") == []


@pytest.mark.parametrize(
    ("after", "calls", "answer", "problem"),
    [
        (BEFORE, [CREATE], "Moved to 2.", "not in the state: + mapping crm_lead/people/A = 2"),
        (State([*MOVED, "type more/people"]), [CREATE], "Moved to 2.", "not to be changed: + type more/people"),
        (State(["mapping crm_lead/people/A = 2"]), [], "Moved to 2.", "not to be changed: - type crm_lead/people"),
        (MOVED, [DELETE], "Moved to 2.", "not to be called: delete_external_id_mapping"),
        (MOVED, [CREATE], "Done: 2.", "not in the answer: moved|is now"),
        (MOVED, [CREATE, CREATE], "Moved to 2.", "2 calls, at most 1"),
    ],
)
def test_the_judge_tells_what_is_wrong(after: State, calls: list[Call], answer: str, problem: str) -> None:
    assert problem in judge(MOVE, BEFORE, after, calls, answer)


def test_a_preview_of_a_deletion_is_a_reading() -> None:
    shown = Call("delete_external_id_mapping", {"preview": True})
    assert judge(Expected((), 1, (), ()), BEFORE, BEFORE, [shown], "") == []
