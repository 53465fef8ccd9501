//! S3 servers: the credentials, the region, and what else the storage says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::http;
use super::storage_secret::storage_secret;
use crate::agent::connection_fault::ConnectionFault;
use crate::job::storage::{Archive, ArchiveTier, Connection, S3Connection};
use crate::location::S3Place;
use crate::secret::password;
use crate::storage::bring_back::{Terms, Tier};
use crate::storage::error::ErrorKind;
use crate::storage::http::{Failure, Options};
use crate::storage::limit::Pace;
use crate::storage::s3::credentials::{Credentials, Fetch, System, chain};
use crate::storage::s3::{DEFAULT_REGION, S3, Settings};

/// A server answers each request, so a connection without any movement is lost.
const STALL: Duration = Duration::from_secs(2 * 60);

/// The files of a container in a bucket. Nothing is sent yet.
pub(super) fn s3(
    place: &S3Place,
    connection: &Connection,
    pace: Option<&Arc<Pace>>,
) -> Result<S3, ConnectionFault> {
    let own = connection.s3.as_deref().cloned().unwrap_or_default();
    let options = Options {
        stall: connection.stall(STALL),
        ..http::options(connection, pace)?
    };
    let region = own.region.clone().or_else(|| {
        ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    });
    let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let settings = Settings {
        region: region.clone(),
        path_style: own.path_style,
        storage_class: own.storage_class.clone(),
        retains: own
            .retain_days
            .map(|days| Duration::from_secs(u64::from(days.get()) * 24 * 60 * 60)),
        brings_back: own.archive.map(terms),
    };
    let fetch = match own.access_key {
        Some(_) => given(own)?,
        None => {
            let system = System::new(options.trust.clone(), options.proxy.clone());
            let system = system.map_err(ConnectionFault::Options)?;
            let wanted = chain::Wanted {
                profile: own.profile,
                file: own.credentials_file,
                region,
            };
            password::forbid_core_files();
            Box::new(move || chain::fetch(&wanted, &system))
        }
    };
    S3::new(place, settings, fetch, options).map_err(ConnectionFault::Options)
}

/// How the storage brings packs back from an archive.
fn terms(archive: Archive) -> Terms {
    Terms {
        tier: match archive.tier {
            ArchiveTier::Standard => Tier::Standard,
            ArchiveTier::Bulk => Tier::Bulk,
            ArchiveTier::Expedited => Tier::Expedited,
        },
        days: archive.days,
    }
}

/// Credentials that the storage names. Their secrets are read now, and again when the server says that they have ended.
fn given(own: S3Connection) -> Result<Fetch, ConnectionFault> {
    let first = Mutex::new(Some(read(&own)?));
    Ok(Box::new(move || {
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(first) => Ok(first),
            None => read(&own)
                .map_err(|fault| Failure::told(ErrorKind::Unauthorized, fault.to_string())),
        }
    }))
}

fn read(own: &S3Connection) -> Result<Credentials, ConnectionFault> {
    Ok(Credentials {
        access_key: own.access_key.clone().unwrap_or_default(),
        secret_key: storage_secret("secret_key", own.secret_key.as_ref())?.unwrap_or_default(),
        session_token: storage_secret("session_token", own.session_token.as_ref())?,
        expires: None,
    })
}
