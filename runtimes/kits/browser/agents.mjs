// Workers for agents, of the kind that a browser has.

import { mailbox } from "../javascript/mailbox.mjs";

const SCRIPT = new URL("agent_worker.mjs", import.meta.url);

/** A worker that serves agents: see javascript/agents.mjs. Messages wait for it until its modules have been fetched. */
export function startAgent() {
  const worker = new Worker(SCRIPT, { type: "module" });
  const { receive, arrived, lost } = mailbox();
  worker.addEventListener("message", ({ data }) => arrived(data));
  worker.addEventListener("messageerror", () => lost(new Error("an agent's worker sent what can't be cloned")));
  worker.addEventListener("error", ({ message }) => lost(new Error(`an agent's worker failed: ${message}`)));
  return { post: (message) => worker.postMessage(message), receive };
}
