//! How the files of a container are reached: on this host or on a server, within the limits of the action, and with
//! retries where a network is on the way.

use std::sync::Arc;
use std::time::Duration;

use super::connection_fault::ConnectionFault;
use super::error::ActionError;
use super::report::{Reporter, log};
use super::slot::Slot;
use crate::job::action::{Bandwidth, Cache, Container};
use crate::job::storage::Connection;
use crate::location::Location;
use crate::protocol::Request;
use crate::schedule::zone::Zone;
use crate::storage::Storage;
use crate::storage::cache::{CachePlace, Cached, Notice};
use crate::storage::concurrency::{Change, Concurrency};
use crate::storage::error::Error as StorageError;
use crate::storage::limit::Limited;
use crate::storage::local::Local;
use crate::storage::retry::{Network, NetworkWait, Policy, Retry};
use crate::units;

mod bandwidth;
#[cfg(feature = "ftp")]
mod ftp;
mod http;
#[cfg(feature = "swift")]
pub(super) mod openrc;
mod rclone;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "sftp")]
mod sftp;
mod storage_secret;
#[cfg(feature = "swift")]
mod swift;

use bandwidth::Rates;

/// As many requests at a time as `restic` makes.
const CONNECTIONS: usize = 5;

/// The way to containers. The default has no limits.
#[derive(Clone, Default)]
pub struct Reach {
    /// `None`: nothing is limited, whatever a storage says.
    rates: Option<Arc<Rates>>,
    /// `None`: containers away from this host are read without a cache.
    cache: Option<CachePlace>,
    /// Who is told of waits and of requests that are tried again. `None`: the log alone.
    reporter: Option<Arc<Reporter>>,
    /// For how long a server that cannot be reached is waited for, unless its storage says it, who is told of that, and
    /// the slot that others may have meanwhile. `None`: it is not waited for.
    network: Option<(Duration, Arc<Reporter>, Arc<Slot>)>,
    /// Whether a request that fails is not tried again.
    once: bool,
}

impl Reach {
    /// The way of an action, with the limits that hold for it, which the log names. What passes counts as progress.
    pub fn of_request(request: &Request, reporter: &Arc<Reporter>) -> Reach {
        let (own, general) = (request.action.bandwidth.clone(), request.bandwidth.clone());
        let counts = Arc::clone(reporter);
        let moved = move |direction, bytes| counts.moved(direction, bytes);
        let rates = Rates::new(own, general, zone(request.zone.as_deref()), moved);
        Reach {
            rates: Some(Arc::new(rates.told())),
            reporter: Some(Arc::clone(reporter)),
            ..Reach::default()
        }
    }

    /// The way of a command that reports to nobody, with limits of its own, and those of the settings.
    pub fn within(own: Bandwidth, general: Bandwidth, zone: Zone) -> Reach {
        Reach {
            rates: Some(Arc::new(Rates::new(own, general, zone, |_, _| ()))),
            ..Reach::default()
        }
    }

    /// The same way, with this cache for containers away from this host.
    pub fn with_cache(self, cache: Option<&Cache>) -> Reach {
        let cache = cache.map(|cache| CachePlace {
            directory: cache.directory.clone(),
            size: cache.size,
        });
        Reach { cache, ..self }
    }

    /// A way on which nothing is tried again, and of which the log says nothing.
    pub fn once() -> Reach {
        Reach {
            once: true,
            ..Reach::default()
        }
    }

    /// The same way, and a server that cannot be reached at the beginning is waited for so long, without the slot.
    pub fn waiting_for_network(
        self,
        limit: Duration,
        reporter: &Arc<Reporter>,
        slot: &Arc<Slot>,
    ) -> Reach {
        let network = Some((limit, Arc::clone(reporter), Arc::clone(slot)));
        Reach { network, ..self }
    }

    /// The same way, and a server that cannot be reached at the beginning is not waited for.
    pub fn without_waiting(&self) -> Reach {
        Reach {
            network: None,
            ..self.clone()
        }
    }

