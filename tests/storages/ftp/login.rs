//! Who is let in, and by whom: passwords, TLS, certificates.

use std::net::TcpListener;
use std::time::Duration;

use freezerd::storage::Storage;
use freezerd::storage::concurrency::Concurrency;
use freezerd::storage::error::{Error, ErrorKind};
use freezerd::storage::ftp::{Options, Tls};
use freezerd::storage::http::{OptionsError, Trust};
use freezerd::storage::{FileKind, FileName};

use super::open;
use crate::ftp_server::{PASSWORD, pyftpdlib, vsftpd};

fn refused(options: Options) -> Error {
    let error = open(options).list(FileKind::Key).unwrap_err();
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error
}

#[test]
fn a_wrong_password_is_said_and_is_not_a_fault_that_passes() {
    let (Some(one), Some(other)) = (vsftpd::Server::start(), pyftpdlib::Server::start(Tls::None))
    else {
        return;
    };
    for options in [one.options("r"), other.options("r")] {
        for password in [None, Some("wrong"), Some("two\r\nlines")] {
            let error = refused(Options {
                password: password.map(|it| it.to_owned().into()),
                ..options.clone()
            });
            assert!(!error.kind.is_passing(), "{error}");
            if password == Some("wrong") {
                assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
            }
        }
    }
}

#[test]
fn a_server_that_nobody_vouches_for_gets_no_password() {
    for tls in [Tls::Explicit, Tls::Implicit] {
        let Some(server) = vsftpd::Server::with(tls, "") else {
            return;
        };
        let with = |trust| Options {
            trust,
            ..server.options("r")
        };
        let error = refused(with(Trust::System));
        assert_eq!(error.kind, ErrorKind::Untrusted, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
        let storage = open(with(Trust::Anything));
        storage.create_layout().unwrap();
        storage.write(FileName::CONFIG, b"config").unwrap();
        assert_eq!(storage.read(FileName::CONFIG, 9).unwrap(), b"config");
        let another = Options {
            host: "127.0.0.2".to_owned(),
            ..server.options("r")
        };
        // Where the system has only one address of its own, it cannot be reached.
        let kind = refused(another).kind;
        assert!(matches!(
            kind,
            ErrorKind::Untrusted | ErrorKind::Unreachable
        ));
    }
    let nothing = Options {
        tls: Tls::Explicit,
        trust: Trust::Pem(b"nothing".to_vec()),
        ..crate::ftp_server::options(1, "u")
    };
    let error = freezerd::storage::ftp::Ftp::new(nothing).err();
    assert_eq!(error, Some(OptionsError::Certificates));
}

#[test]
fn a_server_without_tls_gets_no_password_of_a_storage_with_tls() {
    let Some(server) = vsftpd::Server::start() else {
        return;
    };
    for tls in [Tls::Explicit, Tls::Implicit] {
        let error = refused(Options {
            tls,
            ..server.options("r")
        });
        assert_eq!(error.kind, ErrorKind::Answer, "{tls:?}: {error}");
        assert!(error.to_string().contains("TLS"), "{error}");
    }
}

#[test]
fn a_server_that_wants_tls_is_recognized() {
    let (Some(one), Some(other)) = (
        vsftpd::Server::with(Tls::Explicit, ""),
        pyftpdlib::Server::start(Tls::Explicit),
    ) else {
        return;
    };
    for options in [one.options("r"), other.options("r")] {
        let error = refused(Options {
            tls: Tls::None,
            ..options
        });
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
        assert!(error.to_string().contains("ftps"), "{error}");
    }
    // TLS from the beginning: each side waits for the other one.
    let Some(server) = vsftpd::Server::with(Tls::Implicit, "") else {
        return;
    };
    let error = refused(Options {
        tls: Tls::None,
        stall: Duration::from_secs(1),
        ..server.options("r")
    });
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("implicit_tls"), "{error}");
}

#[test]
fn what_is_wrong_with_the_way_to_the_server_is_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let error = refused(crate::ftp_server::options(port, "u"));
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
    let error = refused(Options {
        host: "nowhere.invalid".to_owned(),
        ..crate::ftp_server::options(21, "u")
    });
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("name of the server"), "{error}");
}

#[test]
fn tls_sessions_last_for_more_transfers_than_the_server_gave_tickets() {
    let Some(server) = vsftpd::Server::with(Tls::Explicit, "") else {
        return;
    };
    let storage = open(Options {
        connections: Concurrency::untold(1),
        ..server.options("r")
    });
    storage.create_layout().unwrap();
    for number in 0..40_u8 {
        let file = crate::support::named(FileKind::Key, &[number]);
        storage.write(file, &[number]).unwrap();
        storage
            .write(crate::support::named(FileKind::Index, b""), b"")
            .unwrap();
        storage.read_range(file, 0, &mut [0]).unwrap();
    }
    assert_eq!(server.count(), 1);
}
