//! Servers that speak SFTP: the secret keys, the passwords, and the keys by which servers are known.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::storage_secret::storage_secret;
use crate::agent::connection_fault::ConnectionFault;
use crate::agent::report::log;
use crate::job::secret;
use crate::job::storage::Connection;
use crate::location::SftpPlace;
use crate::storage::concurrency::Concurrency;
use crate::storage::limit::Pace;
use crate::storage::sftp::{Key, KnownHosts, Options, Sftp};

/// The keys of the user that are tried if the storage names nothing to log in with.
const KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// The keys by which all users know servers.
const SYSTEM_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// A connection on which nothing moves for this long is given up. A server whose disks were asleep takes a while.
const STALL: Duration = Duration::from_secs(2 * 60);

/// The files of a container on the server. Nothing is sent yet.
pub(super) fn open(
    place: &SftpPlace,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
    concurrency: &Arc<Concurrency>,
) -> Result<Sftp, ConnectionFault> {
    let settings = connection.sftp.clone().unwrap_or_default();
    let password = storage_secret("password", connection.password.as_ref())?;
    let passphrase = storage_secret("key_password", settings.key_password.as_ref())?;
    let agent = match settings.ssh_agent {
        true => match std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty()) {
            Some(socket) => Some(PathBuf::from(socket)),
            None => return Err(ConnectionFault::NoSshAgent),
        },
        false => None,
    };
    let home = std::env::home_dir();
    let own = |name: &str| home.as_ref().map(|home| home.join(".ssh").join(name));
    let keys = match &settings.key_file {
        Some(path) => vec![key(path, passphrase.as_ref())?],
        None if password.is_none() && agent.is_none() => {
            let paths: Vec<PathBuf> = KEYS.iter().filter_map(|name| own(name)).collect();
            usual_keys(&paths, passphrase.as_ref())?
        }
        None => Vec::new(),
    };
    let paths = match settings.known_hosts {
        Some(path) => vec![path],
        None => own("known_hosts")
            .into_iter()
            .chain([PathBuf::from(SYSTEM_KNOWN_HOSTS)])
            .collect(),
    };
    let new_hosts = paths.first().cloned().unwrap_or_default();
    let known_hosts = paths
        .into_iter()
        .map(known_hosts)
        .collect::<Result<_, _>>()?;
    Sftp::new(Options {
        host: place.host().to_owned(),
        port: place.port(),
        user: place.user().to_owned(),
        directory: place.directory().to_owned(),
        keys,
        agent,
        password,
        known_hosts,
        new_hosts,
        connections: Arc::clone(concurrency),
        stall: connection.stall(STALL),
        pace: pace.cloned(),
    })
    .map_err(ConnectionFault::NoThread)
}

/// The key that the storage names.
fn key(path: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Key, ConnectionFault> {
    let directory = std::env::var_os(secret::DIRECTORY);
    let file =
        secret::resolve(path, directory.as_deref()).map_err(ConnectionFault::KeyCredential)?;
    let text = content(&file, true).map_err(|source| ConnectionFault::KeyFile {
        path: file.clone(),
        source,
    })?;
    Key::read(file.clone(), &text, passphrase.map(|text| text.as_str()))
        .map_err(|source| ConnectionFault::Key { path: file, source })
}

/// Those of the usual keys that exist. One that cannot be used is a fault only if there is no other.
fn usual_keys(
    paths: &[PathBuf],
    passphrase: Option<&Zeroizing<String>>,
) -> Result<Vec<Key>, ConnectionFault> {
    let mut keys = Vec::new();
    let mut fault = None;
    for path in paths {
        match key(path, passphrase) {
            Ok(key) => keys.push(key),
            Err(ConnectionFault::KeyFile { source, .. })
                if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => fault = Some(error),
        }
    }
    match (keys.is_empty(), fault) {
        (false, _) => Ok(keys),
        (true, Some(fault)) => Err(fault),
        (true, None) => Err(ConnectionFault::NoLogin),
    }
}

/// A file of keys of servers. One that does not exist has none.
fn known_hosts(path: PathBuf) -> Result<KnownHosts, ConnectionFault> {
    match content(&path, false) {
        Ok(content) => Ok(KnownHosts {
            path,
            content: content.to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(KnownHosts {
            path,
            content: String::new(),
        }),
        Err(source) => Err(ConnectionFault::KnownHosts { path, source }),
    }
}

/// The text of a file. What is not UTF-8 in it is replaced.
fn content(path: &Path, is_secret: bool) -> io::Result<Zeroizing<String>> {
    // Opening a FIFO must not block the backup.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if is_secret && about.mode() & 0o007 != 0 {
        log(&format!(
            "warning: everybody can read the secret key {}; correct that with: chmod o= {0}",
            path.display()
        ));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}
