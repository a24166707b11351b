// An agent, as it lives in a worker: it makes an instance, meets the others, and calls. See agents.mjs for the other side.

import { refused } from "./errors.mjs";
import { mapped, typed } from "./values.mjs";

const ARRIVED = 0; // how many have arrived, over all rounds
const ROUND = 1; // how many rounds have begun
const SPINS = 20_000; // about as long as it takes to wake a thread that waits

/**
 * Serve one run after the other. `post(message)` sends to the main thread, `receive()` is a promise of its next message.
 *
 * A run is two messages and two answers: a plan, answered with `refusal` (null, or why there is no instance), then `go`,
 * answered with `results`, for each call and round.
 */
export async function serveAgent({ post, receive }) {
  for (;;) await serveRun(await receive(), post, receive);
}

async function serveRun(plan, post, receive) {
  let instance;
  try {
    instance = new WebAssembly.Instance(plan.module, importObject(plan.imports));
  } catch (error) {
    const { code, message, data } = refused(error, "instantiate");
    return post({ refusal: { code, message, data } });
  }
  post({ refusal: null });
  const { go } = await receive();
  return post({ results: go ? playRounds(instance.exports, plan) : null });
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

function playRounds(exports, { calls, rounds, meeting, parties }) {
  const control = new Int32Array(meeting);
  const results = calls.map(() => []);
  for (let round = 0; round < rounds; round++) {
    meet(control, parties, round);
    for (let i = 0; i < calls.length; i++) results[i].push(play(exports, calls[i]));
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
