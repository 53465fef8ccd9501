//! All snapshots of a container.

use crate::config::Settings;
use crate::job::action::Container;
use crate::protocol::{ListError, ListRequest, Listing, agent_process};

/// Lists the snapshots of a container, whoever made them. No lock is taken, so that nobody waits for a person who is asked a
/// question about them.
///
/// # Errors
/// When the container cannot be opened or listed.
pub fn list_all(settings: &Settings, container: &Container) -> Result<Listing, ListError> {
    agent_process::list(ListRequest {
        container: container.clone(),
        host: None,
        backup_name: None,
        cache: settings.cache(),
        open: true,
    })
}
