//! The freezerd program. All of its code is in the library.

use std::process::ExitCode;

#[global_allocator]
static MEMORY: freezerd::os::memory::HugePages = freezerd::os::memory::HugePages;

fn main() -> ExitCode {
    freezerd::os::memory::give_back_large_pieces();
    freezerd::cli::main(std::env::args_os())
}
