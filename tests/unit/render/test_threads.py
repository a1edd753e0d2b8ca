"""A thread that outlives its job ends the process, and nothing waits for the thread."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import psutil

from hyperframes_render.render.threads import end_if_outlived, job_threads, outlived

#: A job that is cancelled while its thread runs forever.
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


def test_threads_that_end_do_not_end_the_process() -> None:
    async def job() -> int:
        async with job_threads():
            slow = asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.2))
            await asyncio.sleep(0)
            slow.cancel()
            return await asyncio.to_thread(lambda: 7)

    assert asyncio.run(job()) == 7
    assert not outlived()
    end_if_outlived(1)


def test_each_job_has_separate_threads() -> None:
    async def jobs() -> list[int]:
        found = []
        for number in range(2):
            async with job_threads():
                found.append(await asyncio.to_thread(lambda number=number: number))  # type: ignore[misc]
        return [*found, await asyncio.to_thread(lambda: 2)]

    assert asyncio.run(jobs()) == [0, 1, 2]


def test_a_thread_that_outlives_its_job_ends_the_process() -> None:
    done = run(
        """
child = subprocess.Popen(["sleep", "600"])
try:
    asyncio.run(job())
except TimeoutError:
    print(outlived(), child.pid, flush=True)
end_if_outlived(7)
"""
    )
    thread_runs, child = done.stdout.split()
    assert (done.returncode, thread_runs) == (7, "True"), done.stderr
    assert not psutil.pid_exists(int(child))


def test_a_command_reports_its_error_and_ends_despite_a_running_thread() -> None:
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
