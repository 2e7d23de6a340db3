"""Every setting, read from `ROWBELL_*` in this one place; every problem is told at once."""

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from rowbell.errors import ConfigurationError
from rowbell.mail_address import MailAddress
from rowbell.smtp_server import SmtpServer
from rowbell.task import NAME
from rowbell.webhook_secrets import WebhookSecrets

PREFIX = "ROWBELL_"

SHORTEST_JWT_SECRET = 32
"""Bytes: RFC 7518 wants as many as the hash of HS256 has."""

SHORTEST_METRICS_TOKEN = 16

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _words(value: object) -> object:
    if isinstance(value, str):
        return tuple(word for word in value.replace(",", " ").split() if word)
    return value


def _sentence(text: str) -> str:
    return text.removeprefix("Value error, ").removesuffix(".")


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


def _queue(name: str) -> str:
    if name != "*" and not NAME.match(name):
        raise ValueError(f"{name!r} is no queue: use a-z, 0-9 and _, or * for every queue")
    return name


def _smtp_url(url: SecretStr) -> SecretStr:
    SmtpServer.parse(url.get_secret_value())
    return url


def _mail_address(text: str) -> str:
    MailAddress.parse(text)
    return text


def _webhook_secrets(text: SecretStr) -> SecretStr:
    WebhookSecrets.parse(text.get_secret_value())
    return text


def _alert_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no http or https URL")
    return url


def _alert_secret(text: SecretStr) -> SecretStr:
    WebhookSecrets.parse(f"alerts={text.get_secret_value()}")
    return text


def _metrics_token(text: SecretStr) -> SecretStr:
    if len(text.get_secret_value()) < SHORTEST_METRICS_TOKEN:
        raise ValueError(
            f"it has less than {SHORTEST_METRICS_TOKEN} characters: make one with"
            " `openssl rand -base64 24`"
        )
    return text


def _jwt_secret(text: SecretStr) -> SecretStr:
    if len(text.get_secret_value().encode()) < SHORTEST_JWT_SECRET:
        raise ValueError(
            f"it has less than {SHORTEST_JWT_SECRET} bytes: make one with `openssl rand -base64 48`"
        )
    return text


def _jwt_keys(text: str) -> str:
    url = urlsplit(text)
    is_here = url.scheme == "http" and url.hostname in LOOPBACK
    if "://" in text and url.scheme != "https" and not is_here:
        raise ValueError("use https:// (http:// on loopback only), or the path of a file")
    return text


