use std::sync::Mutex;

use super::*;
use crate::storage::error::ErrorKind;
use crate::storage::memory::{Memory, Request};

const QUICK: Policy = Policy {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(1),
    opening: Duration::from_secs(60),
    patience: Duration::from_secs(60),
    unlocking: Duration::from_secs(60),
};

fn retry(policy: Policy) -> (Memory, Retry, Arc<Mutex<Vec<ErrorKind>>>) {
    let memory = Memory::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let tell: Tell = Box::new(move |error, _| list.lock().unwrap().push(error.kind));
    let retry = Retry::new(
        Arc::new(memory.clone()),
        policy,
        Concurrency::untold(5),
        tell,
    );
    (memory, retry, told)
}

fn named(content: &[u8]) -> FileName {
    FileName::new(FileKind::Pack, Id::of(content))
}

#[test]
fn a_failure_that_passes_is_told_and_tried_again() {
    let (memory, retry, told) = retry(QUICK);
    memory.fail(Request::Write, 0, ErrorKind::Unreachable);
    memory.fail(Request::Write, 0, ErrorKind::Busy);
    retry.write(named(b"x"), b"x").unwrap();
    assert_eq!(memory.read(named(b"x"), 9).unwrap(), b"x");
    assert_eq!(
        *told.lock().unwrap(),
        [ErrorKind::Unreachable, ErrorKind::Busy]
    );
}

#[test]
fn what_would_fail_again_is_not_tried_again() {
    let (memory, retry, told) = retry(QUICK);
    for kind in [
        ErrorKind::NotFound,
        ErrorKind::Denied,
        ErrorKind::NoSpace,
        ErrorKind::Unauthorized,
        ErrorKind::Untrusted,
        ErrorKind::Answer,
        ErrorKind::Io,
    ] {
        memory.fail(Request::List, 0, kind);
        assert_eq!(retry.list(FileKind::Key).unwrap_err().kind, kind);
    }
    assert_eq!(*told.lock().unwrap(), []);
}

#[test]
fn a_storage_that_never_answered_fails_early() {
    let opening = Policy {
        opening: Duration::ZERO,
        ..QUICK
    };
    let (memory, retry, told) = retry(opening);
    memory.fail(Request::List, 0, ErrorKind::Unreachable);
    let error = retry.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(told.lock().unwrap().len(), 0);
    retry.list(FileKind::Key).unwrap();
    for _ in 0..5 {
        memory.fail(Request::List, 0, ErrorKind::Unreachable);
    }
    retry.list(FileKind::Key).unwrap();
}

fn with_network(limit: Duration) -> (Memory, Retry, Arc<Mutex<Vec<String>>>) {
    let (memory, retry, told) = retry(Policy {
        opening: Duration::ZERO,
        ..QUICK
    });
    let news = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&news);
    let retry = retry.waiting_for_network(NetworkWait {
        limit,
        tell: Box::new(move |news| {
            assert_eq!(*told.lock().unwrap(), []);
            list.lock().unwrap().push(match news {
                Network::Missing(error) => format!("{:?}", error.kind),
                other => format!("{other:?}"),
            });
        }),
    });
    (memory, retry, news)
}

#[test]
fn a_server_that_cannot_be_reached_yet_is_waited_for_and_that_is_told_once() {
    let (memory, retry, news) = with_network(Duration::from_secs(60));
    for _ in 0..5 {
        memory.fail(Request::List, 0, ErrorKind::Unreachable);
    }
    retry.list(FileKind::Key).unwrap();
    retry.list(FileKind::Key).unwrap();
    assert_eq!(*news.lock().unwrap(), ["Unreachable", "There"]);
}

#[test]
fn all_requests_wait_for_the_network_no_longer_than_the_limit() {
    let (memory, retry, news) = with_network(Duration::ZERO);
    for _ in 0..2 {
        memory.fail(Request::List, 0, ErrorKind::Unreachable);
    }
    let error = retry.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert_eq!(*news.lock().unwrap(), ["Unreachable", "GivenUp"]);
}

#[test]
fn a_server_that_answers_is_not_waited_for() {
    let (memory, retry, news) = with_network(Duration::from_secs(60));
    for kind in [
        ErrorKind::Unauthorized,
        ErrorKind::Untrusted,
        ErrorKind::NoPlace,
    ] {
        memory.fail(Request::List, 0, kind);
        assert_eq!(retry.list(FileKind::Key).unwrap_err().kind, kind);
    }
    assert!(news.lock().unwrap().is_empty());
}

#[test]
fn a_removal_whose_answer_was_lost_has_happened() {
    let (memory, retry, _) = retry(QUICK);
    assert_eq!(
        retry.remove(named(b"x")).unwrap_err().kind,
        ErrorKind::NotFound
    );
    memory.fail(Request::Remove, 0, ErrorKind::Unreachable);
    retry.remove(named(b"x")).unwrap();
}
