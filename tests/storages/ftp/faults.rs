//! Faults of servers and networks, one by one: what is retried, what is not, and that nothing is lost.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::ErrorKind;
use freezerd::storage::ftp::Options;
use freezerd::storage::{FileKind, FileName, Storage};

use super::{content, open, with_retries};
use crate::ftp_server;
use crate::ftp_server::faulty::{Fault, FaultyServer};
use crate::ftp_server::vsftpd::Server;
use crate::support::{listed, named};

/// A server that works, a proxy before it, and how to reach the proxy.
fn faulty() -> Option<(Server, FaultyServer, Options)> {
    let server = Server::start()?;
    let proxy = FaultyServer::before(server.port);
    let options = Options {
        port: proxy.port,
        connections: Concurrency::untold(1),
        stall: Duration::from_secs(2),
        ..server.options("r")
    };
    Some((server, proxy, options))
}

#[test]
fn a_server_that_repeats_the_password_does_not_bring_it_into_a_message() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let storage = open(options);
    let echo = Fault::Reply("530 canary-5pQ8-ftp is wrong");
    for word in ["USER", "PASS", "TYPE"] {
        proxy.fail(word, echo);
        let error = storage.list(FileKind::Key).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("*** is wrong"), "{word}: {told}");
    }
}

#[test]
fn an_upload_that_breaks_is_done_again_and_leaves_nothing_half() {
    let Some((server, proxy, options)) = faulty() else {
        return;
    };
    let (storage, told) = with_retries(open(options));
    storage.create_layout().unwrap();
    for (number, (word, fault)) in [
        ("STOR", Fault::Closed),
        ("STOR", Fault::AnswerLost),
        ("STOR", Fault::Silence),
        ("STOR", Fault::DataCut(100_000)),
        ("STOR", Fault::Reply("425 no data connection")),
        ("STOR", Fault::Reply("426 broken")),
        ("STOR", Fault::Reply("421 going down")),
        ("EPSV", Fault::Closed),
        ("RNFR", Fault::Closed),
        ("RNTO", Fault::Closed),
        ("RNTO", Fault::AnswerLost),
        ("SIZE", Fault::AnswerLost),
        // The answer to another command.
        ("SIZE", Fault::Reply("226 done")),
    ]
    .into_iter()
    .enumerate()
    {
        let pack = content(1_000_000, number as u64);
        let file = named(FileKind::Pack, &pack);
        proxy.fail(word, fault);
        let before = told.lock().unwrap().len();
        storage.write(file, &pack).unwrap();
        assert!(told.lock().unwrap().len() > before, "{word} {fault:?}");
        let there = std::fs::read(server.files("r").join(file.to_string())).unwrap();
        assert!(there == pack, "{word} {fault:?}");
    }
}

#[test]
fn an_upload_of_which_the_server_lost_a_part_is_not_a_success() {
    let Some((server, proxy, options)) = faulty() else {
        return;
    };
    let storage = open(options);
    storage.create_layout().unwrap();
    let pack = content(500_000, 1);
    let file = named(FileKind::Pack, &pack);
    proxy.fail("STOR", Fault::DataShort(100_000));
    let error = storage.write(file, &pack).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("cut"), "{error}");
    // Neither the file nor a part of it is there.
    assert_eq!(listed(&storage, FileKind::Pack), []);
    assert!(!server.files("r").join(file.to_string()).exists());
}

#[test]
fn a_full_server_is_told_from_a_quota_and_from_a_fault_of_its_own() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let (storage, told) = with_retries(open(options));
    storage.create_layout().unwrap();
    let file = named(FileKind::Pack, b"pack");
    for (reply, kind, words) in [
        ("452 full", ErrorKind::NoSpace, "no space"),
        ("552 quota", ErrorKind::NoSpace, "quota"),
        ("451 oops", ErrorKind::Io, "disk may be full"),
        ("550 no", ErrorKind::Denied, "refuses"),
        ("553 no", ErrorKind::Denied, "refuses"),
        ("500 what", ErrorKind::Answer, "what"),
    ] {
        proxy.fail("STOR", Fault::Reply(reply));
        let error = storage.write(file, b"pack").unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(listed(&storage, FileKind::Pack), []);
    }
    assert_eq!(*told.lock().unwrap(), []);
    storage.write(file, b"pack").unwrap();
}

#[test]
fn what_is_read_is_whole_whatever_breaks() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let (storage, told) = with_retries(open(options));
    storage.create_layout().unwrap();
    let pack = content(1_000_000, 1);
    let file = named(FileKind::Pack, &pack);
    storage.write(file, &pack).unwrap();
    for (word, fault) in [
        ("RETR", Fault::Closed),
        ("RETR", Fault::AnswerLost),
        ("RETR", Fault::Silence),
        ("RETR", Fault::DataCut(100_000)),
        ("RETR", Fault::DataShort(100_000)),
        ("RETR", Fault::Reply("426 broken")),
        ("EPSV", Fault::Reply("421 going down")),
    ] {
        proxy.fail(word, fault);
        let before = told.lock().unwrap().len();
        assert!(storage.read(file, 1 << 30).unwrap() == pack, "{fault:?}");
        assert!(told.lock().unwrap().len() > before, "{fault:?}");
        proxy.fail(word, fault);
        let mut range = vec![0; 500_000];
        storage.read_range(file, 400_000, &mut range).unwrap();
        assert!(range == pack[400_000..900_000], "{fault:?}");
    }
}

