//! The freezerd program: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "agent")
    {
        return freezerd::agent::main();
    }
    ExitCode::SUCCESS
}
