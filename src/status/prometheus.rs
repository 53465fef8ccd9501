//! The status in the text format of Prometheus, version 0.0.4.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::{JobStatus, LastRun, Status};
use crate::escape::harmless;
use crate::record::{Ending, PastDrill};

/// Renders a status as metrics, in the order of `docs/monitoring.md`.
pub fn render(status: &Status) -> String {
    // About what the metrics of a job take.
    let mut text = Text(String::with_capacity(4096 + 1500 * status.jobs.len()));
    host(&mut text, status);
    jobs(&mut text, &status.jobs);
    text.0
}

fn host(text: &mut Text, status: &Status) {
    text.family(
        "freezerd_build_info",
        GAUGE,
        "The version that made these metrics; always 1.",
    );
    text.sample("freezerd_build_info", &[("version", status.version)], 1);
    text.one(
        "freezerd_up",
        "Whether a daemon works on the state directory.",
        u8::from(status.daemon.is_some()),
    );
    if let Some(since) = status.daemon.as_ref().and_then(|daemon| daemon.since) {
        text.one(
            "freezerd_start_time_seconds",
            "When the daemon started.",
            unix(since),
        );
    }
    text.one(
        "freezerd_rendered_timestamp_seconds",
        "When these metrics were made.",
        unix(status.at),
    );
    if let Some(last) = status.ledger.last_commit {
        text.one(
            "freezerd_ledger_last_commit_timestamp_seconds",
            "When the daemon last wrote to its ledger.",
            unix(last),
        );
    }
    text.family("freezerd_jobs", GAUGE, "Jobs by status.");
    for (word, count) in status.summary.jobs.each() {
        text.sample("freezerd_jobs", &[("status", word)], count);
    }
    let summary = &status.summary;
    for (name, help, value) in [
        (
            "freezerd_jobs_failing",
            "Jobs whose last run was not a success.",
            summary.failing,
        ),
        (
            "freezerd_jobs_overdue",
            "Jobs with a due instant that no success has followed.",
            summary.overdue,
        ),
        (
            "freezerd_jobs_too_old",
            "Jobs that have not succeeded for longer than their max_age.",
            summary.too_old,
        ),
        (
            "freezerd_jobs_alarmed",
            "Jobs with an alarm of a guard that nobody has accepted.",
            summary.alarmed,
        ),
        (
            "freezerd_files_invalid",
            "Files in the jobs directory that are not valid jobs.",
            summary.invalid_files,
        ),
        (
            "freezerd_files_foreign",
            "Files in the jobs directory with jobs of other hosts.",
            summary.foreign_files,
        ),
        (
            "freezerd_runs_running",
            "Runs with an action that is running.",
            summary.runs_running,
        ),
        (
            "freezerd_runs_queued",
            "Runs that wait for a slot or a container.",
            summary.runs_queued,
        ),
        (
            "freezerd_runs_waiting",
            "Runs that wait for a retry.",
            summary.runs_waiting,
        ),
        (
            "freezerd_messages_waiting",
            "Messages that wait to be sent to their receiver.",
            summary.messages_waiting,
        ),
        (
            "freezerd_messages_given_up",
            "Messages of the last 30 days that their receiver did not accept.",
            summary.messages_given_up,
        ),
    ] {
        text.one(name, help, value);
    }
}

