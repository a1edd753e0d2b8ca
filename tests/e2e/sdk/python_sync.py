"""What the service's page publishes, with base_url changed: the synchronous client. Arguments: URL, KEY, folder."""

import sys
import time

from inferencesh import inference

url, key, folder = sys.argv[1:4]
html = open(f"{folder}/short.html").read()
client = inference(api_key=key, base_url=url)
app = "infsh/hyperframes-render"

# run and wait
result = client.run({"app": app, "input": {"html": html}})
assert result["status"] == 10, result
assert result["output"]["video"]["uri"].startswith("http"), result["output"]
print("run")

# progress while it renders
updates = list(client.run({"app": app, "input": {"html": open(f"{folder}/long.html").read()}}, stream=True))
progress = [(u.get("output") or {}).get("progress") for u in updates]
frames = {p["frames_done"] for p in progress if p and p["phase"] == "render"}
assert len(frames) >= 2, progress
assert all({"phase", "frames_done", "frames_total", "percent"} <= p.keys() for p in progress if p)
assert any(u.get("logs") for u in updates)
assert updates[-1]["output"]["video"], updates[-1]
print("stream")

# local files: the client uploads them by itself
inputs = {"html": f"{folder}/project.zip", "audio_url": f"{folder}/sound.mp3"}
result = client.run({"app": app, "input": inputs})
assert result["output"]["video"]["size"] > 0
task = client.get_task(result["id"])
task = getattr(task, "data", task)
assert task["input"]["html"].startswith("s3://") and task["input"]["audio_url"].startswith("s3://"), task["input"]
print("local files")

# a data URI
import base64

data = "data:text/html;base64," + base64.b64encode(html.encode()).decode()
assert client.run({"app": app, "input": {"html": data}})["status"] == 10
print("data URI")

# a webhook, without waiting
task = client.run({"app": app, "input": {"html": html}, "webhook": sys.argv[4]}, wait=False)
assert task["status"] in (1, 2, 4, 7), task
print("webhook", task["id"])

# cancel
task = client.run({"app": app, "input": {"html": html, "duration": 60}}, wait=False)
client.cancel(task["id"])
for _ in range(100):
    now = client.get_task(task["id"])
    now = getattr(now, "data", now)
    if now["status"] >= 10:
        break
    time.sleep(0.2)
assert now["status"] == 12, now
print("cancel")

# errors are raised with our sentence
for wrong, said in (({"html": "only words"}, "no element"), ({"html": html, "widht": 5}, "width")):
    try:
        client.run({"app": app, "input": wrong})
    except Exception as error:
        assert said in str(error), error
    else:
        raise AssertionError(f"{wrong} was accepted")
print("errors")
