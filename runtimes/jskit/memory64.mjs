// Whether a memory is addressed by 64 bits. The JavaScript interface has no word for it (type reflection is a proposal), yet
// `grow` wants a BigInt for one kind and a Number for the other, as its users know of their own modules. What tells without
// changing anything is whether it links where a 64-bit memory is imported.

// (module (import "m" "m" (memory i64 0)))
const PLAIN = [0, 97, 115, 109, 1, 0, 0, 0, 2, 8, 1, 1, 109, 1, 109, 2, 4, 0];
// (module (import "m" "m" (memory i64 0 0x1000000000000 shared)))
const SHARED = [0, 97, 115, 109, 1, 0, 0, 0, 2, 15, 1, 1, 109, 1, 109, 2, 7, 0, 128, 128, 128, 128, 128, 128, 64];

let probes = null;

/** Whether this memory's addresses are 64-bit. Always false on an engine without memory64. */
export function isMemory64(memory) {
  probes ??= { plain: compiled(PLAIN), shared: compiled(SHARED) };
  if (probes.plain === null) return false;
  const shared = typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer;
  const probe = shared ? probes.shared : probes.plain;
  return probe !== null && links(probe, memory);
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
