"""``python -m tests.sdk.wsgiref_server PORT``: the plainest server there is, ended by SIGTERM."""

import signal
import sys
from wsgiref.simple_server import make_server

from tests.sdk.served import application

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    make_server("127.0.0.1", int(sys.argv[1]), application).serve_forever()
