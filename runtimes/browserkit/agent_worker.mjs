// The worker that an agent lives in.

import { serveAgent } from "../jskit/agent.mjs";
import { mailbox } from "../jskit/mailbox.mjs";

const { receive, arrived } = mailbox();
globalThis.addEventListener("message", ({ data }) => arrived(data));
await serveAgent({ post: (message) => globalThis.postMessage(message), receive });
