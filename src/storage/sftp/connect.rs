//! Makes a connection: TCP, SSH, the login, and the beginning of SFTP.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client;
use russh::{Preferred, cipher};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::{Failure, of_ssh};
use super::host::{Client, Ended};
use super::known_hosts::Known;
use super::session::{Session, stalled};
use super::{Options, login};

/// How long a connection of TCP may take to be made, and how long the server may then take to agree on the keys. A
/// server that does not speak SSH never does.
const CONNECT: Duration = Duration::from_secs(30);

/// After this time without anything from the server, it is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// So many bytes may be on their way to this host.
const WINDOW: u32 = 8 * 1024 * 1024;

/// AES has instructions of its own in most processors, and is several times faster there.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// A new connection to the server.
pub(super) async fn connect(options: &Options) -> Result<Session, Failure> {
    let stream = tcp(options).await?;
    let known = Known::find(&options.known_hosts, &options.host, options.port);
    let defaults = Preferred::DEFAULT;
    let config = client::Config {
        window_size: WINDOW,
        maximum_packet_size: 64 * 1024 - 1,
        preferred: Preferred {
            key: Cow::Owned(known.algorithms(&defaults.key)),
            cipher: Cow::Borrowed(CIPHERS),
            ..defaults
        },
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: 3,
        ..client::Config::default()
    };
    let client = Client {
        known,
        host: options.host.clone(),
        port: options.port,
        file: options.new_hosts.clone(),
    };
    let begun = client::connect_stream(Arc::new(config), stream, client);
    let mut ssh =
        within(CONNECT.min(options.stall), begun)
            .await?
            .map_err(|ended| match ended {
                Ended::Host(failure) => failure,
                Ended::Ssh(error) => of_ssh(error),
            })?;
    within(options.stall, login::login(&mut ssh, options)).await??;
    let channel = within(options.stall, ssh.channel_open_session())
        .await?
        .map_err(of_ssh)?;
    Session::begin(ssh, channel, options.stall).await
}

async fn tcp(options: &Options) -> Result<TcpStream, Failure> {
    let patience = CONNECT.min(options.stall);
    let connected = TcpStream::connect((options.host.as_str(), options.port));
    let stream = within(patience, connected)
        .await?
        .map_err(|error| Failure::lost(crate::os::reason(&error)))?;
    stream
        .set_nodelay(true)
        .map_err(|error| Failure::lost(crate::os::reason(&error)))?;
    Ok(stream)
}

async fn within<T>(patience: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(patience, work).await.map_err(|_| stalled(patience))
}
