// The worker that an agent lives in.

import { parentPort } from "node:worker_threads";

import { serveAgent } from "../jskit/agent.mjs";
import { mailbox } from "../jskit/mailbox.mjs";

const { receive, arrived } = mailbox();
parentPort.on("message", arrived);
await serveAgent({ post: (message) => parentPort.postMessage(message), receive });
