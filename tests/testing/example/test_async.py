"""Tests that are coroutines: by pytest-asyncio where there is one, else by asyncio.run."""

import asyncio

import pytest
import shop_tasks  # noqa: F401 - registers the handlers

from rowbell.testing import AsyncRowbell, Rowbell


@pytest.mark.asyncio
async def test_a_coroutine_awaits_its_tasks(async_rowbell: AsyncRowbell) -> None:
    task = await async_rowbell.enqueue("order_ship", {"order": 7})
    ran = await async_rowbell.run_pending()
    assert [each.kind for each in ran] == ["order_ship", "order_invoice"]
    assert (await async_rowbell.task(task)).result == {"shipped": 7}
    assert len(await async_rowbell.tasks("order_invoice")) == 1


@pytest.mark.asyncio
async def test_within_a_loop_the_other_fixture_is_named(rowbell: Rowbell) -> None:
    with pytest.raises(RuntimeError, match="take the fixture async_rowbell"):
        rowbell.run_pending()


def test_any_event_loop_will_do(async_rowbell: AsyncRowbell) -> None:
    asyncio.run(async_rowbell.enqueue("echo", 1))
    (ran,) = asyncio.run(async_rowbell.run_pending())
    assert ran.result == 1
