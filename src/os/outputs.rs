//! Whether standard output was open when the program began.
//!
//! Rust's runtime opens `/dev/null` in the place of a standard output that is closed, before `main` begins. What is then
//! written to it is lost, and nobody is told. So this looks earlier.

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The dynamic linker, or the start of a static program, calls what is in this section before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: fcntl with F_GETFD takes two integers and touches no memory.
    let found = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    WAS_CLOSED.store(found == -1, Ordering::Relaxed);
}

/// Whether standard output was closed when the program began, as by `>&-` in a shell.
pub fn stdout_was_closed() -> bool {
    // The linker keeps what is used.
    std::hint::black_box(&LOOK);
    WAS_CLOSED.load(Ordering::Relaxed)
}
