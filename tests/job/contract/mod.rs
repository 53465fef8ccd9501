//! The sentences of the contract about keys and values, one test each.

mod actions;
mod drill;
mod habits;
mod keep;
mod keys;
mod rates;
mod restores;
mod selection;
mod storages;
mod upkeep;
mod values;
mod whole_file;

use freezerd::job::action::Work;

use crate::support::job;

fn as_backup(text: &str) -> freezerd::job::action::Backup {
    match job(text).actions.remove(0).action.work {
        Work::Backup(backup) => backup,
        other => panic!("{other:?}"),
    }
}
