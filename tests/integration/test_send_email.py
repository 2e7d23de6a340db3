"""send_email against real SMTP servers on loopback: what arrives, and what a refusal becomes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rowbell.engine.kinds.mail_payload import SendEmail
from rowbell.engine.kinds.send_email import MailSender
from rowbell.engine.kinds.smtp_exchange import MailFailed
from rowbell.errors import GiveUp

from loopback import Told
from mail_server import Inbox, receiving

BASIC = {"to": ["bob@example.net"], "subject": "Hi", "text": "Hello"}


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with receiving(enable_SMTPUTF8=True) as inbox:
        yield inbox


async def send(
    inbox: Inbox, context: Told | None = None, server: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    sender = MailSender(inbox.server(**server or {}), "Rowbell <rowbell@example.org>")
    payload = SendEmail.model_validate(BASIC | fields)
    return await sender.run(payload, context or Told())


async def test_a_mail_arrives_as_it_was_given(inbox: Inbox) -> None:
    await send(
        inbox,
        to=["Jörg Müßig, Dr. <joerg@müller.example>", "bob@example.net"],
        cc=['"Doe, Jane" <jane@example.net>'],
        subject="Grüße: " + "ä" * 100,
        text="Zeile\n.\nübrig",
        html="<p>ü</p>",
        reply_to="help@example.org",
        headers={"List-Unsubscribe": "<https://example.org/u?t=" + "x" * 150 + ">"},
    )
    mail = inbox.arrived()
    assert mail["From"] == "Rowbell <rowbell@example.org>"
    first, second = mail["To"].addresses
    assert (first.display_name, first.addr_spec) == (
        "Jörg Müßig, Dr.",
        "joerg@xn--mller-kva.example",
    )
    assert second.addr_spec == "bob@example.net"
    assert mail["Cc"].addresses[0].display_name == "Doe, Jane"
    assert mail["Subject"] == "Grüße: " + "ä" * 100
    assert mail["Reply-To"] == "help@example.org"
    assert mail["List-Unsubscribe"] == "<https://example.org/u?t=" + "x" * 150 + ">"
    assert mail.get_body(("plain",)).get_content().split() == ["Zeile", ".", "übrig"]
    assert mail.get_body(("html",)).get_content().strip() == "<p>ü</p>"
    assert mail["Date"].datetime.tzinfo
    assert inbox.mails[0].content.isascii()


async def test_the_result_says_who_got_it_and_what_the_server_answered(inbox: Inbox) -> None:
    told = Told()
    result = await send(inbox, told, cc=["cleo@example.net"])
    assert result == {
        "message_id": inbox.arrived()["Message-ID"],
        "accepted": ["bob@example.net", "cleo@example.net"],
        "refused": [],
        "answer": "250 2.0.0 queued as 4711",
    }
    ((text, fields),) = told.lines
    assert text == "mail taken"
    assert (fields["server"], fields["accepted"]) == (f"localhost:{inbox.port}", 2)


async def test_bcc_is_in_the_envelope_and_nowhere_in_the_mail(inbox: Inbox) -> None:
    await send(inbox, to=[], bcc=["Secret <secret@example.net>"])
    assert inbox.mails[0].rcpt_tos == ["secret@example.net"]
    assert b"secret" not in inbox.mails[0].content.lower()


async def test_someone_who_is_named_twice_gets_one_mail(inbox: Inbox) -> None:
    await send(inbox, cc=["Bob <bob@EXAMPLE.net>"])
    assert inbox.mails[0].rcpt_tos == ["bob@example.net"]


async def test_another_attempt_sends_the_same_message_id(inbox: Inbox) -> None:
    first = await send(inbox, Told(42, attempt=1))
    second = await send(inbox, Told(42, attempt=2))
    other_task = await send(inbox, Told(43))
    other_database = await send(inbox, Told(42), text="Something else")
    assert first["message_id"] == second["message_id"]
    assert first["message_id"].startswith("<rowbell.42.")
    assert first["message_id"].endswith("@example.org>")
    names = {each["message_id"] for each in (first, other_task, other_database)}
    assert len(names) == 3


async def test_the_sender_of_the_payload_wins(inbox: Inbox) -> None:
    await send(inbox, sender="Billing <billing@example.com>")
    assert inbox.mails[0].mail_from == "billing@example.com"
    assert inbox.arrived()["From"] == "Billing <billing@example.com>"


async def test_an_address_that_needs_smtputf8_is_sent_with_it(inbox: Inbox) -> None:
    result = await send(inbox, to=["Jörg <jörg@example.net>"])
    assert result["accepted"] == ["jörg@example.net"]
    assert "SMTPUTF8" in inbox.mails[0].mail_options
    assert 'To: "Jörg" <jörg@example.net>'.encode() in inbox.mails[0].content


async def test_without_smtputf8_such_an_address_fails_for_good() -> None:
    async with receiving() as inbox:
        with pytest.raises(GiveUp, match="offers no SMTPUTF8"):
            await send(inbox, to=["jörg@example.net"])
        assert inbox.mails == []


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [("451 4.7.1 Try again later", MailFailed), ("552 5.3.4 Too much", GiveUp)],
)
async def test_the_code_of_an_answer_decides_whether_it_is_tried_again(
    inbox: Inbox, command: str, answer: str, error: type[Exception]
) -> None:
    inbox.answers[command] = answer
    with pytest.raises(error, match=f"localhost:{inbox.port} answered {answer}$"):
        await send(inbox)


async def test_recipients_that_were_refused_are_listed_beside_the_others(inbox: Inbox) -> None:
    inbox.answers["no@example.net"] = "550 5.1.1 No such user"
    inbox.answers["later@example.net"] = "452 4.2.2 Mailbox full"
    result = await send(inbox, to=["no@example.net", "bob@example.net"], cc=["later@example.net"])
    assert result["accepted"] == ["bob@example.net"]
    assert result["refused"] == [
        {"address": "no@example.net", "code": 550, "answer": "5.1.1 No such user"},
        {"address": "later@example.net", "code": 452, "answer": "4.2.2 Mailbox full"},
    ]
    assert inbox.mails[0].rcpt_tos == ["bob@example.net"]


async def test_if_every_recipient_is_refused_for_good_the_task_fails_for_good(
    inbox: Inbox,
) -> None:
    inbox.answers |= {f"{name}@example.net": "550 No such user" for name in ("a", "b")}
    with pytest.raises(GiveUp, match=r"every recipient: a@example\.net: 550 No .* \(and 1 more\)"):
        await send(inbox, to=["a@example.net", "b@example.net"])
    assert inbox.mails == []


async def test_if_one_of_them_was_refused_for_now_it_is_tried_again(inbox: Inbox) -> None:
    inbox.answers |= {"a@example.net": "550 No such user", "b@example.net": "450 Greylisted"}
    with pytest.raises(MailFailed, match=r"b@example\.net: 450 Greylisted"):
        await send(inbox, to=["a@example.net", "b@example.net"])


async def test_a_server_that_hangs_up_among_the_recipients_is_tried_again(inbox: Inbox) -> None:
    inbox.answers["b@example.net"] = "421 4.3.2 Shutting down"
    with pytest.raises(MailFailed, match=r"421 4\.3\.2 Shutting down"):
        await send(inbox, to=["a@example.net", "b@example.net", "c@example.net"])


async def test_an_odd_goodbye_does_not_undo_a_mail_that_was_taken(inbox: Inbox) -> None:
    inbox.answers["QUIT"] = "500 What?"
    assert (await send(inbox))["accepted"] == ["bob@example.net"]


async def test_without_a_server_the_task_fails_for_good_and_names_the_setting() -> None:
    with pytest.raises(GiveUp, match="set ROWBELL_SMTP_URL"):
        await MailSender(None, "a@example.org").run(SendEmail(**BASIC), Told())


async def test_without_a_sender_the_task_fails_for_good_and_names_the_setting(
    inbox: Inbox,
) -> None:
    with pytest.raises(GiveUp, match="set ROWBELL_SMTP_SENDER"):
        await MailSender(inbox.server()).run(SendEmail(**BASIC), Told())
