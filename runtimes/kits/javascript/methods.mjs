// The protocol's methods on the WebAssembly JavaScript Interface: all but those on memories. Only the line that uses the API
// stands in a `try`: an error anywhere else is the driver's own.

import { endAgents, finishAgents, runAgents, startAgents } from "./agents.mjs";
import { badParams, exited, noMethod, refused, unsupported } from "./errors.mjs";
import { KINDS as GLUE_KINDS, checkStarted } from "./glue.mjs";
import { MEMORY_METHODS } from "./memories.mjs";
import { Agents, Callable, Global, Instance, View, comparable, decode, list } from "./objects.mjs";
import { hostValue, mapped, parseInteger, toWasm, typed } from "./values.mjs";
import { useObject } from "./uses.mjs";
import { DEFAULTS, KINDS } from "./views.mjs";
import { WasiProgram } from "./wasi.mjs";

const PROTOCOL = 1;

function initialize(session, { protocol, variant }) {
  if (protocol !== PROTOCOL) throw badParams(`this driver speaks protocol ${PROTOCOL}, not ${protocol}`);
  const { runtime, language } = session.host;
  if (variant != null) throw unsupported(`${runtime.name} has no variant '${variant}'`);
  const views = KINDS.map(({ kind, unit, types }) => ({ kind, unit, types }));
  const wasi = session.host.wasi?.versions ?? [];
  const glue = session.host.loadScript === undefined ? [] : GLUE_KINDS;
  return { protocol: PROTOCOL, runtime, host: language, views, default_views: DEFAULTS, glue, wasi };
}

function compile(session, { bytes }, id) {
  const code = decode(session, bytes);
  try {
    session.modules.set(id, new WebAssembly.Module(code));
  } catch (error) {
    throw refused(error, "compile");
  }
}

// ------------------------------------------------------------ instances

function instantiate(session, { module: moduleId, imports, glue, wasi }, id) {
  const module = session.module(moduleId);
  const listed = importObject(session, imports ?? []);
  if (glue != null && wasi != null) throw badParams("'glue' and 'wasi' exclude each other");
  if (glue != null) return instantiateWithGlue(session, glue, module, listed, id);
  if (wasi != null) return instantiateWithWasi(session, wasi, module, listed, id);
  let instance;
  try {
    instance = new WebAssembly.Instance(module, listed);
  } catch (error) {
    throw refused(error, "instantiate");
  }
  session.keep(id, new Instance(instance));
  return undefined;
}

// `run` is an async function: what it throws at once is known one microtask later. Inside a host function there is no later;
// then only a program that has ended is noticed here, and the rest shows at the first call.
function instantiateWithGlue(session, glue, module, listed, id) {
  if (session.host.loadScript === undefined) throw unsupported(`${session.host.runtime.name} runs no language glue`);
  session.glued = true;
  const { instance, program } = session.glue.start(glue, module, listed);
  const keep = () => {
    checkStarted(program);
    session.keep(id, new Instance(instance, program));
  };
  return session.depth > 0 ? keep() : Promise.resolve().then(keep);
}

function instantiateWithWasi(session, config, module, listed, id) {
  if (session.host.wasi == null) throw unsupported(`this ${session.host.runtime.name} brings no WASI`);
  const { version = "preview1" } = config;
  if (!session.host.wasi.versions.includes(version)) {
    throw unsupported(`this ${session.host.runtime.name} brings no WASI ${version}`);
  }
  const program = new WasiProgram(session.host.wasi.make, config);
  session.keep(id, new Instance(program.instantiate(module, listed), null, program));
  return undefined;
}

function importObject(session, imports) {
  const object = Object.create(null);
  for (const item of imports) {
    const module = (object[item.module] ??= Object.create(null));
    module[item.name] = importValue(session, item);
  }
  return object;
}

function importValue(session, item) {
  if (item.func !== undefined) return session.hostFunction(item.func, item.type);
  if (item.object !== undefined) return comparable(session, item.object).host;
  if (item.instance !== undefined) return session.object(item.instance, Instance).exports[item.export];
  if (item.global !== undefined) return newGlobal(session, item.global);
  throw badParams(`import ${item.module}.${item.name} says not what it is`);
}

