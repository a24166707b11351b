//! Panics: those of the runtime are answers, those of the driver are faults.
//!
//! A panic that comes out of the API unwinds to the request, as it would to an embedder's `catch_unwind`, and is
//! answered as an error of kind `host` and type `panic`; its text is the panic's. A bounds check of Rust's own, in
//! [`crate::slices`], is answered likewise. A panic whose place is in the kit's other files or in the driver's is a fault
//! of the driver: it ends the process with status 70. A panic that does not unwind ends the process, and is a crash.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::Path;
use std::process::exit;

use crate::failure::{Failure, Kind};

pub(crate) fn install() {
    panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        if is_own(panic) {
            exit(70);
        }
    }));
}

/// Cargo compiles what is in a driver's own folder by relative paths, and all that it depends on by absolute ones.
fn is_own(panic: &PanicHookInfo<'_>) -> bool {
    panic.location().is_some_and(|location| {
        let file = Path::new(location.file());
        file.is_relative() || (file.starts_with(env!("CARGO_MANIFEST_DIR")) && !file.ends_with("slices.rs"))
    })
}

/// Do what may panic.
pub(crate) fn caught<T>(action: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    panic::catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|payload| Err(failure(payload.as_ref())))
}

fn failure(payload: &(dyn Any + Send)) -> Failure {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_string(),
    };
    Failure::named(Kind::Host, "panic", text)
}
