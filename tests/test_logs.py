"""What the processes write to standard error: JSON lines, and never the text of an exception, which may quote data."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import logging, threading
from dongui_collector.core import logs
from dongui_collector.core.clock import Clock

logs.set_up("info", Clock())
logging.getLogger("dongui.x").info("told", extra={"webhook": "w_1", "destruction": 7, "address": "sentinel"})
thread = threading.Thread(target=int, args=("sentinel",))
thread.start()
thread.join()
int("sentinel")
"""


def test_what_ends_a_process_or_a_thread_is_a_line_without_its_text() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    told, thread, process = map(json.loads, done.stderr.splitlines())
    assert (told["event"], told["webhook"], told["destruction"]) == ("told", "w_1", 7)
    for line in (thread, process):
        assert (line["level"], line["exception"]) == ("critical", "ValueError")
        assert line["places"]
    assert "sentinel" not in done.stderr
    assert done.returncode == 1
