//! The terminal of a daemon in the foreground: a progress bar for each running action, and log lines above the bars.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;
use crate::control::progress::ProgressFile;
use crate::control::progress_sink::ProgressSink;
use crate::escape::harmless;
use crate::protocol::Traffic;
use crate::units;

/// Standard error with progress bars.
pub struct Screen {
    bars: MultiProgress,
    running: Mutex<HashMap<u64, ProgressBar>>,
    terminal: bool,
}

impl Screen {
    /// Shows bars only if standard error is a terminal.
    pub fn new() -> Screen {
        let terminal = io::stderr().is_terminal();
        Screen {
            bars: MultiProgress::with_draw_target(if terminal {
                Terminal::draw_target()
            } else {
                ProgressDrawTarget::hidden()
            }),
            running: Mutex::new(HashMap::new()),
            terminal,
        }
    }

    /// Whether lines are coloured: standard error is a terminal, and NO_COLOR is not set or is empty.
    pub fn colour(&self) -> bool {
        self.terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Prints a line above the bars.
    pub fn print(&self, line: &[u8]) {
        self.bars.suspend(|| {
            // If the terminal is gone, the line is lost.
            let _ = io::stderr().lock().write_all(line);
        });
    }
}

const WITH_BAR: &str = "{prefix} {wide_bar:.dim} {msg}";
const WITHOUT_BAR: &str = "{prefix} {msg}";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl ProgressSink for Screen {
    fn progress(&self, progress: &ProgressFile) {
        if !self.terminal {
            return;
        }
        let Ok(mut running) = self.running.lock() else {
            return;
        };
        let bar = running.entry(progress.run).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new(0));
            bar.set_style(style(WITHOUT_BAR));
            bar
        });
        bar.set_prefix(harmless(&format!("{} {}", progress.job_id, progress.kind)));
        // While nobody knows how much there is, a bar would look full.
        match progress.progress.bytes_total {
            Some(total) => {
                bar.set_length(total);
                bar.set_style(style(WITH_BAR));
            }
            None => bar.set_style(style(WITHOUT_BAR)),
        }
        bar.set_position(progress.progress.bytes_done);
        bar.set_message(harmless(&describe(progress)));
    }

    fn ended(&self, run: u64) {
        if let Ok(mut running) = self.running.lock()
            && let Some(bar) = running.remove(&run)
        {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

/// The progress of an action in one line: phase, entries, bytes, rate, time left and what goes over the line, or what it
/// waits for.
pub fn describe(file: &ProgressFile) -> String {
    if let Some(waiting) = &file.waiting {
        return format!("waiting: {waiting}");
    }
    let progress = &file.progress;
    let mut parts = Vec::new();
    if !progress.phase.is_empty() {
        parts.push(progress.phase.clone());
    }
    // What has no bytes is not of files: the phase says what is counted, such as snapshots.
    let has_bytes = progress.bytes_done > 0 || progress.bytes_total.is_some();
    match (progress.files_done, progress.files_total) {
        (0, None) => {}
        (done, Some(total)) if has_bytes => {
            parts.push(format!("{done} of {}", units::files_and_others(total)))
        }
        (done, None) if has_bytes => parts.push(units::files_and_others(done)),
        (done, Some(total)) => parts.push(format!("{done} of {total}")),
        (done, None) => parts.push(done.to_string()),
    }
    match (progress.bytes_done, progress.bytes_total) {
        (0, None) => {}
        (done, Some(total)) => {
            parts.push(format!("{} of {}", units::bytes(done), units::bytes(total)))
        }
        (done, None) => parts.push(units::bytes(done)),
    }
    // When all is read, the rate of reading says nothing more.
    let goes_on = progress.bytes_total != Some(progress.bytes_done);
    if let Some(rate) = file.rate().filter(|_| goes_on) {
        parts.push(format!("{}/s", units::bytes(rate as u64)));
    }
    if let Some(left) = file.time_left() {
        parts.push(format!("{} left", units::duration(left)));
    }
    if let Some(traffic) = &progress.traffic {
        parts.extend(over_the_line(traffic));
    }
    parts.join(", ")
}

/// What goes over the line. The way on which little goes beside the other one is left out.
fn over_the_line(traffic: &Traffic) -> impl Iterator<Item = String> {
    let ways = [
        (traffic.sent, traffic.sent_per_second, "sent"),
        (traffic.received, traffic.received_per_second, "received"),
    ];
    let most = traffic.sent.max(traffic.received);
    let much = ways
        .into_iter()
        .filter(move |(bytes, ..)| *bytes > most / 10);
    much.map(|(bytes, rate, word)| {
        format!("{} {word} ({}/s)", units::bytes(bytes), units::bytes(rate))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Progress;
    use crate::samples::minute as at;

    #[test]
    fn what_has_bytes_is_counted_in_files_and_other_entries_and_the_rest_as_the_phase_says() {
        for (phase, files, bytes, expected) in [
            (
                "backing up",
                (3, Some(12)),
                (500, Some(1000)),
                "backing up, 3 of 12 files and other entries, 500 B of 1.0 kB",
            ),
            (
                "scanning",
                (1, None),
                (500, None),
                "scanning, 1 file or other entry, 500 B",
            ),
            (
                "reading snapshots",
                (1, Some(40)),
                (0, None),
                "reading snapshots, 1 of 40",
            ),
            ("reading trees", (7, None), (0, None), "reading trees, 7"),
        ] {
            let file = ProgressFile {
                run: 7,
                job_id: "job".to_owned(),
                action: 0,
                kind: "backup".to_owned(),
                attempt: 1,
                started: at(0),
                updated: at(0),
                waiting: None,
                progress: Progress {
                    phase: phase.to_owned(),
                    files_done: files.0,
                    files_total: files.1,
                    bytes_done: bytes.0,
                    bytes_total: bytes.1,
                    traffic: None,
                },
            };
            assert_eq!(describe(&file), expected);
        }
    }

    #[test]
    fn what_goes_over_the_line_is_named_with_its_rate_on_the_ways_where_much_goes() {
        for (sent, received, expected) in [
            (9_000_000, 40_000, vec!["9.0 MB sent (2.0 MB/s)"]),
            (40_000, 9_000_000, vec!["9.0 MB received (1.0 MB/s)"]),
            (
                9_000_000,
                8_000_000,
                vec!["9.0 MB sent (2.0 MB/s)", "8.0 MB received (1.0 MB/s)"],
            ),
        ] {
            let traffic = Traffic {
                sent,
                received,
                sent_per_second: 2_000_000,
                received_per_second: 1_000_000,
            };
            assert_eq!(over_the_line(&traffic).collect::<Vec<_>>(), expected);
        }
    }
}
