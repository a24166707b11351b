// Agents: workers that run at once, each with an instance of its own. This is the main thread's side; agent.mjs is theirs.
//
// How a worker is started is the host's: `host.startAgent()` gives an object with
//   post(message)         sends it a message (structured clone)
//   receive()             a promise of its next message; rejected when the worker is lost
// and runs `serveAgent` of agent.mjs in the worker. Workers are kept for later runs: starting one costs more than most
// scenarios do.

import { Refusal, badParams, noMethod, refused, unsupported } from "./errors.mjs";
import { Agents, Instance, Memory, View, comparable, list } from "./objects.mjs";
import { toWasm } from "./values.mjs";

const idle = [];

/** Play the agents' calls, and answer with what each came to in each round. */
export function runAgents(session, params) {
  return begin(session, params).then(results);
}

/** Have agents begin, and go on; `finishAgents` takes in what they came to. */
export function startAgents(session, params, id) {
  return begin(session, params).then((workers) => session.keep(id, new Agents(workers)));
}

export function finishAgents(session, { agents: id }) {
  const { workers } = session.object(id, Agents);
  checkLoop(session);
  session.release(id);
  return results(workers);
}

/** Wait for agents that nobody has asked for. */
export async function endAgents(session) {
  for (const object of session.objects.values()) if (object instanceof Agents) await results(object.workers);
}

/** Workers that play their plans. One instance after the other is made; if all could be made, they begin together. */
function begin(session, { agents, rounds = 1 }) {
  const { host } = session;
  if (host.startAgent === undefined) throw noMethod("agents.run");
  checkLoop(session);
  if (!Number.isInteger(rounds) || rounds < 1) throw badParams("'rounds' is not an integer from 1 on");
  const plans = list(agents, "agents").map((agent) => plan(session, agent));
  return play(host, plans, rounds);
}

function checkLoop(session) {
  if (session.depth > 0) throw unsupported("agents inside a host function: the event loop does not turn there");
}

function plan(session, { module, imports, calls }) {
  const steps = list(calls, "calls");
  return {
    module: session.module(module),
    imports: list(imports, "imports").map((item) => imported(session, item)),
    calls: steps.map((step) => (step.method === undefined ? planCall(session, step) : step)),
    handed: handed(session, steps),
  };
}

function planCall(session, { name, args, results, times }) {
  return {
    name,
    args: list(args, "args").map(({ type, value }) => toWasm(type, session.integer(value))),
    results: list(results, "results"),
    times,
  };
}

/** The memories and views that an agent's own steps use; what it makes itself has a negative id. */
function handed(session, steps) {
  const found = new Map();
  for (const { params } of steps) {
    if (params?.memory >= 0) found.set(params.memory, { memory: session.object(params.memory, Memory).memory });
    // Of a `memory.read`, `view` is a kind's name or null.
    if (params?.memory === undefined && params?.view >= 0) {
      const { kind, view } = session.object(params.view, View);
      found.set(params.view, { kind: kind.kind, view });
    }
  }
  return [...found];
}

/** What another thread can be given is the structured clone's affair: it refuses all but shared memories. */
function imported(session, item) {
  const { module, name } = item;
  if (item.object !== undefined) return { module, name, value: comparable(session, item.object).host };
  if (item.instance !== undefined) return { module, name, value: session.object(item.instance, Instance).exports[item.export] };
  if (item.global === undefined) throw badParams(`an agent can't import ${module}.${name} so`);
  const { type, mutable, value } = item.global;
  return { module, name, global: { type, mutable, value: toWasm(type, session.integer(value)) } };
}

async function play(host, plans, rounds) {
  const workers = [];
  const meeting = new SharedArrayBuffer(8);
  let broken = null;
  for (const plan of plans) {
    const worker = idle.pop() ?? host.startAgent();
    broken = await prepare(worker, { ...plan, rounds, meeting, parties: plans.length });
    if (broken !== null) {
      idle.push(worker);
      break;
    }
    workers.push(worker);
  }
  for (const worker of workers) worker.post({ go: broken === null });
  if (broken === null) return workers;
  await results(workers);
  throw broken;
}

/** What the workers' calls came to, when all have ended. */
async function results(workers) {
  const agents = [];
  for (const worker of workers) agents.push((await worker.receive()).results);
  idle.push(...workers);
  return { agents };
}

/** Null, or why the worker could not make its instance. */
async function prepare(worker, plan) {
  try {
    worker.post(plan);
  } catch (error) {
    return refused(error, "host"); // a DataCloneError
  }
  const answer = await worker.receive();
  return answer.refusal === null ? null : Refusal.from(answer.refusal);
}
