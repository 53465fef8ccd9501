//! How the files of a container are reached: on this host or on a server, within the limits of the action, and with
//! retries where a network is on the way.

use std::path::Path;
use std::sync::Arc;

use super::connection_fault::ConnectionFault;
use super::error::ActionError;
use super::report::{Reporter, log};
use super::secret;
use crate::job::action::{Bandwidth, Container};
use crate::job::storage::Connection;
use crate::location::Location;
use crate::storage::Storage;
use crate::storage::http::{Options, Trust};
use crate::storage::limit::{Limited, Limits, Pace};
use crate::storage::local::Local;
use crate::storage::rest::Rest;
use crate::storage::retry::{Policy, Retry};
use crate::units;

/// The largest file of certificates that is read, in bytes. That of a whole system has a quarter of a megabyte.
const CERTIFICATES: u64 = 4 * 1024 * 1024;

/// The way to containers. The default has no limits.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    pace: Option<Arc<Pace>>,
}

impl Reach {
    /// The way with these limits, which the log names. What passes counts as progress.
    pub fn new(bandwidth: Bandwidth, reporter: &Arc<Reporter>) -> Reach {
        if bandwidth.is_unlimited() {
            return Reach::default();
        }
        log(&said(bandwidth));
        let reporter = Arc::clone(reporter);
        let limits = Limits {
            upload: bandwidth.upload,
            download: bandwidth.download,
        };
        // It is alive, and nothing more is done yet.
        let pace = Pace::new(limits, move || reporter.advance(0, 0));
        Reach {
            pace: Some(Arc::new(pace)),
        }
    }

    /// The files of a container. Nothing is read or sent yet, apart from the secrets.
    ///
    /// # Errors
    /// When a secret or a certificate that the connection names cannot be read.
    pub fn storage(&self, container: &Container) -> Result<Arc<dyn Storage>, ActionError> {
        match &container.location {
            Location::Local(path) => {
                let local = Arc::new(Local::new(path));
                Ok(match &self.pace {
                    Some(pace) => Arc::new(Limited::new(local, Arc::clone(pace))),
                    None => local,
                })
            }
            Location::Rest(address) => {
                let options = self.options(&container.connection).map_err(|source| {
                    ActionError::Connection {
                        place: container.location.clone(),
                        source,
                    }
                })?;
                let rest = Rest::new(address.as_str(), options).map_err(|fault| {
                    ActionError::Connection {
                        place: container.location.clone(),
                        source: ConnectionFault::Options(fault),
                    }
                })?;
                Ok(with_retries(Arc::new(rest)))
            }
        }
    }

    fn options(&self, connection: &Connection) -> Result<Options, ConnectionFault> {
        let defaults = Options::default();
        let password = match &connection.password {
            Some(source) => Some(secret::read(source, &log)?),
            None => None,
        };
        let user = connection.username.clone().map(|name| {
            let password = password.unwrap_or_default();
            (name, password)
        });
        let trust = match (connection.insecure, &connection.ca_file) {
            (true, _) => Trust::Anything,
            (false, Some(file)) => Trust::Pem(certificates(file)?),
            (false, None) => Trust::System,
        };
        let connections = connection
            .connections
            .and_then(|number| usize::try_from(number.get()).ok());
        Ok(Options {
            user,
            trust,
            proxy: connection.proxy.as_ref().map(ToString::to_string),
            connections: connections.unwrap_or(defaults.connections),
            pace: self.pace.clone(),
            ..defaults
        })
    }
}

fn with_retries(storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
    Arc::new(Retry::new(
        storage,
        Policy::default(),
        Box::new(|error, wait| {
            log(&format!(
                "warning: {error}; trying again in {}",
                units::duration(wait)
            ));
        }),
    ))
}

fn certificates(file: &Path) -> Result<Vec<u8>, ConnectionFault> {
    use std::io::Read;
    let failed = |source| ConnectionFault::Certificates {
        path: file.to_owned(),
        source,
    };
    let mut content = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(CERTIFICATES).read_to_end(&mut content))
        .map_err(failed)?;
    Ok(content)
}

fn said(bandwidth: Bandwidth) -> String {
    let limits = [(bandwidth.upload, "to"), (bandwidth.download, "from")];
    let limits = limits.into_iter().filter_map(|(limit, way)| {
        let rate = units::memory(limit?.get());
        Some(format!("at most {rate}/s {way} the container"))
    });
    limits.collect::<Vec<_>>().join(", ")
}
