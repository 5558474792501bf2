"""The page of phones, as the sandbox serves it."""

import requests

from tests.sandbox_server import SandboxServer


def test_the_page_may_load_its_own_files_only(sandbox: SandboxServer) -> None:
    answer = requests.get(f"{sandbox.url}/", timeout=5)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
