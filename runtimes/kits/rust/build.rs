//! Tells the kit which compiler it is built with: `initialize` answers with it.

use std::process::Command;

fn main() {
    let compiler = std::env::var("RUSTC").expect("cargo sets RUSTC");
    let told = Command::new(compiler).arg("--version").output().expect("rustc runs");
    let version = String::from_utf8(told.stdout).expect("rustc tells its version in UTF-8");
    println!("cargo::rustc-env=LINMEM_RUSTC={}", version.split(' ').nth(1).unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
}
