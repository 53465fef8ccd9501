//! System calls that no safe library offers: signals as a readable descriptor, the I/O priority, the state of the clock,
//! the names of users and groups, and how memory comes from the system.
//!
//! This is the only module with `unsafe` code. Every function is safe to call in any order and from any thread.
#![allow(unsafe_code)]

pub mod memory;
pub mod outputs;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};

/// The descriptor that the signal handler writes to; −1 while there is no pipe.
static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

/// Writes the signal's number as one byte. Makes only calls that are safe in a signal handler.
extern "C" fn note_signal(signal: libc::c_int) {
    // SAFETY: write(2) and the thread's errno are async-signal-safe; the buffer lives on this stack.
    unsafe {
        let errno = *libc::__errno_location();
        let byte = signal as u8;
        let _ = libc::write(
            SIGNAL_PIPE.load(Ordering::Relaxed),
            std::ptr::from_ref(&byte).cast(),
            1,
        );
        *libc::__errno_location() = errno;
    }
}

/// Makes signals readable: each signal that arrives writes its number as one byte into the returned pipe instead of
/// ending the process. Child processes have the default behaviour of the signals.
///
/// # Errors
///
/// If the pipe or a handler cannot be set up, or if the process already has such a pipe.
pub fn signals_to_pipe(signals: &[i32]) -> io::Result<OwnedFd> {
    // Child processes do not inherit the ends. The pipe has room for 64 KiB, so the handler never blocks.
    let (read, write) = io::pipe()?;
    if SIGNAL_PIPE
        .compare_exchange(-1, write.as_raw_fd(), Ordering::SeqCst, Ordering::SeqCst)
        .is_err()
    {
        return Err(io::Error::other("the signal pipe already exists"));
    }
    // Now the handler owns the end. It may run at any time until the process ends.
    let _ = OwnedFd::from(write).into_raw_fd();
    for &signal in signals {
        // SAFETY: the structure is zeroed, which is valid for it, and then filled; the handler is a plain function.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note_signal as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &action, std::ptr::null_mut())
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(read.into())
}

/// From now on the signal `SIGHUP` does nothing. Child processes have its default behaviour.
///
/// # Errors
///
/// If the handler cannot be set up.
pub fn disregard_hangup() -> io::Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: the structure is zeroed, which is valid for it, and then filled; the handler does nothing.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(libc::SIGHUP, &action, std::ptr::null_mut())
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets the calling thread's I/O priority in the best-effort class: 0 is the highest, 7 the lowest. Threads and
/// processes that it starts later inherit the priority.
///
/// # Errors
///
/// If the kernel refuses.
pub fn set_io_priority(level: u8) -> io::Result<()> {
    const WHO_PROCESS: libc::c_int = 1;
    const CLASS_BEST_EFFORT: libc::c_int = 2;
    let priority = (CLASS_BEST_EFFORT << 13) | libc::c_int::from(level.min(7));
    // SAFETY: ioprio_set takes three integers and touches no memory.
    match unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, priority) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The name of the user with an id. `None`: there is no such user, or the name is not UTF-8.
pub fn user_name(id: u32) -> Option<String> {
    let mut entry: libc::passwd = zeroed_passwd();
    lookup(|buffer, found| {
        // SAFETY: all pointers are valid for the call; the buffer outlives the entry's strings, which are copied below.
        unsafe {
            libc::getpwuid_r(
                id,
                &mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                found,
            )
        }
    })
    // SAFETY: the lookup succeeded, so the name points to a terminated string in the buffer that is still alive.
    .and_then(|_buffer| unsafe { string_at(entry.pw_name) })
}

/// The name of the group with an id. `None`: there is no such group, or the name is not UTF-8.
pub fn group_name(id: u32) -> Option<String> {
    let mut entry: libc::group = zeroed_group();
    lookup(|buffer, found| {
        // SAFETY: as in `user_name`.
        unsafe {
            libc::getgrgid_r(
                id,
                &mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                found,
            )
        }
    })
    // SAFETY: as in `user_name`.
    .and_then(|_buffer| unsafe { string_at(entry.gr_name) })
}

/// The id of the user with a name. `None`: there is no such user.
pub fn user_id(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    let mut entry: libc::passwd = zeroed_passwd();
    lookup(|buffer, found| {
        // SAFETY: as in `user_name`; the name is a terminated string.
        unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                &mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                found,
            )
        }
    })
    .map(|_buffer| entry.pw_uid)
}

/// The id of the group with a name. `None`: there is no such group.
pub fn group_id(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    let mut entry: libc::group = zeroed_group();
    lookup(|buffer, found| {
        // SAFETY: as in `user_name`; the name is a terminated string.
        unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                &mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                found,
            )
        }
    })
    .map(|_buffer| entry.gr_gid)
}

fn zeroed_passwd() -> libc::passwd {
    // SAFETY: integers and pointers, for which zero is a valid value.
    unsafe { std::mem::zeroed() }
}

fn zeroed_group() -> libc::group {
    // SAFETY: integers and pointers, for which zero is a valid value.
    unsafe { std::mem::zeroed() }
}

