"""Ended processes that became ours are collected, and no others."""

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


def test_helpers_of_a_browser_that_ended_do_not_stay_as_zombies() -> None:
    adopt_orphaned_processes()
    browser = ["sh", "-c", "sleep 0.1 & echo $!"]
    said = subprocess.run(browser, start_new_session=True, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert _zombie(int(said))
    reap_adopted()
    assert not psutil.pid_exists(int(said))


def test_a_program_that_somebody_waits_for_keeps_its_status() -> None:
    for new_session in (False, True):
        program = subprocess.Popen(["sh", "-c", "exit 3"], start_new_session=new_session)
        assert _zombie(program.pid)
        reap_adopted()
        assert program.wait() == 3
