//! The named storages: whether they answer.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::finding::{Finding, Level};
use crate::agent::reach::Reach;
use crate::cli::storage::{place, words};
use crate::job::action::Container;
use crate::job::storage::{NamedStorage, Storages};
use crate::storage::error::ErrorKind;
use crate::storage::trial::{self, Step};
use crate::units;

/// The container that is looked at. It need not exist: `freezerd storage test` makes it.
const CONTAINER: &str = "freezerd-test";

/// All storages together have so long to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A storage, and what it answered.
#[derive(Debug)]
pub struct Asked {
    pub name: String,
    /// Where it is, without secrets.
    pub place: String,
    pub answer: Answer,
}

/// What a storage answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has answered after so long.
    Good(Duration),
    /// It says neither a bucket nor a container of Swift, so only the containers of jobs can be asked for.
    NoPlace,
    /// A secret, a certificate or a program that it needs cannot be used.
    NotReady(String),
    Failed {
        kind: ErrorKind,
        message: String,
    },
    /// Nothing came in time.
    Silent,
}

/// Asks all storages at the same time. Nothing is written.
pub fn inspect(storages: &Storages) -> Vec<Asked> {
    let (sender, answers) = mpsc::channel();
    let mut asked: Vec<Asked> = Vec::new();
    for (index, (name, storage)) in storages.iter().enumerate() {
        asked.push(Asked {
            name: name.clone(),
            place: place(storage),
            answer: Answer::Silent,
        });
        let (storage, sender) = (storage.clone(), sender.clone());
        // A thread that waits for a server for longer ends with the process.
        let thread = std::thread::Builder::new().name("storage".to_owned());
        let begun = thread.spawn(move || sender.send((index, ask(&storage))));
        if let (Err(error), Some(last)) = (begun, asked.last_mut()) {
            last.answer = Answer::NotReady(crate::os::reason(&error));
        }
    }
    drop(sender);
    let began = Instant::now();
    while let Ok((index, answer)) = answers.recv_timeout(PATIENCE.saturating_sub(began.elapsed())) {
        if let Some(one) = asked.get_mut(index) {
            one.answer = answer;
        }
    }
    asked
}

fn ask(storage: &NamedStorage) -> Answer {
    let Ok(location) = storage.place.container(CONTAINER) else {
        return Answer::NoPlace;
    };
    let container = Container {
        name: CONTAINER.to_owned(),
        location,
        pass_file: None,
        connection: storage.connection.clone(),
    };
    let began = Instant::now();
    let files = match Reach::once().storage(&container) {
        Ok(files) => files,
        Err(error) => return Answer::NotReady(error.to_string()),
    };
    match trial::look(&*files) {
        Ok(()) => Answer::Good(began.elapsed()),
        Err(error) => Answer::Failed {
            kind: error.kind,
            message: error.to_string(),
        },
    }
}

/// What came of asking a storage.
pub fn storage_finding(asked: &Asked) -> Finding {
    let name = &asked.name;
    let finding = |level, message: String| Finding::new("storage", level, name, message);
    let place = &asked.place;
    match &asked.answer {
        Answer::Good(took) => finding(
            Level::Ok,
            format!(
                "{place} answers within {}; `freezerd storage test {name}` also writes",
                units::duration(*took)
            ),
        ),
        Answer::NoPlace => finding(
            Level::Info,
            format!("{place} was not asked: the storage names no bucket, and jobs do"),
        ),
        Answer::NotReady(message) => finding(Level::Error, message.clone()).help(format!(
            "correct [storage.{name}] in freezerd.toml; what only the service has, as a credential or a variable, doctor \
             does not see"
        )),
        Answer::Failed {
            kind: ErrorKind::NoPlace,
            message,
        } => finding(Level::Warning, message.clone())
            .help("the first backup makes it, if the credentials have the right; or correct its name"),
        Answer::Failed { kind, message } => finding(Level::Error, format!("{place}: {message}"))
            .help(words::advice(Step::Open, *kind).map_or_else(
                || format!("`freezerd storage test {name}` says more"),
                str::to_owned,
            )),
        Answer::Silent => finding(
            Level::Error,
            format!(
                "{place} did not answer within {}",
                units::duration(PATIENCE)
            ),
        )
        .help(format!(
            "`freezerd storage test {name}` says more; check the address, and whether a firewall is in between"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_has_a_level_and_a_correction() {
        let failed = |kind| Answer::Failed {
            kind,
            message: "it fails".to_owned(),
        };
        for (answer, level, help) in [
            (Answer::Good(Duration::from_millis(12)), Level::Ok, None),
            (Answer::NoPlace, Level::Info, None),
            (
                Answer::NotReady("no".to_owned()),
                Level::Error,
                Some("[storage.offsite]"),
            ),
            (
                failed(ErrorKind::NoPlace),
                Level::Warning,
                Some("first backup"),
            ),
            (
                failed(ErrorKind::Unauthorized),
                Level::Error,
                Some("the user"),
            ),
            (
                failed(ErrorKind::Untrusted),
                Level::Error,
                Some("storage test"),
            ),
            (failed(ErrorKind::Io), Level::Error, Some("storage test")),
            (Answer::Silent, Level::Error, Some("firewall")),
        ] {
            let asked = Asked {
                name: "offsite".to_owned(),
                place: "rest:http://nas/".to_owned(),
                answer,
            };
            let found = storage_finding(&asked);
            assert_eq!(found.level, level, "{asked:?}");
            assert_eq!(found.subject, "offsite");
            match help {
                None => assert_eq!(found.help, None),
                Some(words) => assert!(found.help.as_ref().unwrap().contains(words), "{found:?}"),
            }
        }
    }
}
