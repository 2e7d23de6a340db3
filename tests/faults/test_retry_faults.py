"""What failed together does not come back together."""

from integration.conftest import StartEngine, Tasks

KEEP_DELAYS = """
create table delays (seconds double precision);
create function keep() returns trigger language plpgsql as $$ begin
  insert into delays select extract(epoch from new.run_at - (new.error ->> 'at')::timestamptz);
  return null;
end $$;
create trigger keep after update on rowbell.tasks for each row
  when (new.status = 'PENDING' and new.failures = 1 and old.failures = 0) execute function keep();
"""


async def test_thousand_failures_at_the_same_instant_come_back_spread(
    start_engine: StartEngine, tasks: Tasks
) -> None:
    """Pitfall 34: a thousand retries at the same instant: jitter."""

    async def fail_once() -> None:
        raise ConnectionError("the other side is down, for everybody")

    await start_engine(fail_once, max_attempts=2, slots=1000)
    await tasks.connection.execute("select rowbell.pause('default')")
    await tasks.connection.execute(
        "insert into rowbell.tasks (kind) select 'fail_once' from generate_series(1, 1000)"
    )
    await tasks.connection.execute(KEEP_DELAYS)
    await tasks.connection.execute("select rowbell.resume('default')")
    await tasks.until_all_finished()
    tenths = await tasks.connection.fetch(
        "select count(*) from delays group by width_bucket(seconds, 0, 1, 10) order by 1"
    )
    counts = [each[0] for each in tenths]
    # A tenth of the first window gets 100 of them, give or take five standard deviations.
    assert len(counts) == 10
    assert sum(counts) == 1000
    assert counts[0] > 50
    assert counts[-1] < 150
