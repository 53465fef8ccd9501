//! A server that asks in unusual ways, or lets nothing be sent: the server half of the library, with OpenSSH's `sftp-server` behind it.

use std::process::Stdio;
use std::sync::Arc;

use freezerd::storage::sftp::{Options, Sftp};
use russh::keys::PrivateKey;
use russh::server::{Auth, Config, Handler, Msg, Response, Server, Session};
use russh::{Channel, ChannelId, Disconnect, MethodKind, MethodSet};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{make_key, options};

pub const USER: &str = "web1";
pub const PASSWORD: &str = "canary-3mW8-strange";

const PROGRAM: &str = "/usr/lib/openssh/sftp-server";

/// How the server asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// One question, for the password, and then a message without a question.
    OneQuestion,
    /// The password, and then a number that changes.
    TwoQuestions,
    /// Both at once.
    BothAtOnce,
    /// A key first, and then the password.
    KeyAndPassword,
    /// It ends the connection at a wrong moment.
    HangsUp,
    /// It asks as with `OneQuestion`, and never lets anything be sent afterwards.
    GivesNoRoom,
    /// As `GivesNoRoom`, and it ends the connection. OpenSSH gives room when the subsystem has begun, so a connection that
    /// is cut before looks like this.
    EndsWithoutRoom,
}

impl Asks {
    /// Whether the client may send something when SFTP has begun.
    fn gives_room(self) -> bool {
        !matches!(self, Asks::GivesNoRoom | Asks::EndsWithoutRoom)
    }
}

/// A running server, which ends with this value.
pub struct Strange {
    directory: tempfile::TempDir,
    pub port: u16,
    runtime: Option<Runtime>,
}

impl Strange {
    /// `None`, with a line that says so, if OpenSSH's part is not installed.
    pub fn start(asks: Asks) -> Option<Strange> {
        if !std::path::Path::new(PROGRAM).exists() {
            println!("SKIPPED: how a server asks, because {PROGRAM} is not installed");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("host");
        make_key(&key, "ed25519", "");
        let text = std::fs::read_to_string(&key).unwrap();
        let key: PrivateKey = russh::keys::decode_secret_key(&text, None).unwrap();
        let methods: &[MethodKind] = match asks {
            Asks::KeyAndPassword => &[MethodKind::PublicKey],
            _ => &[MethodKind::KeyboardInteractive],
        };
        let usual = Config::default();
        let config = Arc::new(Config {
            window_size: if asks.gives_room() {
                usual.window_size
            } else {
                0
            },
            keys: vec![key],
            methods: MethodSet::from(methods),
            auth_rejection_time: std::time::Duration::ZERO,
            auth_rejection_time_initial: Some(std::time::Duration::ZERO),
            ..usual
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            let mut asking = Asking { asks };
            let _ = asking.run_on_socket(config, &listener).await;
        });
        Some(Strange {
            directory,
            port,
            runtime: Some(runtime),
        })
    }

    /// How to reach a repository.
    pub fn options(&self, path: &str) -> Options {
        let public = std::fs::read_to_string(self.directory.path().join("host.pub")).unwrap();
        let known = format!("[127.0.0.1]:{} {public}", self.port);
        let directory = self.directory.path().join(path);
        Options {
            directory: directory.to_str().unwrap().to_owned(),
            password: Some(PASSWORD.to_owned().into()),
            ..options(self.port, USER, &known)
        }
    }

    /// A repository.
    pub fn storage(&self, path: &str) -> Sftp {
        Sftp::new(self.options(path)).unwrap()
    }
}

impl Drop for Strange {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Asking {
    asks: Asks,
}

impl Server for Asking {
    type Handler = Guest;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Guest {
        Guest {
            asks: self.asks,
            round: 0,
            channel: None,
        }
    }
}

pub struct Guest {
    asks: Asks,
    round: usize,
    channel: Option<Channel<Msg>>,
}

fn question(prompts: &[&'static str]) -> Auth {
    Auth::Partial {
        name: "".into(),
        instructions: "".into(),
        prompts: prompts
            .iter()
            .map(|prompt| ((*prompt).into(), false))
            .collect::<Vec<_>>()
            .into(),
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(Auth::Reject {
            proceed_with_methods: Some(MethodSet::from(&[MethodKind::Password][..])),
            partial_success: self.asks == Asks::KeyAndPassword,
        })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(match user == USER && password == PASSWORD {
            true => Auth::Accept,
            false => Auth::reject(),
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let answers: Vec<Vec<u8>> = response
            .map(|response| response.map(|answer| answer.to_vec()).collect())
            .unwrap_or_default();
        self.round += 1;
        let is_right = answers.first().is_some_and(|it| it == PASSWORD.as_bytes());
        Ok(match (self.asks, self.round) {
            (Asks::HangsUp, _) => return Err(russh::Error::Disconnect),
            (Asks::BothAtOnce, 1) => question(&["Password: ", "Number: "]),
            (_, 1) => question(&["Password: "]),
            (_, 2) if !is_right => Auth::reject(),
            (Asks::TwoQuestions, _) => question(&["Number: "]),
            (_, 2) => question(&[]),
            _ => Auth::Accept,
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        if self.asks == Asks::EndsWithoutRoom {
            session.disconnect(Disconnect::ByApplication, "", "")?;
        }
        if !self.asks.gives_room() {
            return Ok(());
        }
        let Some(channel) = self.channel.take() else {
            return Ok(());
        };
        let mut process = tokio::process::Command::new(PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = process.stdout.take().unwrap();
        let mut input = process.stdin.take().unwrap();
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(channel.into_stream());
            tokio::select! {
                _ = tokio::io::copy(&mut from, &mut input) => {}
                _ = tokio::io::copy(&mut output, &mut to) => {}
            }
            drop(process);
        });
        Ok(())
    }
}
