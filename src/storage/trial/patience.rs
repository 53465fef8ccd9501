//! A trial that has an end, whatever a server sends: one that sends a byte now and then, or pages without end, never stalls.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::super::Storage;
use super::super::error::{Doing, Error, ErrorKind, Place};
use super::{Step, Trial, Tried, locked, try_out};

/// How long a step may take, beside what it moves. Some servers take minutes for all directories.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What is slower has no end, in bytes per second.
const SLOWEST: u64 = 16 << 10;

/// Tries a storage out. Each of `packs` is the content of a file, different from the others; `lock` is that of a small
/// one. `tell` gets each step before it begins. A step that does not end is given up, whatever the server sends meanwhile;
/// then the thread that waits for it ends with the process.
pub fn run(
    storage: Arc<dyn Storage>,
    lock: Vec<u8>,
    packs: Vec<Vec<u8>>,
    tell: &mut dyn FnMut(Step),
) -> Trial {
    let bytes: u64 = packs.iter().map(|content| content.len() as u64).sum();
    let moving = Duration::from_secs(bytes / SLOWEST);
    run_within(storage, lock, packs, PATIENCE + moving, tell)
}

fn run_within(
    storage: Arc<dyn Storage>,
    lock: Vec<u8>,
    packs: Vec<Vec<u8>>,
    patience: Duration,
    tell: &mut dyn FnMut(Step),
) -> Trial {
    let trial = Arc::new(Mutex::new(Trial::default()));
    let (sender, steps) = mpsc::channel();
    let of_thread = Arc::clone(&trial);
    let work = move || {
        // Nobody hears of it any more when the step before was given up.
        try_out(&*storage, &lock, &packs, &of_thread, &mut |step| {
            let _ = sender.send(step);
        });
    };
    let thread = std::thread::Builder::new().name("trial".to_owned());
    let thread = match thread.spawn(work) {
        Ok(thread) => thread,
        Err(error) => {
            let mut trial = locked(&trial);
            trial.steps.push(failed(Step::Open, Duration::ZERO, error));
            return std::mem::take(&mut trial);
        }
    };
    let mut step = Step::Open;
    loop {
        match steps.recv_timeout(patience) {
            Ok(begun) => {
                step = begun;
                tell(step);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
                break;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let text = format!(
                    "it does not end within {} s: the server answers without end, or too slowly",
                    patience.as_secs()
                );
                let error = std::io::Error::other(text);
                locked(&trial).steps.push(failed(step, patience, error));
                break;
            }
        }
    }
    std::mem::take(&mut locked(&trial))
}

/// A step of which only this error is known.
fn failed(step: Step, took: Duration, cause: std::io::Error) -> Tried {
    let doing = match step {
        Step::Open | Step::List => Doing::List,
        Step::Prepare => Doing::Create,
        Step::RoundTrip => Doing::Size,
        Step::Lock | Step::Write | Step::Keep => Doing::Write,
        Step::Read => Doing::Read,
        Step::Unlock | Step::Remove => Doing::Remove,
    };
    let error = Error {
        kind: ErrorKind::Busy,
        doing,
        place: Place::Path(String::new()),
        cause: Some(cause),
    };
    Tried {
        step,
        took,
        result: Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::storage::http::Options;
    use crate::storage::memory::Memory;
    use crate::storage::rest::Rest;

    fn packs() -> Vec<Vec<u8>> {
        vec![vec![1; 1000], vec![2; 1000]]
    }

    #[test]
    fn a_trial_within_the_time_is_whole() {
        let mut told = Vec::new();
        let storage = Arc::new(Memory::new());
        let trial = run(storage, b"lock".to_vec(), packs(), &mut |step| {
            told.push(step)
        });
        assert!(trial.is_good());
        let tried: Vec<Step> = trial.steps.iter().map(|tried| tried.step).collect();
        assert_eq!(tried, told);
        assert_eq!(told.len(), 10);
    }

    #[test]
    fn a_step_that_does_not_end_is_given_up() {
        // The system takes connections, and nobody answers.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let storage = Arc::new(Rest::new(&address, Options::default()).unwrap());
        let patience = Duration::from_millis(100);
        let trial = run_within(storage, b"lock".to_vec(), packs(), patience, &mut |_| ());
        assert!(!trial.is_good());
        assert_eq!(trial.steps.len(), 1);
        let error = trial.steps[0].result.as_ref().unwrap_err();
        assert_eq!(trial.steps[0].step, Step::Open);
        assert!(error.to_string().contains("does not end"), "{error}");
    }
}
