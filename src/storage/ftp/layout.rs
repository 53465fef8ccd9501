//! The directories of a repository.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::FileKind;
use super::super::error::ErrorKind;
use super::directory::{be_inside, entries, explained};
use super::entry::Entry;
use super::failure::Failure;
use super::session::Session;
use super::{Ftp, split};

/// Makes all directories. `restic` makes those of packs, too. Several connections share the work.
pub(super) fn create(ftp: &Ftp) -> Result<(), Failure> {
    let missing = ftp.run(FileKind::Config, |session| {
        match be_inside(session) {
            Err(failure) if failure.kind == ErrorKind::NotFound => make_base(session)?,
            result => result?,
        }
        let present = entries(session, "")?;
        for name in FileKind::ALL.into_iter().filter_map(FileKind::directory) {
            if !has(&present, name) {
                make(session, name)?;
            }
        }
        let present = entries(session, "data")?;
        let packs = (0..=255).map(|first| format!("{first:02x}"));
        let missing = packs.filter(|name| !has(&present, name));
        Ok(missing
            .map(|name| format!("data/{name}"))
            .collect::<Vec<_>>())
    })?;
    let next = AtomicUsize::new(0);
    ftp.together(missing.len(), || {
        ftp.run(FileKind::Config, |session| {
            be_inside(session)?;
            while let Some(path) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                make(session, path)?;
            }
            Ok(())
        })
    })
    .map(drop)
}

fn has(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| entry.name == name.as_bytes())
}

/// Makes a directory whose parent exists.
fn make(session: &mut Session, path: &str) -> Result<(), Failure> {
    // Some servers answer as to any other command.
    let Err(failure) = session.ask(&format!("MKD {path}"), &[257, 250, 200]) else {
        return Ok(());
    };
    if session.is_broken() || failure.code.is_none() {
        return Err(failure);
    }
    // Somebody else may have made it meanwhile.
    match entries(session, path) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Denied) => Err(failure),
        Err(error) => Err(error),
    }
}

/// Makes the directory of the repository and those above it, and enters it.
pub(super) fn make_base(session: &mut Session) -> Result<(), Failure> {
    let base = session.base.clone();
    let ends = base
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0);
    let mut paths: Vec<&str> = ends.map(|at| &base[..at]).collect();
    paths.push(&base);
    let mut missing = Vec::new();
    for path in paths.into_iter().rev() {
        if session.change_to(path)? {
            break;
        }
        missing.push(path);
    }
    let mut refused = None;
    for path in missing.into_iter().rev() {
        match session.ask(&format!("MKD {path}"), &[257, 250, 200]) {
            Ok(_) => {}
            Err(failure) if session.is_broken() => return Err(failure),
            // It may exist without being open to the user, who may still enter what is below.
            Err(failure) => refused = Some(failure),
        }
    }
    match (session.enter()?, refused) {
        (true, _) => Ok(()),
        (false, Some(failure)) => Err(failure),
        (false, None) => be_inside(session),
    }
}

/// Makes the directories of a path inside the repository. Returns whether one was missing.
pub(super) fn make_above(session: &mut Session, path: &str) -> Result<bool, Failure> {
    let (above, _) = split(path);
    if above.is_empty() {
        return Ok(false);
    }
    let why = Failure::new(ErrorKind::Denied, "the server refuses the directory");
    if explained(session, above, why)?.kind != ErrorKind::NotFound {
        return Ok(false);
    }
    for (at, _) in path.match_indices('/') {
        make(session, &path[..at])?;
    }
    Ok(true)
}
