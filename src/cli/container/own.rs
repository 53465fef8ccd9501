//! The container of a job's own backups, for a command that changes whose snapshots there are.

use super::{ChosenContainer, ContainerOptions};
use crate::cli::exit::{Exit, Failure};
use crate::config::Settings;

/// The arguments that select the backups of a job in one container.
#[derive(Debug, clap::Args)]
pub struct OwnArgs {
    /// Use the container, the host, the backup names and the paths of this job
    job: String,
    /// Use this action of the job, counted from 1
    #[arg(long, value_name = "N")]
    action: Option<usize>,
}

impl OwnArgs {
    /// The selections of the job, which have all a backup name and a host and are in one container. There is at least one.
    ///
    /// # Errors
    /// When there is no such job, and when the arguments leave several containers or none.
    pub fn find(&self, settings: &Settings) -> Result<Vec<ChosenContainer>, Failure> {
        let options = ContainerOptions::of_action(self.action);
        let mut found = options.find_all(settings, Some(&self.job))?;
        found.retain(|it| it.backup_name.is_some() && it.host.is_some());
        let Some(first) = found.first() else {
            let message = format!("{} has no backup whose snapshots could be meant", self.job);
            return Err(Failure::new(Exit::NotFound, message));
        };
        match found.iter().all(|it| it.container == first.container) {
            true => Ok(found),
            false => Err(Failure::new(
                Exit::Usage,
                "the job has several containers; choose one with --action N".to_owned(),
            )),
        }
    }
}
