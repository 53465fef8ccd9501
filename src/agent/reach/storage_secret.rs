//! The secrets of a storage.

use zeroize::Zeroizing;

use crate::agent::connection_fault::ConnectionFault;
use crate::agent::report::log;
use crate::job::storage::SecretSource;
use crate::secret;

/// Reads the secret of a storage under this key, which is without `_file` or the like. `None`: the storage has none.
pub(super) fn storage_secret(
    key: &'static str,
    source: Option<&SecretSource>,
) -> Result<Option<Zeroizing<String>>, ConnectionFault> {
    let read = source.map(|source| secret::read(source, &log));
    read.transpose()
        .map_err(|source| ConnectionFault::Secret { key, source })
}