/// Calls one of the `get…_r` functions with a buffer that grows until the entry fits: a group may have thousands of
/// members. Returns the buffer, which owns the entry's strings. `None`: there is no such entry.
fn lookup<T>(mut call: impl FnMut(&mut Vec<u8>, *mut *mut T) -> libc::c_int) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 1024];
    loop {
        let mut found: *mut T = std::ptr::null_mut();
        match call(&mut buffer, &mut found) {
            0 if found.is_null() => return None,
            0 => return Some(buffer),
            libc::ERANGE if buffer.len() < 1 << 24 => buffer.resize(buffer.len() * 4, 0),
            libc::EINTR => {}
            _ => return None,
        }
    }
}

/// Copies a C string. `None` if it is not UTF-8: the names go into JSON.
///
/// # Safety
/// The pointer is null or points to a terminated string that stays alive during the call.
unsafe fn string_at(pointer: *const libc::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller guarantees that the string is valid.
    unsafe { std::ffi::CStr::from_ptr(pointer) }
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// Whether the kernel's clock is synchronised. A time service sets this state.
///
/// # Errors
///
/// If the kernel does not give an answer.
pub fn clock_is_synchronised() -> io::Result<bool> {
    // SAFETY: the structure is integers, for which zero is a valid value; with no mode set the call only fills it.
    let (state, status) = unsafe {
        let mut clock: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut clock), clock.status)
    };
    match state {
        -1 => Err(io::Error::last_os_error()),
        state => Ok(state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0),
    }
}

/// When the file of the running program was last modified, which is when it was built. `None`: this is unknown.
pub fn program_built() -> Option<std::time::SystemTime> {
    std::fs::metadata("/proc/self/exe")
        .and_then(|file| file.modified())
        .ok()
}

/// The text of an I/O error without its number: `Permission denied`.
pub fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(number) = error.raw_os_error() {
        let plain = text.strip_suffix(&format!(" (os error {number})"));
        if let Some(length) = plain.map(str::len) {
            text.truncate(length);
        }
    }
    text
}

/// Restores the default action of `SIGPIPE`, which Rust's runtime disables at start. So a command ends quietly when the
/// reader of its output ends early.
pub fn default_sigpipe() {
    // SAFETY: the default action of a signal is not a handler, so nothing of this program runs in it.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// How many files a process may have open, where its hard limit allows it.
const OPEN_FILES: u64 = 65536;

/// The limits of open files before this process raised them.
static EARLIER_LIMITS: OnceLock<Rlimit> = OnceLock::new();

/// Raises the soft limit of open files: many hosts have 1,024 as the soft limit, and a much higher hard limit.
pub fn raise_open_files() {
    let earlier = *EARLIER_LIMITS.get_or_init(|| getrlimit(Resource::Nofile));
    let wanted = earlier
        .maximum
        .map_or(OPEN_FILES, |hard| hard.min(OPEN_FILES));
    if earlier.current.is_some_and(|soft| soft < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: earlier.maximum,
        };
        // With the lower limit everything works that needs few files.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// The limits of core files before this process forbade them.
static EARLIER_CORE: OnceLock<Rlimit> = OnceLock::new();

/// From now on, this process leaves no core file: it may have had a secret in its memory. The limit is 1 and not 0, because
/// a program that collects core files is started in spite of 0. Programs that it starts with
/// [`with_earlier_limits`] have the earlier limit.
pub fn forbid_core_files() {
    let earlier = *EARLIER_CORE.get_or_init(|| getrlimit(Resource::Core));
    let forbidden = Rlimit {
        current: Some(1),
        maximum: earlier.maximum,
    };
    // This fails where the limit is 0 already.
    let _ = setrlimit(Resource::Core, forbidden);
}

/// Gives a program that is about to start the limits of open files and of core files that this process had at its own
/// start: a program that uses select(2) fails with more than 1,024 open files.
pub fn with_earlier_limits(command: &mut Command) {
    let limits = [
        (Resource::Nofile, EARLIER_LIMITS.get().copied()),
        (Resource::Core, EARLIER_CORE.get().copied()),
    ];
    // SAFETY: between fork and exec, the closure makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            for (resource, earlier) in limits {
                if let Some(earlier) = earlier {
                    let _ = setrlimit(resource, earlier);
                }
            }
            Ok(())
        });
    }
}

/// Lets a program that is about to start be killed when the thread that starts it ends, and with it this process. The
/// program must not be one that changes its user.
pub fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: between fork and exec, the closure makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            match rustix::process::getppid() {
                Some(now) if now == parent => Ok(()),
                // It died before the line above.
                _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_of_root_belong_together() {
        assert_eq!(user_name(0).as_deref(), Some("root"));
        assert_eq!(user_id("root"), Some(0));
        assert_eq!(group_name(0).as_deref(), Some("root"));
        assert_eq!(group_id("root"), Some(0));
    }

    #[test]
    fn unknown_ids_and_names_give_none() {
        assert_eq!(user_name(4_000_000_001), None);
        assert_eq!(group_name(4_000_000_001), None);
        assert_eq!(user_id("no such user"), None);
        assert_eq!(group_id("with a \0 inside"), None);
    }

    #[test]
    fn the_reason_of_an_error_has_no_number() {
        assert_eq!(
            reason(&io::Error::from_raw_os_error(libc::EACCES)),
            "Permission denied"
        );
    }
}
