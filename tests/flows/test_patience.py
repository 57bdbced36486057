"""A backfill outlives a Prefect server that is busy or away for a while."""

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def test_a_server_that_comes_back_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import pool_runs

    monkeypatch.setattr(pool_runs, "_POLL", 0.05)
    server = HTTPServer(("127.0.0.1", 0), Answer, bind_and_activate=False)
    server.server_bind()  # bound, but not listening yet: connections are refused
    asked: list[float] = []

    def ask() -> int:
        asked.append(time.monotonic())
        return httpx.get(f"http://127.0.0.1:{server.server_port}").status_code

    def come_back() -> None:
        time.sleep(0.5)
        server.server_activate()
        server.handle_request()

    thread = threading.Thread(target=come_back)
    thread.start()
    assert pool_runs._patiently(ask) == 200
    thread.join()
    server.server_close()
    assert len(asked) > 1

    monkeypatch.setattr(pool_runs, "_PATIENCE", 0)
    with pytest.raises(httpx.ConnectError):
        pool_runs._patiently(ask)
