//! The program `seimai`: parse, run, exit code. What the commands do is in [`seimai::cli`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: seimai::cli::allocator::Frugal = seimai::cli::allocator::Frugal;

fn main() -> ExitCode {
    seimai::cli::main()
}
