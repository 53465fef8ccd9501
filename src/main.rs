//! The freezerd program. All of its code is in the library.

use std::process::ExitCode;

#[global_allocator]
static MEMORY: freezerd::os::huge_pages::HugePages = freezerd::os::huge_pages::HugePages;

fn main() -> ExitCode {
    freezerd::cli::main(std::env::args_os())
}
