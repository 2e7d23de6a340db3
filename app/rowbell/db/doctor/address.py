"""Where the configured address leads: to PostgreSQL itself, a pooler, a replica?"""

import asyncio
import secrets
from urllib.parse import quote

from rowbell.db.doctor.finding import Answer, Finding, note, problem
from rowbell.db.doctor.patient import Patient, connect, hang_up
from rowbell.db.pool import Connection

HEAR_SECONDS = 3.0

_SERVER = """
select current_user, current_database(), host(inet_server_addr()) as address,
  current_setting('port') as port,
  (string_to_array(current_setting('unix_socket_directories'), ','))[1] as folder
"""
_PRIMARY = "select sender_host, sender_port from pg_stat_wal_receiver where sender_host is not null"
_READ_ONLY = "select rowbell.setting_remedy('default_transaction_read_only', 'off')"


async def server(patient: Patient) -> Answer:
    """Is it a server that takes writes?"""
    said = f"PostgreSQL {patient.version}{', through a pooler' if patient.is_pooled else ''}"
    number = int(patient.version.partition(".")[0])
    if not 15 <= number <= 18:
        return Answer(said, [note("server.version", f"{said} is not tested: use 15 to 18.")])
    if patient.is_replica:
        return Answer(said, [await _replica(patient)])
    if patient.is_read_only:
        return Answer(said, [await _read_only(patient)])
    return Answer(said)


async def _replica(patient: Patient) -> Finding:
    sentence = "The address leads to a replica: no task can be inserted or claimed there."
    primary = await patient.connection.fetchrow(_PRIMARY)
    if primary is None:
        return problem("server.replica", f"{sentence} Use the address of the primary.")
    row = await patient.connection.fetchrow(_SERVER)
    where = _url(row["current_user"], row["current_database"], *primary)
    return problem("server.replica", sentence, command=f"export ROWBELL_DATABASE_URL='{where}'")


async def _read_only(patient: Patient) -> Finding:
    sentence = "Transactions are read-only by default: no task can be inserted or claimed."
    remedy = await patient.connection.fetchval(_READ_ONLY) if patient.has_health else ""
    if remedy:
        remedy = f"set default_transaction_read_only = off; {remedy}"
    return problem("server.read_only", sentence, sql=remedy)


async def listening(patient: Patient) -> Answer:
    """Does a NOTIFY of another session come through, and how fast?"""
    if patient.is_replica or patient.is_read_only:
        return Answer("not tried: the server is read-only", is_skipped=True)
    channel = f"rowbell_doctor_{secrets.token_hex(4)}"
    heard = asyncio.Event()
    ear, ringer = await connect(patient.url), await connect(patient.url)
    loop = asyncio.get_running_loop()
    try:
        await ear.add_listener(channel, lambda *_: heard.set())
        began = loop.time()
        await ringer.execute(f"select pg_notify('{channel}', '')")
        async with asyncio.timeout(HEAR_SECONDS):
            await heard.wait()
    except TimeoutError:
        return Answer("LISTEN was answered", [await _deaf(patient)])
    finally:
        await _unlisten(ear)
        await hang_up(ringer)
    return Answer(f"a NOTIFY came through in {(loop.time() - began) * 1000:.1f} ms")


async def _unlisten(ear: Connection) -> None:
    try:
        await ear.execute("unlisten *")  # a pooler gives this session to others
    finally:
        await hang_up(ear)


async def _deaf(patient: Patient) -> Finding:
    if not patient.is_pooled:
        sentence = f"No NOTIFY came through within {HEAR_SECONDS:g} s: tasks wait for sweeps."
        return problem("listen.deaf", sentence, sql="select pg_notification_queue_usage();")
    row = await patient.connection.fetchrow(_SERVER)
    host = row["address"] or row["folder"]
    where = _url(row["current_user"], row["current_database"], host, row["port"])
    sentence = (
        "The address leads to a pooler that delivers no NOTIFY (transaction mode), so tasks wait"
        " for sweeps. Give workers the address of PostgreSQL itself, or a pooler in session mode."
    )
    return problem("listen.pooler", sentence, command=f"export ROWBELL_DATABASE_URL='{where}'")


def _url(user: str, database: str, host: str, port: object) -> str:
    """Without a password: it is not ours to print."""
    if host.startswith("/"):
        return f"postgresql://{quote(user)}@/{quote(database)}?host={host}&port={port}"
    bracketed = f"[{host}]" if ":" in host else host
    return f"postgresql://{quote(user)}@{bracketed}:{port}/{quote(database)}"
