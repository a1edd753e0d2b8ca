"""Pages without a composition root, through the public client. Arguments: URL, KEY, a folder of NAME.json inputs.

Each video is written beside its input, as NAME.mp4.
"""

import json
import pathlib
import sys
import urllib.request

from inferencesh import inference

url, key, folder = sys.argv[1:4]
client = inference(api_key=key, base_url=url)
for path in sorted(pathlib.Path(folder).glob("*.json")):
    result = client.run({"app": "infsh/hyperframes-render", "input": json.loads(path.read_text())})
    assert result["status"] == 10, result
    assert any(one["message"].startswith("No composition root") for one in result["output"]["warnings"]), result[
        "output"
    ]
    path.with_suffix(".mp4").write_bytes(urllib.request.urlopen(result["output"]["video"]["uri"]).read())
    print(path.stem)
