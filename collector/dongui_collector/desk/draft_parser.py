"""Drafts of a policy are read in a process of their own, which can be ended: TOML can be written so that reading it
takes hours (a key of 60,000 parts), and a thread cannot be stopped."""

from __future__ import annotations

import json
import pickle
import re
import resource
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from dongui.errors import PolicyError
from dongui.i18n import Message
from dongui.policy import Finding, Policy, parse

Findings = tuple[Finding, ...]
MOST = 200_000  # characters of a draft
MOST_KEY_PARTS = 50
WITHIN_S = 5.0
_BEFORE_VALUE = re.compile(r"""[^=#"'\n]*""")


class DraftParser:
    """Reads drafts, one at a time, in a child process that is started with the first and again after each that had to
    be ended.

    :param within: seconds that reading one draft may take.
    """

    def __init__(self, within: float = WITHIN_S) -> None:
        self._within = within
        self._child: subprocess.Popen[bytes] | None = None
        self._ended: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def parse(self, text: str) -> Policy:
        """The policy of a text. Raises :class:`PolicyError` for one that does not load or takes too long to read."""
        if any(line.count(".") > MOST_KEY_PARTS for line in map(_key_of, text.splitlines())):
            raise PolicyError(_unreadable(Message("a key has more than {most} parts", most=MOST_KEY_PARTS)))
        with self._lock:
            found = self._asked(text)
        if isinstance(found, Policy):
            return found
        raise PolicyError(found)

    def _asked(self, text: str) -> Policy | Findings:
        child = self._child or self._start()
        ending = threading.Timer(self._within, child.kill)
        ending.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps(text).encode() + b"\n")
            child.stdin.flush()
            found: Policy | Findings = pickle.load(child.stdout)  # noqa: S301 (what our own child wrote)
        except (OSError, EOFError, pickle.UnpicklingError):
            self._end()
            return _unreadable(Message("it takes too long to read"))
        finally:
            ending.cancel()
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dongui_collector.desk.draft_parser"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 (our own)
        self._child, self._ended = child, weakref.finalize(self, _end, child)
        return child

    def _end(self) -> None:
        self._ended()
        self._child = None


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(OSError):
        child.communicate()


def _key_of(line: str) -> str:
    """What stands before a line's value, or a table's name."""
    found = _BEFORE_VALUE.match(line)
    return found[0] if found else ""


def _unreadable(why: Message) -> Findings:
    return (Finding("error", "", why, Message("write it as the example policies are written")),)


def answer(source: BinaryIO, target: BinaryIO) -> None:
    """The child: read drafts, a line of JSON each, until there are no more; write what each amounts to.

    Its own limit of processor time ends it where the desk was killed meanwhile.
    """
    for line in source:
        found: Policy | Findings
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + 2 * WITHIN_S), resource.RLIM_INFINITY))
        try:
            found = parse(json.loads(line))
        except PolicyError as error:
            found = tuple(error.problems)
        except Exception:  # whatever it is, the draft is the cause
            found = _unreadable(Message("it cannot be read"))
        pickle.dump(found, target)
        target.flush()


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer)
