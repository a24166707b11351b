// The worker that an agent lives in.

import { parentPort } from "node:worker_threads";

import { serveAgent } from "../kits/javascript/agent.mjs";
import { mailbox } from "../kits/javascript/mailbox.mjs";
import * as base64 from "./base64.mjs";

const { receive, arrived } = mailbox();
parentPort.on("message", arrived);
await serveAgent({ post: (message) => parentPort.postMessage(message), receive, ...base64 });
