//! Which snapshots a command means.

use chrono::{DateTime, Utc};

use super::ChosenContainer;
use super::output::say;
use super::session;
use crate::agent::inspect::{Lock, Session, SessionError};
use crate::cli::exit::{Exit, Failure};
use crate::cli::logging;
use crate::config::Settings;
use crate::escape::shown;
use crate::inspect::choice::{self, ChoiceError, Chosen, Filter};
use crate::repository::error::Error;
use crate::schedule::moment::Moment;
use crate::schedule::zone::Zone;

/// The word for the newest snapshot.
pub const LATEST: &str = "latest";

/// The options that select one snapshot.
#[derive(Debug, clap::Args)]
pub struct SnapshotArgs {
    /// Use the snapshot whose id is ID or begins with ID; `latest`, the default, is the newest one
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    /// Use the newest snapshot that is not later than TIME, such as 2026-11-01 or 2026-11-01T03:25:00+01:00
    #[arg(long, value_name = "TIME", conflicts_with = "snapshot")]
    at: Option<String>,
}

impl SnapshotArgs {
    /// Reads the options. Nothing is opened yet.
    pub fn wanted(&self, settings: &Settings) -> Result<Wanted, Failure> {
        match (&self.snapshot, &self.at) {
            (Some(id), _) => Ok(Wanted::named(id)),
            (None, None) => Ok(Wanted::Newest(None)),
            (None, Some(text)) => time(settings, "--at", text).map(|at| Wanted::Newest(Some(at))),
        }
    }
}

/// One snapshot, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The newest one that is not later than this, in seconds since 1970.
    Newest(Option<i64>),
    /// The beginning of an id.
    Id(String),
}

impl Wanted {
    /// What a word names: an id, or the newest snapshot.
    pub fn named(word: &str) -> Wanted {
        match word {
            LATEST => Wanted::Newest(None),
            id => Wanted::Id(id.to_owned()),
        }
    }

    /// Finds the snapshot.
    ///
    /// # Errors
    /// When there is none, when several are meant, and when the one that is named cannot be read.
    pub fn find(&self, session: &Session, filter: &Filter) -> Result<Chosen, SessionError> {
        let repository = &session.repository;
        match self {
            Wanted::Id(beginning) => Ok(choice::by_id(repository, beginning)?),
            Wanted::Newest(limit) => {
                let found = choice::newest(repository, filter, *limit);
                if let Err(ChoiceError::NoneFound { .. } | ChoiceError::TooLate { .. }) = &found {
                    // The one that is meant may be damaged.
                    let all = choice::all(repository, filter).unwrap_or_default();
                    tell_unreadable(session, &all.unreadable);
                }
                let (newest, unreadable) = found?;
                tell_unreadable(session, &unreadable);
                Ok(newest)
            }
        }
    }
}

/// Where no backup is named: names the one that the container holds.
///
/// # Errors
/// When it holds several, or none, or cannot be read.
pub fn name_the_only_backup(
    settings: &Settings,
    place: &mut ChosenContainer,
    limit: Option<i64>,
) -> Result<(), Failure> {
    let filter = filter(place);
    let mut found = None;
    session::run(settings, &place.container, Lock::None, |session| {
        found = Some(Wanted::Newest(limit).find(session, &filter)?);
        Ok(Exit::Success)
    })?;
    if let Some(newest) = found {
        place.backup_name = Some(newest.backup_name().to_owned());
        place.host = Some(newest.snapshot.hostname);
    }
    Ok(())
}

/// Says which snapshot files could not be read: one of them may be what the user wants.
pub fn tell_unreadable(session: &Session, errors: &[Error]) {
    for error in errors {
        session.met_damage(error, &say);
    }
}

/// The snapshots of a container that a command selects.
pub fn filter(place: &ChosenContainer) -> Filter {
    Filter {
        host: place.host.clone(),
        backup_name: place.backup_name.clone(),
        paths: place.paths.clone(),
    }
}

/// A snapshot in a few words: `snapshot 84b9adec of 2026-11-23 18:49:59, www of web1`.
pub fn describe(chosen: &Chosen, zone: &Zone) -> String {
    let name = match chosen.backup_name() {
        "" => "a backup".to_owned(),
        name => shown(name.as_bytes()),
    };
    let wrong = match chosen.snapshot.time.seconds > Utc::now().timestamp() + 3600 {
        true => " (a time that has not come yet: a clock was wrong)",
        false => "",
    };
    format!(
        "snapshot {} of {}{wrong}, {name} of {}",
        chosen.short_id(),
        moment(chosen, zone),
        shown(chosen.snapshot.hostname.as_bytes())
    )
}

/// When the snapshot was made, as date and time of day.
pub fn moment(chosen: &Chosen, zone: &Zone) -> String {
    let time = chosen.snapshot.time;
    logging::moment(
        DateTime::from_timestamp(time.seconds, time.nanoseconds),
        zone,
    )
}

/// Reads a time that an option gives, in seconds since 1970.
pub fn time(settings: &Settings, option: &str, text: &str) -> Result<i64, Failure> {
    match Moment::parse(text) {
        Ok(moment) => Ok(moment.instant(&settings.zone()).timestamp()),
        Err(_) => Err(Failure::new(
            Exit::Usage,
            format!(
                "{option} {text}: expected a date such as 2026-11-01 or 2026-11-01T03:25:00+01:00"
            ),
        )),
    }
}
