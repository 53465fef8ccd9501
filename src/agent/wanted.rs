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
                match backup_name.is_empty() {
                    true => formatter.write_str("there is no snapshot without a backup name")?,
                    false => write!(formatter, "there is no snapshot of {backup_name}")?,
                }
                write!(formatter, " made on {host}")?;
                match limit {
                    Some(limit) => write!(formatter, " from {} or before", local(*limit)),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_backup_name_is_said_in_words() {
        let wanted = |backup_name: &str| Wanted::Newest {
            backup_name: backup_name.to_owned(),
            host: "web-1".to_owned(),
            limit: None,
        };
        assert_eq!(
            wanted("").to_string(),
            "there is no snapshot without a backup name made on web-1"
        );
        assert_eq!(
            wanted("nightly").to_string(),
            "there is no snapshot of nightly made on web-1"
        );
    }
}
