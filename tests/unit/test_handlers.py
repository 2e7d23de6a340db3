"""@task: what it registers, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from rowbell import Context
from rowbell.decorator import describe, task
from rowbell.errors import ConfigurationError
from rowbell.handlers import Handlers, load, registry


class Render(BaseModel):
    """A payload."""

    report_id: int


def test_decorator_returns_the_function_unchanged() -> None:
    def unit_render(payload: Render) -> int:
        return payload.report_id

    assert task(unit_render) is unit_render
    assert registry["unit_render"].function is unit_render


def test_kind_is_the_functions_name_unless_given() -> None:
    async def send() -> None: ...

    assert describe(send).kind == "send"
    assert describe(send, kind="send_email").kind == "send_email"


def test_async_functions_run_in_the_loop_and_others_in_a_thread() -> None:
    async def in_loop() -> None: ...
    def in_thread() -> None: ...

    assert (describe(in_loop).runs_in, describe(in_thread).runs_in) == ("loop", "thread")


def test_payload_and_context_are_found_by_annotation() -> None:
    async def render(work: Render, tools: Context) -> None: ...

    handler = describe(render)
    assert (handler.payload_name, handler.context_name) == ("work", "tools")
    assert handler.payload_type
    assert handler.payload_type.validate_json('{"report_id": 7}') == Render(report_id=7)


def test_payload_without_a_model_is_plain_json() -> None:
    async def plain(payload: Any) -> None: ...

    assert describe(plain).payload_type is None


def test_first_line_of_the_docstring_becomes_the_description() -> None:
    async def documented() -> None:
        """Does a thing.

        And says more of it.
        """

    assert describe(documented).description == "Does a thing."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kind": "Not-A-Name"}, "is not named module_action"),
        ({"kind": "a:b"}, "is not named module_action"),
        ({"runs_in": "cloud"}, "is not loop, thread or process"),
        ({"runs_in": "loop"}, "async functions run in the loop"),
        ({"max_attempts": 0}, "max_attempts=0"),
        ({"timeout": -1}, "timeout=-1"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(
    options: dict[str, Any], sentence: str
) -> None:
    def plain() -> None: ...

    with pytest.raises(ConfigurationError, match=sentence):
        describe(plain, **options)


def nested() -> Callable[[], None]:
    def inner() -> None: ...

    return inner


@pytest.mark.parametrize("function", [nested(), lambda: None, "text".upper])
def test_function_that_no_process_can_import_is_refused_for_processes(
    function: Callable[..., Any],
) -> None:
    with pytest.raises(ConfigurationError, match="that a process can import by its name"):
        describe(function, kind="unit", runs_in="process")


def test_function_at_the_top_of_a_module_may_run_in_a_process() -> None:
    assert describe(nested, runs_in="process").runs_in == "process"


def test_second_payload_parameter_is_refused() -> None:
    def two(a: int, b: int) -> None: ...

    with pytest.raises(ConfigurationError, match="one payload"):
        describe(two)


def test_two_functions_cannot_have_one_kind() -> None:
    def first() -> None: ...
    def second() -> None: ...

    with pytest.raises(ConfigurationError, match="two handlers claim the kind 'same'"):
        Handlers(describe(first, kind="same"), describe(second, kind="same"))


def test_module_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no_such_module"):
        load(("no_such_module",))
