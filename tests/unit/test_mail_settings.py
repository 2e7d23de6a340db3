"""The settings of send_email and of signatures: what is read, and how wrong ones are told."""

import base64

import pytest

from rowbell.config import Settings
from rowbell.errors import ConfigurationError
from rowbell.mail_address import MailAddress
from rowbell.smtp_server import SmtpServer
from rowbell.webhook_secrets import WebhookSecrets

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "smtp://ada:p%40ss%2F@mail.example.org",
            SmtpServer("mail.example.org", 587, "ada", "p@ss/", False, "required", True),
        ),
        (
            "smtps://ada%40example.org:s@mail.example.org/",
            SmtpServer("mail.example.org", 465, "ada@example.org", "s", True, "never", True),
        ),
        (
            "smtp://localhost:25?starttls=never",
            SmtpServer("localhost", 25, None, "", False, "never", True),
        ),
        (
            "smtp://[::1]:25?starttls=opportunistic&verify=no",
            SmtpServer("::1", 25, None, "", False, "opportunistic", False),
        ),
    ],
)
def test_the_url_of_an_smtp_server_is_read(url: str, server: SmtpServer) -> None:
    assert SmtpServer.parse(url) == server
    assert Settings.load({"ROWBELL_SMTP_URL": url}).smtp_server() == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://u:hush@mail.example.org",
        "smtp://",
        "smtp://u:hush@",
        "smtp://u:hush@host:0",
        "smtp://u:hush@host:x",
        "smtp://u:hush@host/path",
        "smtp://u:hush@host#fragment",
        "smtp://u:hush/more@host",
        "smtp://u:12?hush@host",
        "smtp://:hush@host",
        "smtp://u:hush@host?starttls=maybe",
        "smtp://u:hush@host?tls=yes",
        "smtps://u:hush@host?starttls=required",
        "smtp://u:hush@host?starttls=opportunistic",
    ],
)
def test_a_url_that_names_no_smtp_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"ROWBELL_SMTP_URL: .+\.") as refused:
        Settings.load({"ROWBELL_SMTP_URL": url})
    assert "hush" not in str(refused.value)


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = Settings.load(
        {
            "ROWBELL_SMTP_URL": "smtp://ada:hush@mail.example.org",
            "ROWBELL_WEBHOOK_SECRETS": f"default={KEY}",
        }
    )
    secrets = settings.secrets_for_webhooks()
    for shown in (
        repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()),
        repr(settings.smtp_server()), str(settings.smtp_server()), repr(secrets),
    ):  # fmt: skip
        assert "hush" not in shown
        assert KEY not in shown
        assert "kkk" not in shown


def test_a_sender_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ROWBELL_SMTP_SENDER: It is no address"):
        Settings.load({"ROWBELL_SMTP_SENDER": "nobody"})


@pytest.mark.parametrize(
    ("text", "name", "spec"),
    [
        ("ada@example.org", "", "ada@example.org"),
        (" Ada Lovelace <ada@EXAMPLE.org> ", "Ada Lovelace", "ada@example.org"),
        ('"Lovelace, \\"A\\"" <ada@example.org>', 'Lovelace, "A"', "ada@example.org"),
        ("Zoë 👩‍💻 <o'b+t/x=y@müller.example.>", "Zoë 👩‍💻", "o'b+t/x=y@xn--mller-kva.example"),
        ("root@localhost", "", "root@localhost"),
    ],
)
def test_an_address_is_read_with_or_without_a_name(text: str, name: str, spec: str) -> None:
    address = MailAddress.parse(text)
    assert (address.name, address.spec, address.needs_utf8) == (name, spec, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        "a..b@example.org",
        '"a b"@example.org',
        "ada@[127.0.0.1]",
        "ada@exa mple.org",
        "ada@-.org",
        "ada@example.org, bob@example.org",
        "Ada <ada@example.org> <bob@example.org>",
        "Ada\r\nBcc: x <ada@example.org>",
        "Ada\u2028 <ada@example.org>",
        "ada@example.org\r\nRCPT TO:<bob@example.org>",
        f"{'ä' * 33}@example.org",
        f"ada@{'a' * 64}.org",
        f"{'n' * 201} <ada@example.org>",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        MailAddress.parse(text)


def test_secrets_are_read_by_name_with_their_keys() -> None:
    secrets = WebhookSecrets.parse(f"billing={KEY},{KEY}  crm={KEY.rstrip('=')}")
    assert ("billing" in secrets, "crm" in secrets, "default" in secrets) == (True, True, False)
    headers = secrets.headers("billing", "task_1", 1, b"")
    assert len(headers["webhook-signature"].split(" ")) == 2


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of the reference implementations of Standard Webhooks."""
    secrets = WebhookSecrets.parse("default=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'{"test": 2432232314}'
    assert secrets.headers("default", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, content) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (KEY, "entry 1 does not begin with a name and ="),
        (f"a={KEY} {KEY}", "entry 2 does not begin with a name and ="),
        (f"Bad-Name={KEY}", "entry 1 does not begin with a name and ="),
        (f"a={KEY} a={KEY}", "a is given twice"),
        (f"a={KEY},", "key 2 of a is not whsec_ and base64 after it"),
        (f"a={KEY[6:]}", "key 1 of a is not whsec_ and base64 after it"),
        ("a=whsec_a-b_", "key 1 of a is not whsec_ and base64 after it"),
        ("a=whsec_a2trazE=", "key 1 of a has 5 bytes, not 24 to 64"),
    ],
)
def test_a_secret_that_cannot_sign_is_refused_without_repeating_it(
    text: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match="ROWBELL_WEBHOOK_SECRETS: ") as refused:
        Settings.load({"ROWBELL_WEBHOOK_SECRETS": text})
    assert sentence in str(refused.value)
    assert KEY not in str(refused.value)
