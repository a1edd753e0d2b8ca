// A receiver of webhooks that checks who sent them. npm install standardwebhooks; WEBHOOK_SECRET=whsec_… PORT=8000
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const seen = new Set(); // a database in earnest: a webhook may come twice

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  let task;
  try {
    task = webhook.verify(Buffer.concat(parts).toString("utf8"), request.headers);
  } catch {
    response.writeHead(401).end();
    return;
  }
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) {
    seen.add(id);
    console.log(task.id, task.status, task.output?.video?.uri ?? task.error);
  }
  response.writeHead(204).end();
}).listen(Number(process.env.PORT ?? 8000), "127.0.0.1");
