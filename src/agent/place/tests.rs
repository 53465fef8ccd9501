//! What a look finds, and what happens between two of them.

use std::path::PathBuf;

use super::content::tests::fill;
use super::*;
use crate::agent::error::ErrorKind;

fn container(directory: PathBuf) -> Container {
    Container {
        name: directory.to_str().unwrap().to_owned(),
        location: Location::Local(directory),
        pass_file: None,
        connection: Default::default(),
    }
}

fn vacant(container: &Container) -> Vacant {
    match look(container, &Reach::default()).unwrap() {
        Place::Vacant(vacant) => vacant,
        _ => panic!("it is not vacant"),
    }
}

#[test]
fn a_repository_that_is_made_during_the_look_is_not_taken_for_one_without_its_configuration() {
    use Content::{Nothing, Other, Repository, WithoutConfig};
    for (looks, expected) in [
        (vec![WithoutConfig, Repository], Repository),
        (vec![Other, Repository], Repository),
        (vec![WithoutConfig, WithoutConfig], WithoutConfig),
        (vec![Nothing], Nothing),
    ] {
        let left = std::cell::RefCell::new(looks.into_iter());
        let content = confirmed(|| Ok(left.borrow_mut().next().unwrap())).unwrap();
        assert_eq!(content, expected);
        assert!(left.borrow_mut().next().is_none());
    }
}

#[test]
fn what_happens_between_the_look_and_the_lock_is_seen_under_the_lock() {
    let top = tempfile::tempdir().unwrap();
    let container = container(top.path().join("c"));
    let before = vacant(&container);
    before.make_directory().unwrap();
    let found = before.clone().look_again().unwrap();
    assert!(matches!(found, UnderLock::Creatable(_)));

    fill(top.path(), &["c/config"]);
    let found = before.clone().look_again().unwrap();
    assert!(matches!(found, UnderLock::Repository(_)));

    fs::remove_file(top.path().join("c/config")).unwrap();
    fill(top.path(), &["c/letter.txt"]);
    let Err(refused) = before.look_again() else {
        panic!("it is not refused");
    };
    assert_eq!(refused.kind(), ErrorKind::NotARepository);
}

#[test]
fn a_container_that_is_given_by_a_path_needs_its_parent() {
    let top = tempfile::tempdir().unwrap();
    let parent = top.path().join("disk");
    let mut container = container(parent.join("c"));
    let by_path = vacant(&container);
    assert_eq!(by_path.missing_parent(), Some(parent.as_path()));
    let refused = by_path.make_directory().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NoRepository);
    assert!(!parent.exists());

    container.name = "c".to_owned();
    let by_name = vacant(&container);
    assert_eq!(by_name.missing_parent(), None);
    by_name.make_directory().unwrap();
    assert!(parent.join("c").is_dir());
}
