// The same with the JavaScript client. Arguments: URL, KEY, folder, folder of node_modules.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [url, key, folder, modules] = process.argv.slice(2);
const { inference } = await import(pathToFileURL(`${modules}/node_modules/@inferencesh/sdk/dist/index.js`).href);
const client = inference({ apiKey: key, baseUrl: url });
const app = "infsh/hyperframes-render";
const html = readFileSync(`${folder}/short.html`, "utf8");
const check = (good, what) => { if (!good) throw new Error(what); };

const result = await client.run({ app, input: { html } });
check(result.status === 10 && result.output.video.uri, JSON.stringify(result));
console.log("run");

const frames = new Set();
const watched = await client.run(
  { app, input: { html: readFileSync(`${folder}/long.html`, "utf8") } },
  { onUpdate: (update) => { const p = update.output?.progress; if (p) frames.add(p.frames_done); } },
);
check(frames.size >= 2 && watched.output.video, `progress: ${[...frames]}`);
console.log("stream");

const data = `data:text/html;base64,${Buffer.from(html).toString("base64")}`;
const uploaded = await client.run({ app, input: { html: data } });
check(uploaded.status === 10, JSON.stringify(uploaded));
const blob = new Blob([readFileSync(`${folder}/project.zip`)], { type: "application/zip" });
check((await client.run({ app, input: { html: blob } })).status === 10, "a zip as a Blob");
console.log("local files");

const polled = await client.run({ app, input: { html } }, { stream: false, pollIntervalMs: 300 });
check(polled.status === 10, "polling");
console.log("polling");

let said = "";
try { await client.run({ app, input: { html: "only words" } }); } catch (error) { said = String(error); }
check(said.toLowerCase().includes("no element"), said);
console.log("errors");

const task = await client.run({ app, input: { html, duration: 60 } }, { wait: false });
await client.cancel(task.id);
console.log("cancel");
process.exit(0);
