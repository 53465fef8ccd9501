//! A server that lets nothing be sent, and one that ends the connection then. OpenSSH begins like this: it lets data be
//! sent when the subsystem has begun.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use freezerd::storage::error::ErrorKind;
use freezerd::storage::sftp::Options;
use freezerd::storage::{FileKind, Storage};
use russh::server::{self, Auth, ChannelOpenHandle, Config, Msg, Session};
use russh::{Channel, ChannelId, Disconnect};

use super::open;
use crate::sftp_server::Server;

/// What the server does when it has confirmed that SFTP begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    EndsTheConnection,
    DoesNothing,
}

struct Handler(Then);

impl server::Handler for Handler {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(channel)?;
        match self.0 {
            Then::EndsTheConnection => session.disconnect(Disconnect::ByApplication, "", ""),
            Then::DoesNothing => Ok(()),
        }
    }
}

/// How to reach a server that accepts one connection and has a window of no bytes. `None` if no host key can be had.
fn start(then: Then) -> Option<Options> {
    let keys = Server::start()?;
    let key = russh::keys::load_secret_key(keys.file("host"), None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let known = keys.known_host("host");
    let (_, public) = known.split_once(' ').unwrap();
    let options = Options {
        keys: Vec::new(),
        ..crate::sftp_server::options(port, "user", &format!("[127.0.0.1]:{port} {public}"))
    };
    let config = Arc::new(Config {
        keys: vec![key],
        window_size: 0,
        ..Config::default()
    });
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpStream::from_std(socket).unwrap();
            let running = server::run_stream(config, socket, Handler(then)).await;
            let _ = running.unwrap().await;
        });
    });
    Some(options)
}

#[test]
fn a_connection_that_ends_before_anything_may_be_sent_is_lost_at_once() {
    let Some(options) = start(Then::EndsTheConnection) else {
        return;
    };
    let error = open(options).list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(!error.to_string().contains("nothing moved"), "{error}");
}

#[test]
fn a_server_that_never_lets_anything_be_sent_is_given_up() {
    let Some(options) = start(Then::DoesNothing) else {
        return;
    };
    let stall = Duration::from_millis(1500);
    let storage = open(Options { stall, ..options });
    let error = storage.list(FileKind::Key).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.to_string().contains("nothing moved"), "{error}");
}
