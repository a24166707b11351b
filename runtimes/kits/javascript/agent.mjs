// An agent, as it lives in a worker: it makes an instance, meets the others, and calls. See agents.mjs for the other side.

import { Refusal, badParams, refused } from "./errors.mjs";
import { Known } from "./known.mjs";
import { MEMORY_METHODS } from "./memories.mjs";
import { Memory, View } from "./objects.mjs";
import { mapped, typed } from "./values.mjs";
import { kindNamed } from "./views.mjs";

const ARRIVED = 0; // how many have arrived, over all rounds
const ROUND = 1; // how many rounds have begun
const METHODS = new Map(MEMORY_METHODS);
const SPINS = 20_000; // about as long as it takes to wake a thread that waits

/**
 * Serve one run after the other. `post(message)` sends to the main thread, `receive()` is a promise of its next message;
 * `decodeBase64` and `encodeBase64` are as the main thread's host has them.
 *
 * A run is two messages and two answers: a plan, answered with `refusal` (null, or why there is no instance), then `go`,
 * answered with `results`, for each call and round.
 */
export async function serveAgent(host) {
  for (;;) await serveRun(await host.receive(), host);
}

async function serveRun(plan, host) {
  const { post, receive } = host;
  let instance;
  try {
    instance = new WebAssembly.Instance(plan.module, importObject(plan.imports));
  } catch (error) {
    const { code, message, data } = refused(error, "instantiate");
    return post({ refusal: { code, message, data } });
  }
  post({ refusal: null });
  const { go } = await receive();
  return post({ results: go ? playRounds(instance.exports, plan, known(host, plan)) : null });
}

function importObject(imports) {
  const object = Object.create(null);
  for (const { module, name, value, global } of imports) {
    const given = global === undefined ? value : newGlobal(global);
    (object[module] ??= Object.create(null))[name] = given;
  }
  return object;
}

function newGlobal({ type, mutable, value }) {
  return new WebAssembly.Global({ value: type, mutable }, value);
}

/** What the agent's host has: what was handed over to it, as it arrived, and later what it makes of that. */
function known(host, { handed }) {
  const made = new Known(host);
  for (const [id, { memory, kind, view }] of handed) {
    made.keep(id, memory === undefined ? new View(kindNamed(kind), view) : new Memory(memory));
  }
  return made;
}

function playRounds(exports, { calls, rounds, meeting, parties }, made) {
  const control = new Int32Array(meeting);
  const results = calls.map(() => []);
  for (let round = 0; round < rounds; round++) {
    meet(control, parties, round);
    for (let i = 0; i < calls.length; i++) {
      results[i].push(calls[i].method === undefined ? play(exports, calls[i]) : ask(made, calls[i]));
    }
  }
  return results;
}

/** Go on when all have come: by spinning, so that they start as close together as can be, then by waiting. */
function meet(control, parties, round) {
  if (Atomics.add(control, ARRIVED, 1) + 1 === parties * (round + 1)) {
    Atomics.store(control, ROUND, round + 1);
    Atomics.notify(control, ROUND);
    return;
  }
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(control, ROUND) > round) return;
  while (Atomics.load(control, ROUND) <= round) Atomics.wait(control, ROUND, round);
}

/** A step of the agent's own host. */
function ask(made, { id, method, params }) {
  const serve = METHODS.get(method);
  if (serve === undefined) throw badParams(`agents have no step ${method}`);
  try {
    return serve(made, params, id) ?? {};
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    made.failures.set(id, method);
    const { code, message, data } = error;
    return { error: { code, message, data } };
  }
}

function play(exports, { name, args, results, times }) {
  let returned;
  try {
    if (typeof exports[name] !== "function") throw new TypeError(`exports.${name} is not a function`);
    for (let i = 0; i < times; i++) returned = exports[name](...args);
  } catch (error) {
    const { code, message, data } = refused(error, "call");
    return { error: { code, message, data } };
  }
  if (results.length === 0) return { values: [] };
  if (results.length === 1) return { values: [typed(results[0], returned)] };
  return { values: mapped(results, (type, i) => typed(type, returned[i])) };
}
