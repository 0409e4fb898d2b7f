"""
An API of one endpoint on loopback: jobs' events, page by page.

    python -m benchmarks.page_server FOLDER [--prepared]

It makes the JSON of a page when it is asked for it, as an API does; with --prepared it sends bytes
that were made before.
"""

from __future__ import annotations

import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = {"access_token": "t", "token_type": "bearer", "expires_in": 86400}


class PageServer(socketserver.ThreadingMixIn, HTTPServer):
    """Serves the pages in a folder, which are named <job>-<number>.json."""

    daemon_threads = True

    def __init__(self, folder: Path, *, prepared: bool) -> None:
        self.prepared = prepared
        self.pages: dict[str, Any] = {}
        for file in folder.glob("*.json"):
            body = file.read_bytes()
            self.pages[file.stem] = body if prepared else json.loads(body)
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PageServer
    wbufsize = -1  # head and body in one piece

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.dumps(TOKEN).encode())

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        [job] = query["jobId"]
        number = query.get("cursor", ["0"])[0]
        page = self.server.pages[f"{job}-{number}"]
        self._answer(page if self.server.prepared else json.dumps(page).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    server = PageServer(Path(sys.argv[1]), prepared="--prepared" in sys.argv)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
