//! The entries of a directory, and why something in it is refused: FTP has one code for what is missing and for what is
//! forbidden, so the directory above is asked.

use super::super::error::ErrorKind;
use super::entry::{Entry, EntryType, Line, of_list_line, of_machine_line};
use super::failure::Failure;
use super::lines::{Found, Reader};
use super::session::{End, Lists, Session, Wants};

/// What came of reading a directory.
enum Seen {
    Entries(Vec<Entry>),
    /// The server refuses, or does not show what is in it.
    Refused(Failure),
}

/// All entries of a directory of the repository; the empty path is the repository itself. `NotFound` only if the directory
/// is missing, which a server was asked for.
pub(super) fn entries(session: &mut Session, inside: &str) -> Result<Vec<Entry>, Failure> {
    be_inside(session)?;
    match see(session, inside)? {
        Seen::Entries(entries) => Ok(entries),
        Seen::Refused(failure) => Err(explained(session, inside, failure)?),
    }
}

/// Makes paths begin in the directory of the repository.
pub(super) fn be_inside(session: &mut Session) -> Result<(), Failure> {
    if session.is_inside || session.enter()? {
        return Ok(());
    }
    Err(why_not_inside(session)?)
}

/// Why the directory of the repository cannot be entered.
fn why_not_inside(session: &mut Session) -> Result<Failure, Failure> {
    let base = session.base.clone();
    let mut at = base.as_str();
    loop {
        let (above, name) = at.rsplit_once('/').unwrap_or(("", at));
        let above = match above {
            "" => "/",
            above => above,
        };
        let denied = || Failure::new(ErrorKind::Denied, "the server refuses its directory");
        if name.is_empty() {
            return Ok(denied());
        }
        if session.change_to(above)? {
            return Ok(match see_here(session)? {
                Seen::Refused(_) => denied(),
                Seen::Entries(entries) => match entry_of(&entries, name) {
                    None => missing(),
                    Some(EntryType::File) => not_a_file_or_directory(at),
                    Some(_) => denied(),
                },
            });
        }
        at = above;
    }
}

/// What a refusal of a path in the repository means. `path` is not empty.
pub(super) fn explained(
    session: &mut Session,
    path: &str,
    failure: Failure,
) -> Result<Failure, Failure> {
    if !failure.is_about_path() && failure.kind != ErrorKind::Denied {
        return Ok(failure);
    }
    let mut at = path;
    while !at.is_empty() {
        let (above, name) = at.rsplit_once('/').unwrap_or(("", at));
        match see(session, above)? {
            Seen::Entries(entries) => {
                return Ok(match entry_of(&entries, name) {
                    None => missing(),
                    Some(EntryType::Directory | EntryType::Other) if at == path => {
                        not_a_file_or_directory(at)
                    }
                    Some(EntryType::File) if at != path => not_a_file_or_directory(at),
                    Some(_) => failure,
                });
            }
            Seen::Refused(_) => at = above,
        }
    }
    Ok(failure)
}

fn missing() -> Failure {
    Failure::new(ErrorKind::NotFound, "there is no such file")
}

fn not_a_file_or_directory(path: &str) -> Failure {
    Failure::new(
        ErrorKind::NotAFile,
        format!("something else has the name {path}"),
    )
}

fn entry_of(entries: &[Entry], name: &str) -> Option<EntryType> {
    let found = entries.iter().find(|entry| entry.name == name.as_bytes());
    found.map(|entry| entry.is)
}

/// The entries of a directory of the repository.
fn see(session: &mut Session, inside: &str) -> Result<Seen, Failure> {
    let seen = see_path(session, inside)?;
    let is_certain = match &seen {
        Seen::Refused(_) => true,
        Seen::Entries(entries) => !entries.is_empty() || session.lists != Lists::Plain,
    };
    if is_certain {
        return Ok(seen);
    }
    // Some servers show an empty list of what they cannot open.
    let path = match inside {
        "" => session.base.clone(),
        inside => format!("{}/{inside}", session.base.trim_end_matches('/')),
    };
    if !session.change_to(&path)? {
        return Ok(Seen::Refused(not_shown()));
    }
    match session.enter()? {
        true => Ok(seen),
        false => Ok(Seen::Refused(not_shown())),
    }
}

fn not_shown() -> Failure {
    Failure::new(
        ErrorKind::Denied,
        "the server does not show what is in the directory",
    )
}

/// The entries of the current directory.
fn see_here(session: &mut Session) -> Result<Seen, Failure> {
    see_path(session, "")
}

fn see_path(session: &mut Session, path: &str) -> Result<Seen, Failure> {
    let command = |word: &str| match path {
        "" => word.to_owned(),
        path => format!("{word} {path}"),
    };
    if session.lists == Lists::Machine {
        match list(session, &command("MLSD"), of_machine_line) {
            Err(failure) if failure.is_unknown_command() => session.lists = Lists::All,
            result => return seen(result),
        }
    }
    if session.lists == Lists::All {
        let result = list(session, &command("LIST -a"), of_list_line);
        match &result {
            Ok(found) if found.dots => return seen(result),
            Err(failure) if !failure.is_about_path() && !failure.is_unknown_command() => {
                return seen(result);
            }
            // It is missing, it cannot be opened, it is a file, or the server takes the option for a name.
            _ => {}
        }
        if shows_dots(session)? {
            return Ok(Seen::Refused(match result {
                Err(failure) => failure,
                Ok(_) => not_shown(),
            }));
        }
        session.lists = Lists::Plain;
    }
    seen(list(session, &command("LIST"), of_list_line))
}

/// Whether the server shows the two dots of directories. Nearly every user can see one of these directories.
fn shows_dots(session: &mut Session) -> Result<bool, Failure> {
    for command in ["LIST -a", "LIST -a /"] {
        match list(session, command, of_list_line) {
            Ok(found) if found.dots => return Ok(true),
            Err(failure) if session.is_broken() => return Err(failure),
            _ => {}
        }
    }
    Ok(false)
}

fn seen(result: Result<Found, Failure>) -> Result<Seen, Failure> {
    match result {
        Ok(found) => Ok(Seen::Entries(found.entries)),
        Err(failure) if failure.is_about_path() => Ok(Seen::Refused(failure)),
        Err(failure) => Err(failure),
    }
}

fn list(
    session: &mut Session,
    command: &str,
    parse: fn(&[u8]) -> Option<Line>,
) -> Result<Found, Failure> {
    let mut reader = Reader::new(parse);
    let end = session.receive(command, 0, &mut |piece| {
        reader.read(piece)?;
        Ok(Wants::More)
    })?;
    match reader.end() {
        Some(found) if end == End::Whole => Ok(found),
        _ => Err(Failure::lost("the list of the server was cut")),
    }
}
