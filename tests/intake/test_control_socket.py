"""The local socket ends without an error, also under loops that remove sockets by themselves (Python 3.13)."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from dongui_collector.runtime import control_server


class CleaningLoop(uvloop.Loop):
    """uvloop as it is under Python 3.13."""

    async def create_unix_server(self, *arguments: Any, cleanup_socket: bool = True, **more: Any) -> Any:
        return await super().create_unix_server(*arguments, cleanup_socket=cleanup_socket, **more)


@pytest.mark.parametrize(("version", "expected"), [((3, 11, 7), {}), ((3, 13, 0), {"cleanup_socket": False})])
def test_the_loop_is_told_to_leave_the_socket(version: tuple[int, ...], expected: dict[str, Any]) -> None:
    assert control_server.own_cleanup(version) == expected


def test_the_end_logs_no_error_and_leaves_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(control_server, "_OWN_CLEANUP", control_server.own_cleanup((3, 13, 0)))
    core: Any = SimpleNamespace(settings=SimpleNamespace(data_path=tmp_path))
    caplog.set_level(logging.WARNING)

    async def work() -> None:
        control = control_server.ControlServer(core)
        await control.start()
        taken = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]  # the number of the folder's descriptor too
        try:
            assert [path.name for path in tmp_path.iterdir()]
            control.stop()
            await asyncio.sleep(0)
        finally:
            for number in taken:
                os.close(number)

    with asyncio.Runner(loop_factory=CleaningLoop) as runner:
        runner.run(work())
    assert caplog.records == []
    assert list(tmp_path.iterdir()) == []
