use super::*;
use crate::job::action::{Container, Lineage};
use crate::samples;

fn snapshot(id: &str, host: &str, seconds: i64, nanoseconds: u32) -> Snapshot {
    let time = chrono::DateTime::from_timestamp(seconds, nanoseconds).unwrap();
    Snapshot {
        host: host.to_owned(),
        label: "nightly".to_owned(),
        ..samples::snapshot(id, time)
    }
}

fn wanted(id: Option<&str>, not_later_than: Option<i64>) -> Restore {
    Restore {
        container: Container {
            connection: Default::default(),
            name: "c".to_owned(),
            location: Location::Local("/c".into()),
            pass_file: None,
        },
        lineage: Lineage {
            host: "one".to_owned(),
            backup_name: "nightly".to_owned(),
        },
        snapshot: id.map(str::to_owned),
        not_later_than,
        ..samples::restore("/t")
    }
}

/// The kinds of [`NoChoice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoneFound,
    Unreadable,
    SeveralPaths,
    OtherPaths,
    Ambiguous,
}

/// What was chosen: the id of the snapshot, or why there is none, and how many groups of snapshots the refusal names.
fn chosen(all: &[Snapshot], work: &Restore) -> Result<String, (Refusal, usize)> {
    choose(all, work)
        .map(|snapshot| snapshot.id.clone())
        .map_err(|error| match error {
            NoChoice::NoneFound { held, .. } => (Refusal::NoneFound, held.len()),
            NoChoice::Unreadable { .. } => (Refusal::Unreadable, 0),
            NoChoice::SeveralPaths { held, .. } => (Refusal::SeveralPaths, held.len()),
            NoChoice::OtherPaths { held, .. } => (Refusal::OtherPaths, held.len()),
            NoChoice::Ambiguous { .. } => (Refusal::Ambiguous, 0),
        })
}

fn of_paths(id: &str, paths: &[&str]) -> Snapshot {
    Snapshot {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..snapshot(id, "one", id.len() as i64, 0)
    }
}

#[test]
fn a_name_of_several_paths_needs_a_choice_by_path() {
    let all = [
        of_paths("1", &["/srv/db"]),
        of_paths("22", &["/srv/www"]),
        of_paths("333", &["/srv/db", "/etc"]),
        of_paths("4444", &["/srv/www"]),
    ];
    for (paths, part, expected) in [
        (&["/srv/db"][..], None, Ok("333")),
        (&["/srv/db", "/etc", "/new"], None, Ok("333")),
        (&["/srv/www"], None, Ok("4444")),
        (&["/srv"], None, Err((Refusal::OtherPaths, 2))),
        (&[], None, Err((Refusal::SeveralPaths, 2))),
        (&[], Some("/srv/www/index.html"), Ok("4444")),
        (&[], Some("/srv/db"), Ok("333")),
        (&[], Some("/etc/fstab"), Ok("333")),
        (&[], Some("/home"), Err((Refusal::SeveralPaths, 2))),
    ] {
        let work = Restore {
            paths: paths.iter().map(PathBuf::from).collect(),
            part: part.map(PathBuf::from),
            ..wanted(None, None)
        };
        let expected = expected.map(str::to_owned);
        assert_eq!(chosen(&all, &work), expected, "{paths:?} {part:?}");
    }
    let grown = &all[0..3];
    let work = wanted(None, None);
    assert!(choose(grown, &work).is_err());
    let grown = [all[0].clone(), all[2].clone()];
    assert_eq!(choose(&grown, &work).unwrap().id, "333");
    assert_eq!(notes(&grown, &grown[1], &work), []);
    let note = Note::OthersHave {
        paths: vec!["/srv/db".to_owned()],
        missing: vec!["/etc".to_owned()],
    };
    assert_eq!(notes(&grown, &grown[0], &work), [note]);
}

#[test]
fn the_snapshot_is_chosen_by_id_or_by_time() {
    let all = [
        snapshot("aa11", "one", 100, 0),
        snapshot("aa22", "two", 150, 0),
        snapshot("bb33", "one", 200, 999_999_999),
    ];
    for (id, limit, expected) in [
        (None, None, Ok("bb33")),
        (None, Some(200), Ok("bb33")),
        (None, Some(199), Ok("aa11")),
        (None, Some(100), Ok("aa11")),
        (None, Some(99), Err((Refusal::NoneFound, 2))),
        (Some("b"), None, Ok("bb33")),
        (Some("AA2"), None, Ok("aa22")),
        (Some("aa"), None, Err((Refusal::Ambiguous, 0))),
        (Some(""), None, Err((Refusal::NoneFound, 2))),
        (Some("cc"), None, Err((Refusal::NoneFound, 2))),
    ] {
        let expected = expected.map(str::to_owned);
        assert_eq!(
            chosen(&all, &wanted(id, limit)),
            expected,
            "{id:?} {limit:?}"
        );
    }
    let nothing = chosen(&[], &wanted(None, None));
    assert_eq!(nothing, Err((Refusal::NoneFound, 0)));
}
