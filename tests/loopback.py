"""An HTTP server on the loopback, as the stand-ins for archive and store are, whose clients may be killed."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class LoopbackServer:
    """Context manager: a server at ``url`` whose ``handler`` keeps connections open and writes no log.

    The handler is given ``attributes``, such as the stand-in; ``lock`` is for what its threads count.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], **attributes: object) -> None:
        attributes |= {"protocol_version": "HTTP/1.1", "disable_nagle_algorithm": True}
        attributes["log_message"] = lambda *_: None
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), attributes))
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that are killed leave broken pipes
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