fn jobs(text: &mut Text, jobs: &[JobStatus]) {
    let last =
        |number: fn(&LastRun) -> f64| move |job: &JobStatus| job.last_run.as_ref().map(number);
    text.each(
        jobs,
        "freezerd_job_running",
        "Whether a run of the job has started and is not over.",
        |job| {
            let word = job.status;
            let busy = matches!(
                word,
                crate::job::Status::Running | crate::job::Status::Aborting
            );
            Some(f64::from(u8::from(busy)))
        },
    );
    text.each(
        jobs,
        "freezerd_job_last_success_timestamp_seconds",
        "The end of the job's last successful run; 0 before the first.",
        |job| Some(job.last_success.map_or(0.0, unix)),
    );
    text.each(
        jobs,
        "freezerd_job_overdue_seconds",
        "How long ago the job was due without a success since; 0 when none is owed.",
        |job| Some(job.overdue_seconds),
    );
    text.each(
        jobs,
        "freezerd_job_owed_since_timestamp_seconds",
        "The earliest due instant that no success has followed; absent when none is owed.",
        |job| job.owed_since.map(unix),
    );
    text.each(
        jobs,
        "freezerd_job_too_old_timestamp_seconds",
        "From when on the job's last success is older than its max_age; absent without max_age.",
        |job| job.too_old_at.map(unix),
    );
    text.each(
        jobs,
        "freezerd_job_next_run_timestamp_seconds",
        "When the job runs next; absent when it does not.",
        |job| job.next.map(unix),
    );
    text.each(
        jobs,
        "freezerd_job_consecutive_failures",
        "Runs in a row that failed.",
        |job| Some(f64::from(job.failures)),
    );
    text.each(
        jobs,
        "freezerd_job_last_run_success",
        "Whether the job's last run was a success; absent before the first.",
        last(|run| f64::from(u8::from(run.result == Ending::Success))),
    );
    text.family(
        "freezerd_job_last_run_result",
        GAUGE,
        "How the job's last run ended, as a label; always 1.",
    );
    for job in jobs {
        if let Some(run) = &job.last_run {
            let labels = [
                ("job_id", job.job_id.as_str()),
                ("result", run.result.name()),
            ];
            text.sample("freezerd_job_last_run_result", &labels, 1);
        }
    }
    text.each(
        jobs,
        "freezerd_job_last_run_start_timestamp_seconds",
        "When the job's last run started.",
        last(|run| unix(run.started)),
    );
    text.each(
        jobs,
        "freezerd_job_last_run_end_timestamp_seconds",
        "When the job's last run ended.",
        last(|run| unix(run.ended)),
    );
    text.each(
        jobs,
        "freezerd_job_last_run_duration_seconds",
        "How long the job's last run took.",
        last(|run| run.seconds),
    );
    text.each(
        jobs,
        "freezerd_job_last_run_added_bytes",
        "Bytes that the job's last run added to its containers.",
        last(|run| run.bytes_added as f64),
    );
    text.each(
        jobs,
        "freezerd_job_last_run_failed_files",
        "Paths that the job's last run did not back up, or not restore.",
        last(|run| run.files_failed as f64),
    );
    text.each(
        jobs,
        "freezerd_job_alarms",
        "Snapshots of the job that look as if its source were damaged, and that nobody has accepted.",
        |job| Some(job.alarms.len() as f64),
    );
    let checks = jobs.iter().any(|job| !job.data_checks.is_empty());
    if checks {
        text.family(
            "freezerd_container_data_read_timestamp_seconds",
            GAUGE,
            "When the part of the container's data was read that the job's checks read longest ago; 0 until all was read.",
        );
    }
    for job in jobs {
        for check in &job.data_checks {
            let labels = [
                ("job_id", job.job_id.as_str()),
                ("container", check.container.as_str()),
            ];
            let name = "freezerd_container_data_read_timestamp_seconds";
            text.sample(name, &labels, check.all_read_since.map_or(0.0, unix));
        }
    }
    if jobs.iter().any(|job| !job.prunes.is_empty()) {
        prunes(text, jobs);
    }
    if jobs.iter().any(|job| job.last_drill.is_some()) {
        drills(text, jobs);
    }
    text.family(
        "freezerd_job_runs_total",
        COUNTER,
        "Rows of the job that are over since it was first seen, by how they ended.",
    );
    for job in jobs {
        let mut rows = job.runs_total;
        for ending in [
            Ending::Success,
            Ending::Partial,
            Ending::Fail,
            Ending::Aborted,
            Ending::Interrupted,
            Ending::Skipped,
        ] {
            let labels = [("job_id", job.job_id.as_str()), ("result", ending.name())];
            text.sample("freezerd_job_runs_total", &labels, *rows.of(ending));
        }
    }
}

/// The metrics of the jobs that have removed snapshots.
fn prunes(text: &mut Text, jobs: &[JobStatus]) {
    let name = "freezerd_container_pruned_timestamp_seconds";
    let help = "When a run of the job pruned the container last; 0 before the first.";
    text.family(name, GAUGE, help);
    for job in jobs {
        for prune in &job.prunes {
            let labels = [
                ("job_id", job.job_id.as_str()),
                ("container", prune.container.as_str()),
            ];
            text.sample(name, &labels, prune.pruned.map_or(0.0, unix));
        }
    }
}

/// The metrics of the jobs that have had a drill.
fn drills(text: &mut Text, jobs: &[JobStatus]) {
    let last =
        |number: fn(&PastDrill) -> f64| move |job: &JobStatus| job.last_drill.as_ref().map(number);
    text.each(
        jobs,
        "freezerd_job_last_drill_end_timestamp_seconds",
        "When the job's last drill ended.",
        last(|drill| unix(drill.ended)),
    );
    text.each(
        jobs,
        "freezerd_job_last_drill_success",
        "Whether the job's last drill found everything as in the snapshot.",
        last(|drill| f64::from(u8::from(drill.success))),
    );
    text.each(
        jobs,
        "freezerd_job_last_good_drill_timestamp_seconds",
        "When the job's last successful drill ended; 0 before the first.",
        last(|drill| drill.last_success.map_or(0.0, unix)),
    );
    text.each(
        jobs,
        "freezerd_job_last_drill_restore_seconds",
        "How long the restore of the job's last drill took; absent if it did not come so far.",
        |job| {
            let found = job.last_drill.as_ref()?.found?;
            Some(found.restore_milliseconds as f64 / 1000.0)
        },
    );
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            self.0.push_str(label);
            self.0.push_str("=\"");
            escape(&mut self.0, value);
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn one(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, GAUGE, help);
        self.sample(name, &[], value);
    }

    /// A gauge with a sample for each job that has the number.
    fn each(
        &mut self,
        jobs: &[JobStatus],
        name: &str,
        help: &str,
        number: impl Fn(&JobStatus) -> Option<f64>,
    ) {
        self.family(name, GAUGE, help);
        for job in jobs {
            if let Some(number) = number(job) {
                self.sample(name, &[("job_id", &job.job_id)], number);
            }
        }
    }
}

/// Appends a label's value as one line of harmless text. The format requires a backslash before backslash and quote.
fn escape(text: &mut String, value: &str) {
    for character in harmless(value).chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

fn unix(instant: DateTime<Utc>) -> f64 {
    instant.timestamp_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_label_cannot_end_early_or_begin_a_line() {
        let mut text = String::new();
        escape(&mut text, "a\"b\\c\nd\u{9b}31m ü");
        assert_eq!(text, "a\\\"b\\\\c\\\\nd\\\\u{9b}31m ü");
    }
}
