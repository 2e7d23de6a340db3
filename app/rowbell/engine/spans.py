"""A span of OpenTelemetry for each attempt. Imported only where that is installed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.context import Context as Parent
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rowbell import __version__
from rowbell.engine.context import AttemptContext
from rowbell.task import Claim, Failure

_tracer = trace.get_tracer("rowbell", __version__)
_propagator = TraceContextTextMapPropagator()
_KEY = "traceparent"


class AttemptSpan:
    """The span of an attempt, while it runs."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def tell(self, outcome: str, failure: Failure | None) -> None:
        """How the attempt ended. A failure keeps where it was, for the span of the next attempt."""
        if not self._span.is_recording():
            return
        self._span.set_attribute("rowbell.outcome", outcome)
        if failure is not None:
            self._span.set_status(Status(StatusCode.ERROR, failure.message))
            self._span.set_attribute("error.type", failure.type)
            failure.details[_KEY] = written(self._span)


def traced(claim: Claim, context: AttemptContext) -> AbstractContextManager[AttemptSpan] | None:
    """The span of an attempt; None where nobody collects spans and nobody asked with a trace."""
    if claim.traceparent is None and isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    ):
        return None
    return span_of(claim, context)


@contextmanager
def span_of(claim: Claim, context: AttemptContext) -> Iterator[AttemptSpan]:
    """The current span while the handler runs: a child of whoever asked for the task."""
    with _tracer.start_as_current_span(
        claim.kind,
        context=_read(claim.traceparent),
        kind=SpanKind.CONSUMER,
        links=_links(claim.failed_traceparent),
        attributes={
            "messaging.system": "rowbell",
            "messaging.operation.type": "process",
            "messaging.destination.name": claim.queue,
            "rowbell.task": claim.id,
            "rowbell.kind": claim.kind,
            "rowbell.queue": claim.queue,
            "rowbell.attempt": claim.attempt,
            "rowbell.wait_seconds": claim.wait_seconds,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        context.traceparent = written(span) or claim.traceparent
        yield AttemptSpan(span)


def written(span: Span) -> str:
    """W3C Trace Context; empty if nobody traces."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(span, Parent()))
    return carrier.get(_KEY, "")


def _read(traceparent: str | None) -> Parent:
    """Without one the span begins a trace of its own, whatever is current where it is made."""
    return _propagator.extract({_KEY: traceparent} if traceparent else {}, Parent())


def _links(failed: str | None) -> list[Link]:
    """To the attempt that failed before this one."""
    if failed is None:
        return []
    earlier = trace.get_current_span(_read(failed)).get_span_context()
    return [Link(earlier, {"rowbell.link": "failed_attempt"})] if earlier.is_valid else []
