from rowbell.number import many


def test_one_is_singular_and_anything_else_plural() -> None:
    assert [many(n, "task") for n in (0, 1, 2000)] == ["0 tasks", "1 task", "2,000 tasks"]
    assert many(1, "process", "processes") == "1 process"
    assert many(2, "process", "processes") == "2 processes"
