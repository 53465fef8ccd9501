//! `freezerd notify --retry`: the daemon tells receivers again what they have not accepted.

use serde_json::json;

use super::trial;
use crate::cli::control::{answer_to, with_daemon};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::config::Settings;
use crate::control::event::EventFile;

/// Asks the daemon for the receivers of these names, or for all.
pub(super) fn run(settings: &Settings, names: &[String], as_json: bool) -> Result<Exit, Failure> {
    trial::chosen(settings, names)?;
    let layout = with_daemon(settings)?.layout.clone();
    let answer = answer_to(settings, &layout, &EventFile::notify(names))?;
    if !answer.accepted {
        return Err(Failure::new(Exit::TryAgain, answer.answer));
    }
    match as_json {
        true => output::json(&json!({ "accepted": true, "answer": answer.answer })),
        false => println!("{}", answer.answer),
    }
    Ok(Exit::Success)
}
