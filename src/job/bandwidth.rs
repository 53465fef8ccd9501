//! The limits on the data to and from a container.

use serde::{Deserialize, Serialize};

use super::rate_limit::RateLimit;

/// What an action, a storage or the settings say about the bytes a second to and from a container. `None`: nothing. A limit
/// without a rate says that there is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<RateLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<RateLimit>,
}

impl Bandwidth {
    /// Whether nothing is said.
    pub fn is_unset(&self) -> bool {
        *self == Bandwidth::default()
    }
}
