"""Where a task comes from reaches its handler, and each attempt is a span."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from rowbell import Context
from rowbell.engine import attempt, spans

from integration import process_handlers
from integration.conftest import StartEngine, Tasks

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """A provider of this test alone: the one of the process can be set but once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "_tracer", provider.get_tracer("tests"))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


def written(span: ReadableSpan) -> str:
    assert span.context
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


async def test_an_attempt_is_a_span_below_whoever_asked(
    start_engine: StartEngine, tasks: Tasks, exporter: InMemorySpanExporter
) -> None:
    async def tell(context: Context) -> dict[str, str | None]:
        current = trace.get_current_span().get_span_context()
        return {"current": f"{current.span_id:016x}", "context": context.traceparent}

    await start_engine(tell)
    task = await tasks.insert("tell", traceparent=ASKED, queue="slow")
    row = await tasks.until_status(task, "COMPLETED")
    (span,) = exporter.get_finished_spans()
    assert span.name == "tell"
    assert span.parent is not None
    assert (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, SPAN)
    assert span.attributes is not None
    assert span.attributes["rowbell.task"] == task
    assert span.attributes["rowbell.queue"] == "slow"
    assert span.attributes["rowbell.attempt"] == 1
    assert span.attributes["rowbell.outcome"] == "completed"
    assert span.context
    assert f'"current": "{span.context.span_id:016x}"' in row["result"]
    assert f'"context": "{written(span)}"' in row["result"]


async def test_the_span_is_current_in_a_thread_too(
    start_engine: StartEngine, tasks: Tasks, exporter: InMemorySpanExporter
) -> None:
    def tell_from_thread() -> str:
        return f"{trace.get_current_span().get_span_context().span_id:016x}"

    await start_engine(tell_from_thread)
    row = await tasks.until_status(await tasks.insert("tell_from_thread"), "COMPLETED")
    (span,) = exporter.get_finished_spans()
    assert span.context
    assert row["result"] == f'"{span.context.span_id:016x}"'
    assert span.parent is None


async def test_a_retry_links_to_the_attempt_that_failed(
    start_engine: StartEngine, tasks: Tasks, exporter: InMemorySpanExporter
) -> None:
    async def breaks_once(context: Context) -> None:
        if context.attempt == 1:
            raise LookupError("not yet")

    await start_engine(breaks_once, backoff=lambda _: 0)
    await tasks.until_status(await tasks.insert("breaks_once", traceparent=ASKED), "COMPLETED")
    failed, completed = exporter.get_finished_spans()
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "LookupError"
    assert failed.links == ()
    (link,) = completed.links
    assert failed.context
    assert link.context.span_id == failed.context.span_id
    assert completed.context
    assert completed.context.trace_id == failed.context.trace_id == int(TRACE, 16)


async def test_the_trace_reaches_a_handler_in_a_process(
    start_engine: StartEngine, tasks: Tasks, exporter: InMemorySpanExporter
) -> None:
    await start_engine(process_handlers.tell_trace, runs_in="process")
    row = await tasks.until_status(await tasks.insert("tell_trace", traceparent=ASKED), "COMPLETED")
    (span,) = exporter.get_finished_spans()
    assert row["result"] == f'"{written(span)}"'


async def test_where_nobody_traces_the_handler_gets_what_was_asked_with(
    start_engine: StartEngine, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pass_on(context: Context) -> str | None:
        return context.traceparent

    await start_engine(pass_on)
    for trace_of_attempt in (attempt._trace, None):  # without a provider; not installed
        monkeypatch.setattr(attempt, "_trace", trace_of_attempt)
        row = await tasks.until_status(
            await tasks.insert("pass_on", traceparent=ASKED), "COMPLETED"
        )
        assert row["result"] == f'"{ASKED}"'
        assert row["error"] is None
    row = await tasks.until_status(await tasks.insert("pass_on"), "COMPLETED")
    assert row["result"] is None


def test_without_opentelemetry_nothing_is_traced() -> None:
    program = (
        "import sys; sys.modules['opentelemetry'] = None;"
        "from rowbell.engine import attempt; assert attempt._trace is None"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
