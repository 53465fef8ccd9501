//! The targets of a backup: a command takes the first that has the snapshots and can be reached.

use super::ChosenContainer;
use super::output::say;
use crate::protocol::{ListRequest, agent_process};

/// Without the further targets of backups: of each backup, the first target that has such a snapshot. With the beginning
/// of an id, the first that has this one. If none has it, the first of all.
pub fn first_of_each(found: Vec<ChosenContainer>, id: Option<&str>) -> Vec<ChosenContainer> {
    let groups = found.chunk_by(|_, next| next.is_further_target);
    groups.filter_map(|targets| first(targets, id)).collect()
}

fn first(targets: &[ChosenContainer], id: Option<&str>) -> Option<ChosenContainer> {
    if let [only] = targets {
        return Some(only.clone());
    }
    let id = id.map(str::to_ascii_lowercase);
    let chosen = targets
        .iter()
        .find(|target| has_snapshot(target, id.as_deref()));
    if let Some(chosen) = chosen.filter(|chosen| chosen.container != targets[0].container) {
        say(&format!(
            "note: using the target {}",
            chosen.container.location
        ));
    }
    chosen.or(targets.first()).cloned()
}

/// Whether the target answers, and has a snapshot of this kind.
fn has_snapshot(target: &ChosenContainer, id: Option<&str>) -> bool {
    let place = &target.container.location;
    let listed = agent_process::list(ListRequest {
        container: target.container.clone(),
        host: target.host.clone(),
        backup_name: target.backup_name.clone(),
        cache: None,
        open: true,
    });
    let listing = match listed {
        Ok(listing) => listing,
        Err(error) => {
            say(&format!("note: the target {place} is left out: {error}"));
            return false;
        }
    };
    let is_it = |snapshot: &str| id.is_none_or(|id| snapshot.starts_with(id));
    listing.snapshots.iter().any(|it| is_it(&it.id))
}
