// The page: it starts the worker that is the driver, and holds a connection open, by whose end the bridge knows that the
// page's process has died.

const worker = new Worker("browser/worker.mjs", { type: "module" });
worker.addEventListener("error", ({ message, filename, lineno }) => {
  fetch("fault", { method: "POST", body: `${message} (${filename}:${lineno})` });
});
globalThis.alive = new EventSource("alive"); // a global, so that nobody collects it
