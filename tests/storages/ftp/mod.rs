//! What the storage on an FTP server promises besides.

mod faults;
mod layout;
mod login;
mod networks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::ftp::{Ftp, Options};
use freezerd::storage::retry::{Policy, Retry};

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(5),
    longest_wait: Duration::from_millis(5),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

type Told = Arc<Mutex<Vec<ErrorKind>>>;

/// The storage that these options reach.
fn open(options: Options) -> Ftp {
    Ftp::new(options).unwrap()
}

/// The same storage with retries, and what they were made for.
fn with_retries(storage: Ftp) -> (Retry, Told) {
    let told = Told::default();
    let list = Arc::clone(&told);
    let tell = Box::new(move |error: &Error, _| list.lock().unwrap().push(error.kind));
    (
        Retry::new(Arc::new(storage), QUICK, Concurrency::untold(5), tell),
        told,
    )
}

fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..))
        .take(size)
        .collect()
}
