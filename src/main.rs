//! The `hoptax` program: all of it is in [`hoptax::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    hoptax::cli::main(std::env::args_os().collect())
}
