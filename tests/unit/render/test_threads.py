"""A thread that outlives its job ends the process, and nothing waits for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import psutil

from hyperframes_render.render.threads import end_if_outlived, job_threads, outlived

#: A job whose thread never ends, and which is cancelled.
ENDLESS = """
import asyncio, subprocess, sys, time
from hyperframes_render.render.threads import end_if_outlived, job_threads, outlived

def spin():
    while True:
        time.sleep(0.01)

async def job():
    async with job_threads(grace=0.1):
        await asyncio.wait_for(asyncio.to_thread(spin), 0.1)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ENDLESS + program]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_threads_that_end_leave_the_process_as_it_was() -> None:
    async def job() -> int:
        async with job_threads():
            slow = asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.2))
            await asyncio.sleep(0)
            slow.cancel()
            return await asyncio.to_thread(lambda: 7)

    assert asyncio.run(job()) == 7
    assert not outlived()
    end_if_outlived(1)


def test_threads_of_the_next_job_are_its_own() -> None:
    async def jobs() -> list[int]:
        found = []
        for number in range(2):
            async with job_threads():
                found.append(await asyncio.to_thread(lambda number=number: number))  # type: ignore[misc]
        return [*found, await asyncio.to_thread(lambda: 2)]

    assert asyncio.run(jobs()) == [0, 1, 2]


def test_an_event_loop_does_not_wait_for_a_thread_that_outlived_its_job_and_the_process_ends() -> None:
    done = run(
        """
child = subprocess.Popen(["sleep", "600"])
try:
    asyncio.run(job())
except TimeoutError:
    print("told", outlived(), child.pid, flush=True)
end_if_outlived(7)
"""
    )
    told, lives, child = done.stdout.split()
    assert (done.returncode, told, lives) == (7, "told", "True"), done.stderr
    assert not psutil.pid_exists(int(child))


def test_a_command_says_what_went_wrong_and_ends_although_a_thread_does_not() -> None:
    done = run(
        """
from hyperframes_render import cli
from hyperframes_render.cli.running import readable_errors, run
from hyperframes_render.errors import RenderStalled

async def stalled():
    try:
        await job()
    except TimeoutError:
        raise RenderStalled("No progress.") from None

@cli.commands.command()
def stall():
    with readable_errors(False):
        run(stalled())

sys.argv[1:] = ["stall"]
cli.main()
"""
    )
    assert (done.returncode, done.stderr.strip()) == (1, "error: No progress.")
