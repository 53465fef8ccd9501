//! The freezerd program. All of its code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    freezerd::cli::main(std::env::args_os())
}
