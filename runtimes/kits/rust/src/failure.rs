//! Why a request has no result: the protocol's error kinds.

use std::fmt::Display;

use serde_json::{Value as Json, json};

const TEXT_LIMIT: usize = 8192;

/// The protocol's error kinds, and the two errors that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The module was refused.
    Compile,
    /// Instantiation failed because of an import or a limit.
    Link,
    /// The guest trapped.
    Trap,
    /// The guest asked to end the process; the message is the status.
    Exit,
    /// The host API returned an error, or panicked.
    Host,
    /// What the request uses was never made.
    Skipped,
    /// The API has no such thing.
    Unsupported,
    /// No Rust program can ask this: the compiler refuses it.
    NotExpressible,
    /// The driver has no such method.
    NoMethod,
    /// The request's parameters are wrong.
    Invalid,
}

/// Why a request has no result.
#[derive(Clone, Debug)]
pub struct Failure {
    kind: Kind,
    type_name: String,
    message: String,
    text: String,
    messages: Vec<String>,
}

impl Failure {
    /// The runtime's error of this kind, in its own words.
    pub fn of<E: Display>(kind: Kind, error: &E) -> Self {
        Self::named(kind, &short_name(std::any::type_name::<E>()), error.to_string())
    }

    /// An error of the host API, in its own words.
    pub fn host<E: Display>(error: &E) -> Self {
        Self::of(Kind::Host, error)
    }

    /// A trap. `message` has the specification's wording where it is known; `error` is what the API returned.
    pub fn trap<E: Display>(message: impl Into<String>, error: &E) -> Self {
        Self { message: message.into(), ..Self::of(Kind::Trap, error) }
    }

    /// What an API says by returning `None`: kind `host`, and the type `Option` in place of an error's.
    pub fn none(message: impl Into<String>) -> Self {
        Self::named(Kind::Host, "Option", message.into())
    }

    /// The API has no such thing; `why` says what is missing.
    pub fn unsupported(why: impl Into<String>) -> Self {
        Self::named(Kind::Unsupported, "", why.into())
    }

    /// Rust's type system has no program that asks this; `why` says which type or borrow is in the way.
    pub fn not_expressible(why: impl Display) -> Self {
        Self::named(Kind::NotExpressible, "", why.to_string())
    }

    /// The driver has no such method.
    pub fn no_method() -> Self {
        Self::named(Kind::NoMethod, "", "no such method".into())
    }

    /// An error with the name of its type.
    pub fn named(kind: Kind, type_name: &str, text: String) -> Self {
        Self { kind, type_name: type_name.into(), message: text.clone(), text, messages: Vec::new() }
    }

    /// The same, with other words for its message.
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The same, with all of the specification's messages that the runtime's text can stand for.
    pub fn meaning(self, messages: &[&str]) -> Self {
        Self { messages: messages.iter().map(|message| message.to_string()).collect(), ..self }
    }

    pub(crate) fn invalid(message: impl Display) -> Self {
        Self::named(Kind::Invalid, "", message.to_string())
    }

    pub(crate) fn skipped(message: impl Display) -> Self {
        Self::named(Kind::Skipped, "Skipped", message.to_string())
    }

    /// The error object of an answer.
    pub(crate) fn json(&self) -> Json {
        let (code, kind) = match self.kind {
            Kind::NoMethod => return json!({"code": -32601, "message": self.message}),
            Kind::Invalid => return json!({"code": -32602, "message": self.message}),
            Kind::Compile => (-32000, "compile"),
            Kind::Link => (-32000, "link"),
            Kind::Trap => (-32000, "trap"),
            Kind::Exit => (-32000, "exit"),
            Kind::Host => (-32000, "host"),
            Kind::Skipped => (-32000, "skipped"),
            Kind::Unsupported | Kind::NotExpressible => (-32000, "unsupported"),
        };
        let mut data = json!({
            "kind": kind, "type": self.type_name, "message": clipped(&self.message), "text": clipped(&self.text),
        });
        if !self.messages.is_empty() {
            data["messages"] = json!(self.messages);
        }
        if self.kind == Kind::NotExpressible {
            data["expressible"] = json!(false);
        }
        json!({"code": code, "message": clipped(&self.message), "data": data})
    }
}

/// `wasmi::error::Error` as its users write it: `wasmi::Error`.
fn short_name(full: &str) -> String {
    let plain = full.split('<').next().unwrap_or(full);
    match (plain.split("::").next(), plain.rsplit("::").next()) {
        (Some(first), Some(last)) if first != last => format!("{first}::{last}"),
        _ => plain.to_string(),
    }
}

fn clipped(text: &str) -> &str {
    text.char_indices().nth(TEXT_LIMIT).map_or(text, |(end, _)| &text[..end])
}