QueueName = Annotated[str, AfterValidator(_queue)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Settings(BaseModel):
    """The effective settings. Each field is the environment variable of its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: str | None = Field(
        default=None,
        pattern=r"^postgres(ql)?://",
        description="PostgreSQL 15 to 18. Unset: an embedded PostgreSQL 18 under ROWBELL_HOME.",
    )
    home: Annotated[Path, Field(validate_default=True)] = Field(
        default=Path(".rowbell"), description="Where the embedded PostgreSQL keeps its data."
    )
    host: str = Field(default="127.0.0.1", description="The address that the API listens on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Its port; 0 takes a free one.")
    handlers: Words = Field(default=(), description="Modules with @task functions, for workers.")
    queues: Annotated[tuple[QueueName, ...], BeforeValidator(_words), Field(min_length=1)] = Field(
        default=("*",), description="Queues that a worker serves; * is every queue."
    )
    slots: int = Field(default=100, ge=1, le=10_000, description="Tasks a worker runs at once.")
    process_slots: Annotated[int | None, Field(ge=1, le=1_000)] = Field(
        default=None,
        description="Handlers that run in processes of their own at once; unset: one a CPU core.",
    )
    lease_seconds: Annotated[float, Field(ge=3, le=3_600)] = Field(
        default=30, description="A worker silent for this long loses its tasks."
    )
    sweep_seconds: Annotated[float, Field(ge=0.1, le=30)] = Field(
        default=5, description="How often missed bells and silent workers are looked for."
    )
    probe_seconds: Annotated[float, Field(ge=0.5, le=60)] = Field(
        default=4, description="Silence after which the listener proves that it still hears."
    )
    drain_seconds: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=25, description="On SIGTERM: how long running tasks may take to finish."
    )
    retention_days: Annotated[float, Field(gt=0, le=3_650)] = Field(
        default=7, description="Finished tasks are deleted after this many days."
    )
    journal_days: Annotated[float, Field(ge=1, le=3_650)] = Field(
        default=7, description="Entries of the journal are dropped after this many days."
    )
    http_allow: Words = Field(
        default=(),
        description="Private addresses, networks or host names that http_request may call.",
    )
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        default=None,
        description="The SMTP server of send_email: smtp://user:password@host:587, or smtps://.",
    )
    smtp_sender: Annotated[str, AfterValidator(_mail_address)] | None = Field(
        default=None, description="Who mails come from, unless the payload names a sender."
    )
    webhook_secrets: Annotated[SecretStr, AfterValidator(_webhook_secrets)] | None = Field(
        default=None,
        description="Secrets that http_request signs with: name=whsec_NEW,whsec_OLD name=whsec_KEY",
    )
    jwt_secret: Annotated[SecretStr, AfterValidator(_jwt_secret)] | None = Field(
        default=None,
        description="Takes JWTs signed with HS256 and this secret, of 32 bytes or more.",
    )
    jwt_keys: Annotated[str, AfterValidator(_jwt_keys)] | None = Field(
        default=None,
        description="Takes JWTs of RS256 or ES256: file or https URL of a JSON Web Key Set.",
    )
    jwt_issuer: str | None = Field(default=None, description="The iss that a JWT must have.")
    jwt_audience: str | None = Field(default=None, description="The aud that a JWT must have.")
    jwt_subject_claim: str = Field(
        default="sub", min_length=1, description="The claim that says in whose name a JWT acts."
    )
    jwt_roles_claim: str = Field(
        default="roles",
        min_length=1,
        description="The claim with admin, operator, producer or reader; a.b is b within a.",
    )
    jwt_audiences_claim: str = Field(
        default="audiences",
        min_length=1,
        description="The claim with the audiences whose tasks a JWT may see.",
    )
    open: bool = Field(
        default=False,
        description="true: serve anybody on any address while no credentials are configured.",
    )
    blocked_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = Field(
        default=1, description="An event loop silent for this long is logged, with its stack."
    )
    origins: Words = Field(
        default=(),
        description="Origins of other sites whose pages may use the API: https://app.example.com",
    )
    graphiql: Literal["auto", "on", "off"] = Field(
        default="auto", description="The page to try queries on; auto: on loopback only."
    )
    api_body_bytes: Annotated[int, Field(ge=1_024, le=67_108_864)] = Field(
        default=1_048_576, description="Largest body of a request."
    )
    api_frame_bytes: Annotated[int, Field(ge=1_024, le=67_108_864)] = Field(
        default=1_048_576, description="Largest message on a WebSocket."
    )
    api_tokens: Annotated[int, Field(ge=50, le=100_000)] = Field(
        default=1_000, description="Words and signs of one query."
    )
    api_depth: Annotated[int, Field(ge=3, le=100)] = Field(
        default=20, description="Levels of fields in one query."
    )
    api_aliases: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=50, description="How often one query may ask again for a field it has already."
    )
    api_root_fields: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=20, description="Fields at the root of one operation."
    )
    api_cost: Annotated[int, Field(ge=100, le=10_000_000)] = Field(
        default=5_000, description="Fields that one answer may have, as foreseen; lists multiply."
    )
    api_variables_depth: Annotated[int, Field(ge=5, le=1_000)] = Field(
        default=210, description="Levels of the variables of one request."
    )
    api_variables_values: Annotated[int, Field(ge=100, le=10_000_000)] = Field(
        default=20_000, description="Values in the variables of one request."
    )
    api_operations: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=100, description="Operations under way at once on one WebSocket."
    )
    api_sockets: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=5_000, description="WebSockets and streams of one subject at once."
    )
    api_operation_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = Field(
        default=30, description="How long a query or a mutation may take."
    )
    api_rate: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        default=60_000, description="Operations of one subject in a minute; 0: no limit."
    )
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] | None = Field(
        default=None,
        description="Where a worker without an API serves /metrics; 0: any port, unset: nowhere.",
    )
    metrics_token: Annotated[SecretStr, AfterValidator(_metrics_token)] | None = Field(
        default=None, description="A token that may read /metrics and nothing else."
    )
    alert_url: Annotated[SecretStr, AfterValidator(_alert_url)] | None = Field(
        default=None, description="Where alerts are sent, by POST; unset: nowhere."
    )
    alert_secret: Annotated[SecretStr, AfterValidator(_alert_secret)] | None = Field(
        default=None, description="Signs alerts as Standard Webhooks: whsec_NEW,whsec_OLD"
    )
    alert_minutes: Annotated[float, Field(gt=0, le=10_080)] = Field(
        default=15, description="A condition is told once in so many minutes."
    )
    alert_dead_tasks: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=1, description="So many FAILED tasks are an alert; 0: none is."
    )
    alert_backlog_seconds: Annotated[float, Field(ge=0, le=2_592_000)] = Field(
        default=300, description="A task that was due for so long is an alert; 0: none is."
    )
    alert_listener_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=60, description="A listener that was lost for so long is an alert; 0: none is."
    )
    processes: int = Field(
        default=1, ge=1, le=1_000, description="Worker processes that one command starts."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug adds a line for each claim, bell and start."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, json elsewhere."
    )

    log_repeats: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=30, description="Lines of one warning or error in a minute; 0: all of them."
    )

    def shows_graphiql(self) -> bool:
        """`graphiql`, decided."""
        local = self.host in ("localhost", "::1") or self.host.startswith("127.")
        return local if self.graphiql == "auto" else self.graphiql == "on"

    def smtp_server(self) -> SmtpServer | None:
        """`smtp_url`, read."""
        return SmtpServer.parse(self.smtp_url.get_secret_value()) if self.smtp_url else None

    def secrets_for_webhooks(self) -> WebhookSecrets | None:
        """`webhook_secrets`, read."""
        text = self.webhook_secrets
        return WebhookSecrets.parse(text.get_secret_value()) if text else None

    def token_for_metrics(self) -> str | None:
        """`metrics_token`, read."""
        return self.metrics_token.get_secret_value() if self.metrics_token else None

    def secret_for_alerts(self) -> WebhookSecrets | None:
        """`alert_secret`, read, under the name `alerts`."""
        text = self.alert_secret
        return WebhookSecrets.parse(f"alerts={text.get_secret_value()}") if text else None

    def takes_jwts(self) -> bool:
        return self.jwt_secret is not None or self.jwt_keys is not None

    def listens_on_loopback(self) -> bool:
        """True if only programs of this machine can reach the API."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def _contradictions(self) -> Iterator[str]:
        if self.jwt_secret and self.jwt_keys:
            yield "ROWBELL_JWT_SECRET, ROWBELL_JWT_KEYS: set one of them; they say two things."
        for name in ("jwt_issuer", "jwt_audience"):
            if self.takes_jwts() and not getattr(self, name):
                yield f"{PREFIX}{name.upper()}: set it, or a JWT made for others would be taken."

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **overrides: object) -> Self:
        """Settings from the environment; overrides (command-line options) that are not None win.

        Raises ConfigurationError that names every variable that is wrong, in sentences.
        """
        source = os.environ if environment is None else environment
        known = {PREFIX + name.upper(): name for name in cls.model_fields}
        values: dict[str, object] = {
            field: source[name] for name, field in known.items() if source.get(name)
        }
        values |= {name: value for name, value in overrides.items() if value is not None}
        problems = [
            f"{name}: there is no such setting; `rowbell --help` lists them."
            for name in sorted(source)
            if name.startswith(PREFIX) and name not in known
        ]
        try:
            settings = cls.model_validate(values)
            problems += settings._contradictions()
        except ValidationError as error:
            problems += [
                f"{PREFIX}{str(problem['loc'][0]).upper()}: {_sentence(problem['msg'])}."
                for problem in error.errors()
            ]
        if problems:
            raise ConfigurationError("These settings are wrong:\n  " + "\n  ".join(problems))
        return settings.model_copy(update={"home": _absolute(settings.home)})

    def environment(self, **changes: object) -> dict[str, str]:
        """The environment of a process that is to have these settings, with some changed."""
        values = self.model_copy(update=changes)
        others = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        return others | {
            PREFIX + name.upper(): _plain(value) for name, value in values if value is not None
        }


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
