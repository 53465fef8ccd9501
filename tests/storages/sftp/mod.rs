//! What the SFTP storage promises besides.

mod faults;
mod layout;
mod login;
mod waits;

use freezerd::storage::sftp::{Options, Sftp};

/// The storage that these options reach.
fn open(options: Options) -> Sftp {
    Sftp::new(options).unwrap()
}
