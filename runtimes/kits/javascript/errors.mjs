// What can go wrong, in the protocol's terms. The one place that knows engines' own words for traps.

const FAILED = -32000;
const NO_METHOD = -32601;
const BAD_PARAMS = -32602;

const MEMORY = "out of bounds memory access";
const TABLE = "out of bounds table access";
const STACK = "call stack exhausted";

/** Engines' texts for traps and the core specification's. */
const TRAPS = new Map([
  // V8
  ["unreachable", "unreachable"],
  ["memory access out of bounds", MEMORY],
  ["divide by zero", "integer divide by zero"],
  ["remainder by zero", "integer divide by zero"],
  ["divide result unrepresentable", "integer overflow"],
  ["null function", "uninitialized element"],
  ["function signature mismatch", "indirect call type mismatch"],
  ["element segment out of bounds", TABLE],
  ["operation does not support unaligned accesses", "unaligned atomic"],
  ["Atomics.wait cannot be called in this context", "expected shared memory"],
  // JavaScriptCore
  ["Unreachable code should not be executed", "unreachable"],
  ["Out of bounds memory access", MEMORY],
  ["Division by zero", "integer divide by zero"],
  ["Integer overflow", "integer overflow"],
  ["Out of bounds table access", TABLE],
  ["Out of bounds call_indirect", "undefined element"],
  ["call_indirect to a null table entry", "uninitialized element"],
  ["Unaligned memory access", "unaligned atomic"],
  ["Element is trying to set an out of bounds table index", TABLE],
  ["Stack overflow", STACK],
  // SpiderMonkey
  ["unreachable executed", "unreachable"],
  ["integer divide by zero", "integer divide by zero"],
  ["integer overflow", "integer overflow"],
  ["invalid conversion to integer", "invalid conversion to integer"],
  ["indirect call to null", "uninitialized element"],
  ["indirect call signature mismatch", "indirect call type mismatch"],
  ["unaligned memory access", "unaligned atomic"],
  ["atomic wait on non-shared memory", "expected shared memory"],
]);

const CONVERSION = ["integer overflow", "invalid conversion to integer"];
const ELEMENT = ["undefined element", TABLE];
const INDIRECT = ["uninitialized element", "indirect call type mismatch"];

/**
 * Texts that an engine uses for several of the specification's: `message` stays the engine's own, so that nothing is claimed
 * that isn't known, and `messages` are all that it may stand for.
 */
const AMBIGUOUS = new Map([
  // V8
  ["float unrepresentable in integer range", CONVERSION],
  ["table index is out of bounds", ELEMENT],
  ["null function or function signature mismatch", INDIRECT], // until 13 at least
  // JavaScriptCore
  ["Out of bounds Trunc operation", CONVERSION],
  ["call_indirect to a signature that does not match", INDIRECT],
  // SpiderMonkey
  ["index out of bounds", [MEMORY, ...ELEMENT]],
]);

// Texts with parts that vary; tried after the table.
const TRAP_PATTERNS = [
  [/^WebAssembly\.Instance\(\): data segment\b.* is out of bounds/, MEMORY], // V8
  [/^WebAssembly\.Instance\(\): table (initializer|index)\b.* is out of bounds/, TABLE], // V8, element segments
  [/^Invalid data segment initialization: /, MEMORY], // JavaScriptCore
];

const STACK_OVERFLOWS = new Set([
  "Maximum call stack size exceeded", // V8
  "Maximum call stack size exceeded.", // JavaScriptCore
  "too much recursion", // SpiderMonkey
]);

/** Thrown out of a host function when the harness asks for an exception. */
export class HostThrow extends Error {
  get name() {
    return "HostThrow";
  }
}

/** Thrown in place of ending the process, when a guest's glue asks for that. */
export class GuestExit extends Error {
  constructor(status) {
    super(`the guest ended the process with status ${status}`);
    this.status = status;
  }

  get name() {
    return "GuestExit";
  }
}

/** A request's error answer, thrown by whoever notices. Not an Error: nobody needs its stack, and that costs time. */
export class Refusal {
  constructor(code, message, data) {
    this.code = code;
    this.message = message;
    this.data = data;
  }

  /** The refusal that came from another thread as a plain object. */
  static from({ code, message, data }) {
    return new Refusal(code, message, data);
  }
}

export function noMethod(name) {
  return new Refusal(NO_METHOD, `no method '${name}'`);
}

export function badParams(message) {
  return new Refusal(BAD_PARAMS, message);
}

export function skipped(id) {
  return failed("skipped", "", `request ${id} gave nothing to use`);
}

export function unsupported(message) {
  return failed("unsupported", "", message);
}

/** The guest ended its program; `thrown` is what came out of it for that, if anything did. */
export function exited(status, thrown) {
  if (thrown === undefined) return failed("exit", "", String(status));
  return failed("exit", classOf(thrown), String(status), textOf(thrown));
}

/**
 * What the runtime threw, as an answer. `during` is "compile", "instantiate", "call" or "host" (any other use of the API):
 * the same class means different things in different places.
 */
export function refused(error, during) {
  if (error instanceof Refusal) return error; // ours, on its way through a guest
  if (error instanceof GuestExit) return exited(error.status);
  const kind = kindOf(error, during);
  const text = textOf(error);
  if (kind !== "trap") return failed(kind, classOf(error), text);
  const bare = text.replace(/ \(evaluating '[^]*'\)$/, ""); // JavaScriptCore says where in the caller's source
  return failed(kind, classOf(error), trapMessage(bare), text, AMBIGUOUS.get(bare));
}

function failed(kind, type, message, text = message, messages = undefined) {
  return new Refusal(FAILED, text, { kind, type, message, text, messages });
}

function kindOf(error, during) {
  if (error instanceof HostThrow) return "host";
  if (error instanceof WebAssembly.CompileError) return "compile";
  if (error instanceof WebAssembly.LinkError) return "link";
  if (error instanceof WebAssembly.RuntimeError) return "trap";
  const guestRan = during === "call" || during === "instantiate";
  if (guestRan && error instanceof Error && STACK_OVERFLOWS.has(error.message)) return "trap";
  // "Read the imports" of the JavaScript interface: a module that is not there is a TypeError.
  if (during === "instantiate" && error instanceof TypeError) return "link";
  return "host";
}

function trapMessage(bare) {
  if (STACK_OVERFLOWS.has(bare)) return STACK;
  const known = TRAPS.get(bare);
  if (known !== undefined) return known;
  for (const [pattern, message] of TRAP_PATTERNS) {
    if (pattern.test(bare)) return message;
  }
  return bare;
}

// Guests can throw any value through JavaScript glue, so nothing is taken for granted here.
function classOf(thrown) {
  const name = thrown?.constructor?.name;
  return typeof name === "string" && name !== "" ? name : typeof thrown;
}

function textOf(thrown) {
  if (typeof thrown?.message === "string") return thrown.message;
  try {
    return String(thrown);
  } catch {
    return `a thrown ${typeof thrown} without a text`;
  }
}