#[test]
fn a_refusal_is_not_an_absence() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let storage = open(options);
    storage.create_layout().unwrap();
    let file = named(FileKind::Index, b"index");
    storage.write(file, b"index").unwrap();
    proxy.fail("RETR", Fault::Reply("550 no such file, or not allowed"));
    let error = storage.read(file, 9).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    // A list tells the size as well.
    proxy.fail("SIZE", Fault::Reply("550 no such file, or not allowed"));
    assert_eq!(storage.size(file).unwrap(), 5);
    proxy.fail("DELE", Fault::Reply("550 no"));
    assert_eq!(storage.remove(file).unwrap_err().kind, ErrorKind::Denied);
    let absent = named(FileKind::Index, b"absent");
    assert_eq!(storage.size(absent).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_listing_that_breaks_is_never_a_short_one() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let storage = open(options);
    storage.create_layout().unwrap();
    for number in 0..100_u8 {
        let file = named(FileKind::Snapshot, &[number]);
        storage.write(file, &[number]).unwrap();
    }
    for fault in [
        Fault::Closed,
        Fault::AnswerLost,
        Fault::Silence,
        Fault::DataCut(5000),
        // In the middle of a line.
        Fault::DataShort(5001),
        Fault::Reply("426 broken"),
        Fault::Reply("550 no"),
        Fault::Reply("451 oops"),
    ] {
        proxy.fail("LIST", fault);
        let result = storage.list(FileKind::Snapshot);
        assert!(result.is_err(), "{fault:?}");
    }
    assert_eq!(listed(&storage, FileKind::Snapshot).len(), 100);
}

#[test]
fn a_server_that_knows_only_the_oldest_commands_works_too() {
    let Some((server, proxy, options)) = faulty() else {
        return;
    };
    for word in ["EPSV", "SIZE", "FEAT", "MDTM"] {
        proxy.forget(word);
    }
    // No answer is held back here, so a busy host may take its time.
    let stall = Duration::from_secs(60);
    let storage = open(Options { stall, ..options });
    storage.create_layout().unwrap();
    let pack = content(100_000, 1);
    let file = named(FileKind::Pack, &pack);
    storage.write(file, &pack).unwrap();
    assert!(storage.read(file, 1 << 20).unwrap() == pack);
    assert_eq!(listed(&storage, FileKind::Pack).len(), 1);
    assert_eq!(proxy.count("EPSV"), 1);
    // Nobody knows how old it is.
    let left = named(FileKind::Pack, b"left").to_string() + "-tmp-1";
    std::fs::write(server.files("r").join(left), "").unwrap();
    assert_eq!(storage.sweep(Duration::ZERO).unwrap(), 0);
}

#[test]
fn a_write_whose_answer_was_lost_is_done_again_without_harm() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let (storage, _) = with_retries(open(options));
    storage.create_layout().unwrap();
    proxy.fail("RNTO", Fault::AnswerLost);
    storage.write(FileName::CONFIG, b"config").unwrap();
    let kind = storage.write(FileName::CONFIG, b"other").unwrap_err().kind;
    assert_eq!(kind, ErrorKind::Exists);
    proxy.fail("DELE", Fault::AnswerLost);
    storage.remove(FileName::CONFIG).unwrap();
    assert_eq!(listed(&storage, FileKind::Config), []);
}

#[test]
fn a_greeting_that_is_not_one_of_ftp_is_said() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    for (reply, kind) in [
        ("421 too many", ErrorKind::Overloaded),
        ("530 too many", ErrorKind::Overloaded),
        ("SSH-2.0-OpenSSH", ErrorKind::Answer),
        ("HTTP/1.1 400 Bad Request", ErrorKind::Answer),
    ] {
        proxy.fail("", Fault::Reply(reply));
        let error = open(options.clone()).list(FileKind::Key).unwrap_err();
        assert_eq!(error.kind, kind, "{reply}: {error}");
    }
}

#[test]
fn a_server_that_is_always_ready_soon_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            while client.write_all(b"120 wait a little\r\n").is_ok() {}
        }
    });
    let storage = open(ftp_server::options(port, "anyone"));
    let error = storage.list(FileKind::Key).unwrap_err();
    assert!(error.to_string().contains("again and again"), "{error}");
}

#[test]
fn a_login_that_begins_in_an_endless_path_is_refused() {
    let Some((_server, proxy, options)) = faulty() else {
        return;
    };
    let path = format!("257 \"{}\"", "/a".repeat(10_000));
    proxy.fail("PWD", Fault::Reply(path.leak()));
    let error = open(options).list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Answer, "{error}");
    // Each of its directories would be asked for.
    assert_eq!(proxy.count("CWD"), 0);
}
