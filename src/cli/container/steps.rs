//! The progress of a command that works on a whole repository: a bar on standard error, if that is a terminal.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::terminal::Terminal;
use crate::repository::progress::{Observer, Stage};
use crate::units;

/// The bar. It disappears when this is dropped.
pub struct Steps {
    bar: ProgressBar,
    /// The stage counts bytes.
    bytes: AtomicBool,
}

impl Steps {
    /// A bar, which is hidden unless standard error is a terminal.
    pub fn new() -> Steps {
        let target = match io::stderr().is_terminal() {
            true => Terminal::draw_target(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar:.dim} {msg}") {
            bar.set_style(style);
        }
        Steps {
            bar,
            bytes: AtomicBool::new(false),
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Steps {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        self.bytes.store(stage.counts_bytes(), Ordering::Relaxed);
        self.bar.set_position(0);
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_prefix(stage.words());
        self.bar.set_message("");
    }

    fn advance(&self, count: u64) {
        self.bar.inc(count);
        let done = self.bar.position();
        let total = self.bar.length();
        let text = |count: u64| match self.bytes.load(Ordering::Relaxed) {
            true => units::bytes(count),
            false => count.to_string(),
        };
        self.bar.set_message(match total {
            Some(total) => format!("{} of {}", text(done), text(total)),
            None => text(done),
        });
    }
}
