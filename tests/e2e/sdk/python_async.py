"""The same with the asynchronous client. Arguments: URL, KEY, folder."""

import asyncio
import inspect
import sys

from inferencesh import async_inference

url, key, folder = sys.argv[1:4]
app = "infsh/hyperframes-render"


html, longer = (open(f"{folder}/{name}.html").read() for name in ("short", "long"))


async def main():
    client = async_inference(api_key=key, base_url=url)
    result = await client.run({"app": app, "input": {"html": html}})
    assert result["status"] == 10 and result["output"]["video"]["uri"]
    print("run")
    stream = client.run({"app": app, "input": {"html": longer}}, stream=True)
    stream = await stream if inspect.isawaitable(stream) else stream
    updates = [update async for update in stream]
    progress = [(u.get("output") or {}).get("progress") for u in updates]
    assert len({p["frames_done"] for p in progress if p}) >= 2, progress
    assert updates[-1]["output"]["video"]
    print("stream")
    try:
        result = await client.run({"app": app, "input": {"html": f"{folder}/short.html"}})
        assert result["status"] == 10
    except TypeError as error:
        # 0.6's own fault: its asynchronous client opens a file in a way that no version of aiofiles offers.
        assert "asynchronous context manager" in str(error), error
    print("local files")
    try:
        await client.run({"app": app, "input": {"html": "only words"}})
    except Exception as error:
        assert "no element" in str(error), error
    else:
        raise AssertionError("markup without an element was accepted")
    print("errors")
    task = await client.run({"app": app, "input": {"html": html, "duration": 60}}, wait=False)
    await client.cancel(task["id"])
    print("cancel")


asyncio.run(main())
