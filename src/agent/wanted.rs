//! Which snapshots are asked for, for the message that there are none.

use std::fmt;

use chrono::{DateTime, Utc};

use super::report::local;

/// What is asked for. `Display` says that it is not there.
#[derive(Debug)]
pub enum Wanted {
    /// What a copy is about.
    ToCopy {
        /// `None`: of any name.
        backup_name: Option<String>,
        /// `None`: of any host.
        host: Option<String>,
    },
    Id {
        /// The first digits of the id, or all.
        beginning: String,
    },
    Newest {
        backup_name: String,
        host: String,
        /// The snapshot must not be newer than this.
        limit: Option<DateTime<Utc>>,
    },
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::ToCopy { backup_name, host } => {
                formatter.write_str("there is no snapshot to copy")?;
                if let Some(name) = backup_name {
                    write!(formatter, " of {name}")?;
                }
                match host {
                    Some(host) => write!(formatter, " made on {host}"),
                    None => Ok(()),
                }
            }
            Wanted::Id { beginning } => {
                write!(formatter, "no snapshot's id begins with {beginning}")
            }
            Wanted::Newest {
                backup_name,
                host,
                limit,
            } => {
                match backup_name.as_str() {
                    "" => write!(
                        formatter,
                        "there is no snapshot without a name made on {host}"
                    )?,
                    name => write!(formatter, "there is no snapshot of {name} made on {host}")?,
                }
                match limit {
                    Some(limit) => write!(formatter, " from {} or before", local(*limit)),
                    None => Ok(()),
                }
            }
        }
    }
}
