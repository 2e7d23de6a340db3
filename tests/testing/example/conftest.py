import pytest

from rowbell.testing import Rowbell

pytest_plugins = ["rowbell.testing"]


@pytest.fixture(scope="session")
def rowbell_schema() -> str:
    return "create table orders_shipped (id bigint primary key, attempt integer)"


@pytest.fixture
def paid(rowbell: Rowbell) -> int:
    return rowbell.enqueue("order_pay", {"order": 1}).id
