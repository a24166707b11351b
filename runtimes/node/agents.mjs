// Workers for agents, of the kind that Node.js has: worker_threads. Deno and Bun have the module as well.

import { Worker } from "node:worker_threads";

import { mailbox } from "../kits/javascript/mailbox.mjs";

const SCRIPT = new URL("agent_worker.mjs", import.meta.url);

/** A worker that serves agents: see kits/javascript/agents.mjs. It keeps no process alive, and prints nowhere. */
export function startAgent() {
  const worker = new Worker(SCRIPT, { stdout: true, stderr: true });
  const { receive, arrived, lost } = mailbox();
  worker.on("message", arrived);
  worker.on("error", lost);
  worker.on("exit", (status) => lost(new Error(`an agent's worker ended with status ${status}`)));
  return { post: (message) => worker.postMessage(message), receive };
}
