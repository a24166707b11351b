// Memories that are addressed by 64 bits.
//
// The JavaScript interface has no word for whether a memory is one (type reflection is a proposal), yet `grow` wants a BigInt
// for one kind and a Number for the other, as its users know of their own modules. What tells without changing anything is
// whether it links where a 64-bit memory is imported.
//
// V8 12 (Node.js 22) has the proposal as it was before it was finished: a descriptor says `index` in place of `address`, and
// counts pages with Numbers. So do its users.

// (module (import "m" "m" (memory i64 0)))
const PLAIN = [0, 97, 115, 109, 1, 0, 0, 0, 2, 8, 1, 1, 109, 1, 109, 2, 4, 0];
// (module (import "m" "m" (memory i64 0 0x1000000000000 shared)))
const SHARED = [0, 97, 115, 109, 1, 0, 0, 0, 2, 15, 1, 1, 109, 1, 109, 2, 7, 0, 128, 128, 128, 128, 128, 128, 64];

let probes = null;
let unfinished = null;

/** The descriptor of a new 64-bit memory: pages as integers, `max` may be null. */
export function descriptor64(min, max) {
  const key = isUnfinished() ? "index" : "address";
  const descriptor = { [key]: "i64", initial: pages64(min) };
  if (max != null) descriptor.maximum = pages64(max);
  return descriptor;
}

/** A number of a 64-bit memory's pages, as this engine wants it. */
export function pages64(integer) {
  return isUnfinished() ? Number(integer) : BigInt(integer);
}

/** Whether this memory's addresses are 64-bit. Always false on an engine without memory64. */
export function isMemory64(memory) {
  probes ??= { plain: compiled(PLAIN), shared: compiled(SHARED) };
  if (probes.plain === null) return false;
  const shared = typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer;
  const probe = shared ? probes.shared : probes.plain;
  return probe !== null && links(probe, memory);
}

function isUnfinished() {
  unfinished ??= !makes({ address: "i64", initial: 0n }) && makes({ index: "i64", initial: 0 });
  return unfinished;
}

function makes(descriptor) {
  try {
    return isMemory64(new WebAssembly.Memory(descriptor)); // a key that is not known is no error
  } catch {
    return false;
  }
}

function compiled(bytes) {
  try {
    return new WebAssembly.Module(new Uint8Array(bytes));
  } catch {
    return null;
  }
}

function links(probe, memory) {
  try {
    new WebAssembly.Instance(probe, { m: { m: memory } });
    return true;
  } catch {
    return false;
  }
}
