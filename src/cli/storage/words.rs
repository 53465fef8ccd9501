//! What came of a trial, in words and as JSON.

use serde_json::{Value, json};

use crate::cli::container::kept;
use crate::schedule::zone::Zone;
use crate::storage::error::ErrorKind;
use crate::storage::trial::{Step, Trial, Tried};
use crate::units;

/// What a step does, as a line that is shown while it does it.
pub fn begins(step: Step) -> &'static str {
    match step {
        Step::Open => "connecting",
        Step::Prepare => "preparing the container",
        Step::Lock => "writing a lock",
        Step::RoundTrip => "measuring the round trip",
        Step::Write => "writing packs",
        Step::Read => "reading them",
        Step::List => "listing them",
        Step::Keep => "writing other content under the same name",
        Step::Unlock => "removing the lock",
        Step::Remove => "removing the packs",
    }
}

/// The step in JSON.
fn word(step: Step) -> &'static str {
    match step {
        Step::Open => "open",
        Step::Prepare => "prepare",
        Step::Lock => "lock",
        Step::RoundTrip => "round_trip",
        Step::Write => "write",
        Step::Read => "read",
        Step::List => "list",
        Step::Keep => "keep",
        Step::Unlock => "unlock",
        Step::Remove => "remove",
    }
}

/// What a storage can do when the step worked.
fn can(step: Step) -> &'static str {
    match step {
        Step::Open => "it answers",
        Step::Prepare => "a container can be made",
        Step::Lock => "a lock can be written",
        Step::RoundTrip => "small requests are answered",
        Step::Write => "packs can be written",
        Step::Read => "packs come back as they were written",
        Step::List => "a listing has what was written",
        Step::Keep => "nothing is replaced",
        Step::Unlock => "a lock can be removed",
        Step::Remove => "packs can be removed",
    }
}

/// What came of a trial, line by line.
pub fn lines(trial: &Trial, zone: &Zone) -> Vec<String> {
    let mut lines: Vec<String> = trial.steps.iter().map(|tried| line(tried, trial)).collect();
    if let Some(time) = trial.round_trip {
        lines.push(format!("round trip: {:.1} ms", time.as_secs_f64() * 1000.0));
    }
    for (rate, what) in [(trial.upload, "upload"), (trial.download, "download")] {
        if let Some(rate) = rate {
            lines.push(format!("{what}: {}/s", units::bytes(rate)));
        }
    }
    if let Some(retention) = trial.kept {
        let mode = kept::mode(retention.mode);
        let until = kept::until(retention, zone);
        lines.push(format!(
            "object lock: what is written now is kept {until} ({mode})"
        ));
    }
    if trial.made_bucket {
        lines.push(
            "note: the bucket did not exist. The test made it, and it stays; if its name is wrong, correct it, and remove the \
             bucket at the server"
                .to_owned(),
        );
    }
    lines.push(match (trial.is_good(), trial.is_append_only()) {
        (true, false) => "The storage works.".to_owned(),
        (true, true) => "The storage works and is append-only: backups work, and nobody who has these credentials can \
                         remove old snapshots. `admin` and `prune` need others. The test leaves its packs there."
            .to_owned(),
        (false, _) => "The storage does not work.".to_owned(),
    });
    lines
}

fn line(tried: &Tried, trial: &Trial) -> String {
    match &tried.result {
        Ok(()) => format!("ok      {}", can(tried.step)),
        Err(_) if tried.step == Step::Remove && trial.is_append_only() => {
            "note    packs cannot be removed".to_owned()
        }
        Err(error) => {
            let mut line = format!("failed  {}: {error}", begins(tried.step));
            if let Some(advice) = advice(tried.step, error.kind) {
                line.push_str(&format!("; {advice}"));
            }
            line
        }
    }
}

/// What to do about an error of a step.
pub fn advice(step: Step, kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Unreachable => Some(
            "check the address and the port in freezerd.toml, and whether a firewall is in between",
        ),
        ErrorKind::Unauthorized => {
            Some("check the user, and the file or the command that has the secret")
        }
        ErrorKind::NoPlace => Some("make the bucket, or correct its name"),
        ErrorKind::Clock => Some("set the clock of this host, or that of the server"),
        ErrorKind::Denied => Some("give this user the right to do it at the server"),
        ErrorKind::NoSpace => Some("free some space at the server, or raise the quota"),
        ErrorKind::ReadOnly => Some("make the storage writable at the server"),
        ErrorKind::Busy | ErrorKind::Overloaded => {
            Some("try again later; if it lasts, lower `connections`")
        }
        ErrorKind::Answer if step == Step::Keep => Some(
            "the server replaces files: a damaged or hostile client can destroy backups of this container",
        ),
        ErrorKind::Answer => Some("check whether `kind` and the address are those of this server"),
        _ => None,
    }
}

/// What came of a trial, as JSON. Times are in seconds, rates in bytes per second.
pub fn json(trial: &Trial) -> Value {
    let steps: Vec<Value> = trial.steps.iter().map(step).collect();
    json!({
        "good": trial.is_good(),
        "append_only": trial.is_append_only(),
        "made_bucket": trial.made_bucket,
        "round_trip": trial.round_trip.map(|time| time.as_secs_f64()),
        "upload": trial.upload,
        "download": trial.download,
        "kept": trial.kept.map(|it| json!({"mode": kept::mode(it.mode), "until": kept::instant(it.until)})),
        "steps": steps,
    })
}

fn step(tried: &Tried) -> Value {
    let error = tried.result.as_ref().err();
    json!({
        "step": word(tried.step),
        "ok": error.is_none(),
        "seconds": tried.took.as_secs_f64(),
        "message": error.map(ToString::to_string),
        "advice": error.and_then(|error| advice(tried.step, error.kind)),
    })
}
