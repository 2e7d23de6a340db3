"""The four documents that stay valid for ever, to the letter of the product's contract."""

CREATE_TASK = "mutation CreateTask($input: TaskInput!) { createTask(input: $input) { id status } }"
GET_TASK_STATUS = "query GetTaskStatus($id: ID!) { task(id: $id) { id status } }"
TASK_ADDED = "subscription { taskAdded { id description audience } }"
TASK = "subscription ($id: ID!) { task(id: $id) { status progress result } }"
