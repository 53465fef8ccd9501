//! A restore says what it could not bring back, and touches nothing outside its target.

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
