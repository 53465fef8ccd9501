//! A list of a container's snapshots, for a command. Takes no lock and changes nothing.

use std::path::Path;
use std::sync::Arc;

use super::error::{ActionError, ErrorKind};
use super::place::{self, Place};
use super::reach::Reach;
use super::report::{Reporter, log};
use super::repository::Opened;
use super::snapshot::{Filter, Snapshot};
use crate::protocol::{
    ContainerFault, ListEnd, ListRequest, ListedSnapshot, Report, UnreadableSnapshot,
};
use crate::secret::password;

/// Reports the snapshots, oldest first, and the end of the list.
pub fn run(request: &ListRequest, reporter: &Arc<Reporter>) {
    let end = list(request, reporter).unwrap_or_else(|error| ListEnd::Failed {
        fault: fault(error.kind()),
        message: error.to_string(),
    });
    reporter.send(&Report::ListEnd(end));
}

fn list(request: &ListRequest, reporter: &Arc<Reporter>) -> Result<ListEnd, ActionError> {
    let place = place::look(
        &request.container,
        &Reach::default().with_cache(request.cache.as_ref()),
    )?;
    let missing_parent = match &place {
        Place::Vacant(vacant) => vacant.missing_parent().map(Path::to_owned),
        Place::Repository(_) | Place::Other(_) => None,
    };
    let existing = match place.repository() {
        Ok(existing) => existing,
        Err(error @ ActionError::NoRepository { .. }) => {
            return Ok(ListEnd::Failed {
                fault: ContainerFault::NoRepository { missing_parent },
                message: error.to_string(),
            });
        }
        Err(error) => return Err(error),
    };
    if request.open {
        let password = password::read(&request.container, &log)?;
        let filter = Filter {
            host: request.host.clone(),
            label: request.backup_name.clone(),
            tag: None,
        };
        let files = Opened::open(existing, &password)?.snapshot_files(&filter)?;
        for (snapshot, ..) in files.found {
            reporter.send(&Report::Snapshot(listed(snapshot)));
        }
        for (id, error) in files.unreadable {
            reporter.send(&Report::UnreadableSnapshot(UnreadableSnapshot {
                id: id.to_string(),
                message: error.to_string(),
            }));
        }
    }
    Ok(ListEnd::Complete)
}

fn listed(snapshot: Snapshot) -> ListedSnapshot {
    let summary = snapshot.summary;
    ListedSnapshot {
        id: snapshot.id,
        time: snapshot.time,
        original: snapshot.original,
        offset_minutes: snapshot.offset_minutes,
        host: snapshot.host,
        backup_name: snapshot.label,
        level: snapshot.level,
        paths: snapshot.paths,
        tags: snapshot.tags,
        partial: snapshot.partial,
        files: summary.map(|summary| summary.files),
        bytes: summary.map(|summary| summary.bytes),
        bytes_added: summary.map(|summary| summary.bytes_added),
    }
}

fn fault(kind: ErrorKind) -> ContainerFault {
    match kind {
        ErrorKind::NoRepository => ContainerFault::NoRepository {
            missing_parent: None,
        },
        ErrorKind::NotARepository => ContainerFault::NotARepository,
        ErrorKind::WrongPassword => ContainerFault::WrongPassword,
        ErrorKind::Denied => ContainerFault::Denied,
        ErrorKind::Damaged => ContainerFault::Damaged,
        ErrorKind::UnknownFormat => ContainerFault::UnknownFormat,
        ErrorKind::NoSuchSnapshot | ErrorKind::BadOption => ContainerFault::Unusable,
        ErrorKind::Busy
        | ErrorKind::NoSpace
        | ErrorKind::Archived
        | ErrorKind::Unreachable
        | ErrorKind::Io => ContainerFault::Temporary,
    }
}
