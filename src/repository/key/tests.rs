//! Keys that are added, opened, changed and damaged.

use super::*;
use crate::storage::memory::Memory;

/// Quick, for tests.
const COST: Cost = Cost { n: 16, r: 1, p: 1 };

fn kind(result: Result<OpenKey, Error>) -> ErrorKind {
    result.unwrap_err().kind
}

#[test]
fn a_password_opens_its_key_and_no_other_one_does() {
    let memory = Memory::new();
    assert_eq!(
        kind(open(&memory, b"one", None, |_| Ok(true))),
        ErrorKind::NoKeys
    );
    let keys = SecretKeys::random().unwrap();
    let first = add(&memory, &keys, b"one", COST).unwrap();
    let second = add(&memory, &keys, b"two", COST).unwrap();
    for (password, id) in [(&b"one"[..], first), (b"two", second)] {
        let opened = open(&memory, password, None, |_| Ok(true)).unwrap();
        assert_eq!(opened.id, id);
        assert_eq!(opened.keys.encrypt, keys.encrypt);
        assert_eq!(opened.keys.mac_r, keys.mac_r);
        assert!(opened.problems.is_empty());
    }
    assert_eq!(
        kind(open(&memory, b"three", None, |_| Ok(true))),
        ErrorKind::WrongPassword
    );
    assert_eq!(list(&memory).unwrap().len(), 2);
}

#[test]
fn a_damaged_key_is_not_a_wrong_password() {
    let memory = Memory::new();
    let keys = SecretKeys::random().unwrap();
    let good = add(&memory, &keys, b"good", COST).unwrap();
    let bad = add(&memory, &keys, b"bad", COST).unwrap();
    let name = FileName::new(FileKind::Key, bad);
    let content = memory.read(name, LIMIT).unwrap();
    for damaged in [Vec::new(), content[..99].to_vec(), b"{}".to_vec()] {
        memory.damage(name, damaged);
        assert_eq!(
            kind(open(&memory, b"bad", None, |_| Ok(true))),
            ErrorKind::KeysUnreadable { others: true }
        );
        assert_eq!(
            kind(open(&memory, b"none", None, |_| Ok(true))),
            ErrorKind::KeysUnreadable { others: true }
        );
        let opened = open(&memory, b"good", None, |_| Ok(true)).unwrap();
        assert_eq!((opened.id, opened.problems.len()), (good, 1));
    }
}

#[test]
fn a_key_file_that_asks_for_too_much_is_refused() {
    let memory = Memory::new();
    for cost in [
        Cost {
            n: 1 << 40,
            r: 8,
            p: 1,
        },
        Cost {
            n: 1 << 15,
            r: 8,
            p: 1 << 30,
        },
        Cost {
            n: 1 << 15,
            r: u32::MAX,
            p: u32::MAX,
        },
        Cost {
            n: 1000,
            r: 8,
            p: 1,
        },
        Cost { n: 0, r: 0, p: 0 },
        Cost { n: 1, r: 1, p: 1 },
    ] {
        let text = format!(
            "{{\"kdf\":\"scrypt\",\"N\":{},\"r\":{},\"p\":{},\"salt\":\"AAAA\",\"data\":\"AAAA\"}}",
            cost.n, cost.r, cost.p
        );
        let name = FileName::new(FileKind::Key, Id::of(text.as_bytes()));
        memory.write(name, text.as_bytes()).unwrap();
        let error = open(&memory, b"x", None, |_| Ok(true)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::KeysUnreadable { others: false });
        let said = error.to_string();
        assert_eq!(said.matches("keys/").count(), 1, "{said}");
        memory.remove(name).unwrap();
    }
}

#[test]
fn a_password_is_changed_and_the_key_in_use_is_never_removed() {
    let memory = Memory::new();
    let keys = SecretKeys::random().unwrap();
    add(&memory, &keys, b"old", COST).unwrap();
    let old = open(&memory, b"old", None, |_| Ok(true)).unwrap();
    let error = remove(&memory, old.id, old.id).unwrap_err();
    assert_eq!(error.kind, ErrorKind::KeyNeeded);
    let new = change_password(&memory, &old, b"new", COST).unwrap().id;
    assert_eq!(
        kind(open(&memory, b"old", None, |_| Ok(true))),
        ErrorKind::WrongPassword
    );
    assert_eq!(open(&memory, b"new", None, |_| Ok(true)).unwrap().id, new);
    assert_eq!(list(&memory).unwrap().len(), 1);
}

#[test]
fn a_change_that_was_interrupted_is_finished_by_the_next_one() {
    let memory = Memory::new();
    let keys = SecretKeys::random().unwrap();
    let old = add(&memory, &keys, b"old", COST).unwrap();
    let other = add(&memory, &keys, b"other", COST).unwrap();
    let left = add(&memory, &keys, b"new", COST).unwrap();
    // The key of another repository is not taken for it.
    add(&memory, &SecretKeys::random().unwrap(), b"new", COST).unwrap();
    let opened = open(&memory, b"old", None, |_| Ok(true)).unwrap();
    let changed = change_password(&memory, &opened, b"new", COST).unwrap();
    assert_eq!((changed.id, changed.was_there), (left, true));
    let ids: Vec<Id> = list(&memory).unwrap().iter().map(|(id, _)| *id).collect();
    assert!(ids.len() == 3 && !ids.contains(&old) && ids.contains(&other));
}

#[test]
fn what_is_shown_holds_no_secret() {
    let memory = Memory::new();
    let keys = SecretKeys::random().unwrap();
    add(&memory, &keys, b"password", COST).unwrap();
    let opened = open(&memory, b"password", None, |_| Ok(true)).unwrap();
    assert_eq!(format!("{opened:?}"), format!("OpenKey({})", opened.id));
    let (_, file) = list(&memory).unwrap().remove(0);
    assert!(!format!("{:?}", file.unwrap()).contains("AA"));
}
