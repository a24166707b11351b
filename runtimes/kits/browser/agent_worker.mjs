// The worker that an agent lives in.

import { serveAgent } from "../javascript/agent.mjs";
import { mailbox } from "../javascript/mailbox.mjs";
import * as base64 from "./base64.mjs";

const { receive, arrived } = mailbox();
globalThis.addEventListener("message", ({ data }) => arrived(data));
await serveAgent({ post: (message) => globalThis.postMessage(message), receive, ...base64 });
