//! The protocol's two ends, on descriptors of their own.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::exit;

use serde_json::{Value as Json, json};

/// Requests come from what was standard input, answers go to what was standard output. Afterwards standard output leads
/// to standard error and standard input to nothing, so that neither the runtime nor a guest is in the protocol's way.
pub(crate) struct Channel {
    input: RefCell<BufReader<File>>,
    output: RefCell<File>,
}

impl Channel {
    pub(crate) fn new() -> std::io::Result<Self> {
        use rustix::{io::fcntl_dupfd_cloexec, stdio};
        let input = File::from(fcntl_dupfd_cloexec(stdio::stdin(), 3)?);
        let output = File::from(fcntl_dupfd_cloexec(stdio::stdout(), 3)?);
        stdio::dup2_stdin(File::open("/dev/null")?)?;
        stdio::dup2_stdout(stdio::stderr())?;
        Ok(Self { input: RefCell::new(BufReader::new(input)), output: RefCell::new(output) })
    }

    /// The next message. At the end of input the process ends with status 0, wherever it is.
    pub(crate) fn receive(&self) -> Json {
        loop {
            let mut line = Vec::new();
            match self.input.borrow_mut().read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => exit(0),
                Ok(_) => {}
            }
            match serde_json::from_slice::<Json>(&line) {
                Ok(message) if message["id"].is_u64() || message["id"].is_string() => return message,
                Ok(_) => self.refuse(-32600, "not one JSON-RPC request or answer"),
                Err(error) => self.refuse(-32700, &format!("not JSON: {error}")),
            }
        }
    }

    fn refuse(&self, code: i32, message: &str) {
        self.send(&json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}}));
    }

    /// Write one line, at once: when the process dies, the last answer says which step it died after.
    pub(crate) fn send(&self, message: &Json) {
        let mut line = message.to_string();
        line.push('\n');
        if self.output.borrow_mut().write_all(line.as_bytes()).is_err() {
            exit(0); // nobody reads
        }
    }
}
