"""/metrics of real processes."""

import socket
from pathlib import Path

import httpx

from e2e.service import Service


def test_the_api_and_a_worker_without_one_serve_their_metrics(home: Path) -> None:
    service = Service("serve", home=home, slots="7")
    try:
        worker = Service("worker", home=home, metrics_port="0")
        try:
            service.psql("insert into rowbell.tasks (kind) values ('echo')")
            service.psql_until("select count(*) from rowbell.tasks where status = 'COMPLETED'", "1")
            ours = httpx.get(f"{service.address}/metrics").text
            address = worker.wait_for("service.ready")["metrics"]
            theirs = httpx.get(address).text
            assert "rowbell_slots 7.0" in ours
            assert "rowbell_slots 100.0" in theirs
            assert "rowbell_subscribers" in ours
            assert "rowbell_subscribers" not in theirs
            assert httpx.get(address.replace("/metrics", "/readyz")).text == "ready\n"
        finally:
            assert worker.stop() == 0
    finally:
        assert service.stop() == 0


def test_each_process_of_a_crew_has_a_port_of_its_own(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    crew = Service("worker", home=home, processes="2", metrics_port=str(port))
    try:
        for number in (port, port + 1):
            crew.wait_for("service.ready", metrics=f"http://127.0.0.1:{number}/metrics")
            assert "rowbell_build_info" in httpx.get(f"http://127.0.0.1:{number}/metrics").text
    finally:
        assert crew.stop() == 0
