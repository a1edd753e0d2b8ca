"""A receiver of webhooks that checks who sent them. pip install standardwebhooks; WEBHOOK_SECRET=whsec_… PORT=8000"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
seen = set()  # a database in earnest: a webhook may come twice


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            task = webhook.verify(body, headers)
        except WebhookVerificationError:
            return self.answer(401)
        if headers["webhook-id"] not in seen:
            seen.add(headers["webhook-id"])
            video = (task["output"] or {}).get("video")
            print(task["id"], task["status"], video["uri"] if video else task["error"], flush=True)
        return self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()
