//! The freezerd program: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    freezerd::cli::main(std::env::args_os())
}
