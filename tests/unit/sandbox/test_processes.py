"""Adopted processes are reaped when they end, and no others."""

from __future__ import annotations

import subprocess
import time

import psutil

from hyperframes_render.sandbox.orphans import adopt_orphaned_processes
from hyperframes_render.sandbox.processes import reap_adopted


def _zombie(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def test_helpers_of_an_ended_browser_are_reaped() -> None:
    adopt_orphaned_processes()
    browser = ["sh", "-c", "sleep 0.1 & echo $!"]
    printed = subprocess.run(browser, start_new_session=True, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert _zombie(int(printed))
    reap_adopted()
    assert not psutil.pid_exists(int(printed))


def test_a_program_that_was_started_here_keeps_its_exit_status() -> None:
    for new_session in (False, True):
        program = subprocess.Popen(["sh", "-c", "exit 3"], start_new_session=new_session)
        assert _zombie(program.pid)
        reap_adopted()
        assert program.wait() == 3
