//! A restore reports what it could not restore, and changes nothing outside its target.

mod delete;
mod owners;
mod part;
mod snapshot;
mod target;

use std::path::PathBuf;

use freezerd::job::action::{Restore, Work};

use crate::support::*;

fn overwriting(place: &Place) -> Work {
    Work::Restore(Restore {
        overwrite: true,
        ..place.restore()
    })
}

fn problems(ended: &Ended) -> Vec<PathBuf> {
    let mut paths: Vec<_> = ended
        .outcome()
        .problems
        .iter()
        .map(|problem| PathBuf::from(&problem.path))
        .collect();
    paths.sort();
    paths
}
