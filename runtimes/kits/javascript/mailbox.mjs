// Between a port that calls back when a message comes and code that awaits the next one.

/** Messages that came and nobody has taken, or those who wait for one. */
export function mailbox() {
  const messages = [];
  let waiting = null;
  let failure = null;
  return {
    receive() {
      if (messages.length > 0) return Promise.resolve(messages.shift());
      if (failure !== null) return Promise.reject(failure);
      return new Promise((resolve, reject) => (waiting = { resolve, reject }));
    },
    arrived(message) {
      if (waiting === null) messages.push(message);
      else waiting.resolve(message);
      waiting = null;
    },
    lost(error) {
      failure ??= error;
      waiting?.reject(failure);
      waiting = null;
    },
  };
}