function newGlobal(session, { type, mutable, value }) {
  const initial = toWasm(type, session.integer(value));
  try {
    return new WebAssembly.Global({ value: type, mutable }, initial);
  } catch (error) {
    throw refused(error, "host");
  }
}

function exportFunction(session, { instance, name }, id) {
  const { exports, program, wasi } = session.object(instance, Instance);
  if (typeof exports[name] !== "function") throw refused(notCallable(name), "host");
  session.keep(id, new Callable(exports[name], program, wasi));
}

function notCallable(name) {
  return new TypeError(`exports.${name} is not a function`);
}

function call(session, { instance: instanceId, function: functionId, name, args, results }) {
  const kept = functionId === undefined ? null : session.object(functionId, Callable);
  const { exports, program, wasi } = kept ?? session.object(instanceId, Instance);
  const types = list(results, "results");
  const values = mapped(list(args, "args"), ({ type, value }) => toWasm(type, session.integer(value)));
  const ended = program?.ended;
  let returned;
  try {
    if (kept !== null) {
      returned = kept.host(...values);
    } else {
      if (typeof exports[name] !== "function") throw notCallable(name);
      returned = wasi?.isCommand(name) ? wasi.start() : exports[name](...values);
    }
  } catch (error) {
    if (wasi?.ended(error)) throw wasi.exit(error);
    if (program !== null && program.ended !== ended) throw exited(program.status);
    throw refused(error, "call");
  }
  if (program !== null && program.ended !== ended) throw exited(program.status);
  if (types.length === 0) return { values: [] };
  if (types.length === 1) return { values: [typed(types[0], returned)] };
  return { values: types.map((type, i) => typed(type, returned[i])) };
}

// --------------------------------------------------------------- globals

function createGlobal(session, params, id) {
  session.keep(id, new Global(newGlobal(session, params)));
}

function exportGlobal(session, { instance, name }, id) {
  const found = session.object(instance, Instance).exports[name];
  if (!(found instanceof WebAssembly.Global)) throw refused(new TypeError(`exports.${name} is not a global`), "host");
  session.keep(id, new Global(found));
}

function getGlobal(session, { global: globalId, type }) {
  const { host } = session.object(globalId, Global);
  let value;
  try {
    ({ value } = host);
  } catch (error) {
    throw refused(error, "host");
  }
  return { value: typed(type, value) };
}

function setGlobal(session, { global: globalId, value }) {
  const { host } = session.object(globalId, Global);
  const given = value.host === undefined ? toWasm(value.type, session.integer(value.value)) : hostValue(value);
  try {
    host.value = given;
  } catch (error) {
    throw refused(error, "host");
  }
}

// ------------------------------------------------------------------ life

/** Whether two objects are one, as `===` tells it. */
function same(session, { objects }) {
  const [one, other] = list(objects, "objects").map((id) => comparable(session, id).host);
  return { same: one === other };
}

function collect(session) {
  if (session.host.collect === undefined) throw noMethod("host.collect");
  session.host.collect();
}

function release(session, { objects, all, store }) {
  if (all && session.has(Agents)) return endAgents(session).then(() => session.releaseAll());
  if (store) session.releaseStore(View);
  else if (all) session.releaseAll();
  else for (const id of list(objects, "objects")) session.release(parseInteger(id));
  return undefined;
}

/** The method answers for itself: nothing runs after `exit`. */
function shutdown(session, params, id) {
  session.host.send(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  session.host.exit();
}

export const METHODS = new Map([
  ["initialize", initialize],
  ["module.compile", compile],
  ["instance.create", instantiate],
  ["function.call", call],
  ["function.export", exportFunction],
  ["agents.run", runAgents],
  ["agents.start", startAgents],
  ["agents.finish", finishAgents],
  ...MEMORY_METHODS,
  ["global.create", createGlobal],
  ["global.export", exportGlobal],
  ["global.get", getGlobal],
  ["global.set", setGlobal],
  ["object.same", same],
  ["object.use", useObject],
  ["object.release", release],
  ["host.collect", collect],
  ["shutdown", shutdown],
]);