    /// The files of a container. Nothing is read or sent yet, apart from the secrets; rclone is started.
    ///
    /// # Errors
    /// When a secret or a certificate that the connection names cannot be read, or rclone cannot be used.
    pub fn storage(&self, container: &Container) -> Result<Arc<dyn Storage>, ActionError> {
        let files = self.files(container)?;
        if container.location.local().is_some() {
            return Ok(files);
        }
        let location = container.location.to_string();
        let tell = |notice: Notice<'_>| match notice {
            Notice::Fault(fault) => log(&format!("warning: {fault}; going on without a cache")),
            Notice::Unlisted(count) => log(&format!(
                "warning: the server did not list {}, but has the files; they count as listed",
                units::count(count as u64, "snapshot", "snapshots")
            )),
        };
        Ok(Arc::new(Cached::new(
            files,
            self.cache.clone(),
            location,
            Box::new(tell),
        )))
    }

    fn files(&self, container: &Container) -> Result<Arc<dyn Storage>, ActionError> {
        let concurrency = concurrency(&container.connection);
        let rates = self.rates.as_ref();
        let pace = rates.and_then(|rates| rates.pace(container));
        let pace = pace.as_ref();
        match &container.location {
            Location::Local(path) => {
                let local = Arc::new(Local::new(path));
                Ok(match pace {
                    Some(pace) => Arc::new(Limited::new(local, Arc::clone(pace))),
                    None => local,
                })
            }
            #[cfg(feature = "ftp")]
            Location::Ftp(place) => {
                let opened = ftp::open(place, &container.connection, pace, &concurrency);
                let ftp = opened.map_err(|source| cannot(container, source))?;
                Ok(self.with_retries(container, Arc::new(ftp), concurrency))
            }
            #[cfg(not(feature = "ftp"))]
            Location::Ftp(_) => Err(cannot(container, ConnectionFault::NotInThisBuild("ftp"))),
            Location::Rclone(place) => {
                let opened = rclone::open(place, &container.connection, pace);
                let rclone = opened.map_err(|source| cannot(container, source))?;
                Ok(self.with_retries(container, Arc::new(rclone), concurrency))
            }
            Location::Rest(place) => {
                let opened = http::rest(place, &container.connection, pace);
                let rest = opened.map_err(|source| cannot(container, source))?;
                Ok(self.with_retries(container, Arc::new(rest), concurrency))
            }
            #[cfg(feature = "s3")]
            Location::S3(place) => {
                let opened = s3::s3(place, &container.connection, pace);
                let bucket = opened.map_err(|source| cannot(container, source))?;
                Ok(self.with_retries(container, Arc::new(bucket), concurrency))
            }
            #[cfg(not(feature = "s3"))]
            Location::S3(_) => Err(cannot(container, ConnectionFault::NotInThisBuild("s3"))),
            #[cfg(feature = "sftp")]
            Location::Sftp(place) => {
                let opened = sftp::open(place, &container.connection, pace, &concurrency);
                let sftp = opened.map_err(|source| cannot(container, source))?;
                Ok(self.with_retries(container, Arc::new(sftp), concurrency))
            }
            #[cfg(not(feature = "sftp"))]
            Location::Sftp(_) => Err(cannot(container, ConnectionFault::NotInThisBuild("sftp"))),
            #[cfg(feature = "swift")]
            Location::Swift(place) => {
                let opened = swift::swift(place, &container.connection, pace);
                let swift = opened.map_err(|source| cannot(container, source))?;
                Ok(self.with_retries(container, Arc::new(swift), concurrency))
            }
            #[cfg(not(feature = "swift"))]
            Location::Swift(_) => Err(cannot(container, ConnectionFault::NotInThisBuild("swift"))),
        }
    }
}

impl Reach {
    /// The storage with retries, and the wait for the network at the beginning.
    fn with_retries(
        &self,
        container: &Container,
        storage: Arc<dyn Storage>,
        concurrency: Arc<Concurrency>,
    ) -> Arc<dyn Storage> {
        if self.once {
            return storage;
        }
        // An action may have several containers.
        let location = container.location.to_string();
        let reporter = self.reporter.clone();
        let tell = move |error: &StorageError, wait| {
            let wait = units::duration(wait);
            let reason = format!("{location}: {error}; trying again in {wait}");
            match &reporter {
                Some(reporter) => reporter.tries_again(&reason),
                None => log(&format!("warning: {reason}")),
            }
        };
        let mut policy = Policy::default();
        if let Some(patience) = container.connection.retry_for {
            policy.patience = patience;
        }
        let retry = Retry::new(storage, policy, concurrency, Box::new(tell));
        // rclone tries by itself, and does not tell a missing network from a mistake in its configuration.
        if matches!(container.location, Location::Rclone(_)) {
            return Arc::new(retry);
        }
        let limit = container.connection.network_wait;
        let Some((limit, reporter, slot)) = self
            .network
            .clone()
            .map(|(general, reporter, slot)| (limit.unwrap_or(general), reporter, slot))
            .filter(|(limit, ..)| !limit.is_zero())
        else {
            return Arc::new(retry);
        };
        // A short limit does not make it less patient than no limit at all.
        let limit = limit.max(policy.opening);
        let location = container.location.clone();
        Arc::new(retry.waiting_for_network(NetworkWait {
            limit,
            tell: Box::new(move |news| network_news(news, limit, &location, &reporter, &slot)),
        }))
    }
}

fn network_news(
    news: Network<'_>,
    limit: Duration,
    location: &Location,
    reporter: &Reporter,
    slot: &Slot,
) {
    let limit = units::duration(limit);
    match news {
        Network::Missing(error) => {
            reporter.waits(&format!(
                "the network: {error}; {location} is waited for, for up to {limit}"
            ));
            slot.give_back();
        }
        Network::There => {
            log("the server answers");
            slot.take_again();
            reporter.goes_on();
        }
        Network::GivenUp => {
            log(&format!(
                "the server could not be reached for {limit} (`network_wait`)"
            ));
            reporter.goes_on();
        }
    }
}

fn cannot(container: &Container, source: ConnectionFault) -> ActionError {
    ActionError::Connection {
        place: container.location.clone(),
        source,
    }
}

/// How many requests at a time a server gets.
fn connections(connection: &Connection) -> usize {
    let chosen = connection.connections;
    let chosen = chosen.and_then(|number| usize::try_from(number.get()).ok());
    chosen.unwrap_or(CONNECTIONS)
}

fn concurrency(connection: &Connection) -> Arc<Concurrency> {
    let tell = |change| {
        log(&match change {
            Change::Fewer { now, most } => format!(
                "warning: the server wants fewer requests: it gets {now} at a time for now, and not {most}"
            ),
            Change::AllAgain { most } => {
                let most = units::count(most as u64, "request", "requests");
                format!("the server takes {most} at a time again")
            }
        });
    };
    Arc::new(Concurrency::new(connections(connection), Box::new(tell)))
}

/// The zone of this name. One that is not known is named in the log.
pub(super) fn zone(name: Option<&str>) -> Zone {
    match name.map(Zone::named) {
        None => Zone::local(),
        Some(Ok(zone)) => zone,
        Some(Err(error)) => {
            log(&format!("warning: {error}; the zone of this host is used"));
            Zone::local()
        }
    }
}
