//! What linmem's drivers in Rust share: the driver protocol (docs/driver-protocol.md).
//!
//! A driver implements [`Driver`] for one runtime, and its `main` calls [`serve`]. The kit takes requests, resolves
//! references, keeps objects and results, has host functions ask the harness, runs agents on threads of their own, and
//! tells errors.
//!
//! What Rust's compiler refuses is answered as *not expressible*: an address
//! that is no `usize`, a value that is none of its type, and a view that borrows the store after the store was used in a
//! way that ends the borrow. For the last, hooks get the store as a [`Borrow`] and say which borrow each call needs; the
//! kit keeps the view itself, and ends it exactly there.
//!
//! [`panics`] says how panics are told.

#![warn(missing_docs)]

mod agents;
mod channel;
mod driver;
mod failure;
pub mod guarded;
mod kept;
pub mod panics;
mod params;
pub mod pointers;
mod session;
pub mod slices;
mod values;
mod views;

pub use driver::{About, Borrow, Comparable, Driver, Given, HostFunction, Import, NewMemory, Thrown, ViewKind, Wasi};
pub use failure::{Failure, Kind};
pub use session::serve;
pub use values::{Integer, MemoryType, Reading, Value, ValueType};
pub use views::{Access, Loan, View, Way};

/// The version of a package in a lock file of cargo's, for libraries that do not tell theirs:
/// `locked_version(include_str!("Cargo.lock"), "wasmi")`.
pub fn locked_version(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"\n");
    let version = lock.split_once(&name).and_then(|(_, rest)| rest.strip_prefix("version = \"")?.split('"').next());
    version.unwrap_or_else(|| panic!("Cargo.lock has no {package}")).to_string()
}
