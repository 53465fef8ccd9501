//! The formats of the log: lines for a terminal, lines of JSON, and lines for the journal.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::screen::Screen;
use crate::config::{LogFormat, Settings};
use crate::escape::{harmless, harmless_json};
use crate::schedule::zone::Zone;

/// Starts to log to standard error in the format and with the level of the settings. A line that cannot be written, because
/// the terminal is gone or the disk is full, is lost; the work goes on.
pub fn start(settings: &Settings, screen: &Arc<Screen>) {
    let level = LevelFilter::from_level(settings.log_level);
    // Libraries log only warnings and errors.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_target("freezerd", level);
    let registry = tracing_subscriber::registry().with(filter);
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let format = match settings.log_format {
        LogFormat::Auto if under_systemd => LogFormat::Journal,
        LogFormat::Auto => LogFormat::Human,
        given => given,
    };
    if format == LogFormat::Journal {
        let lines = tracing_subscriber::fmt::layer()
            .event_format(Journal)
            .log_internal_errors(false)
            .with_writer(io::stderr);
        let _ = registry.with(lines).try_init();
        return;
    } else if format == LogFormat::Json {
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_timer(Rfc3339)
            .log_internal_errors(false)
            .with_writer(|| JsonLines(Vec::new()));
        let _ = registry.with(lines).try_init();
        return;
    }
    let human = tracing_subscriber::fmt::layer()
        .event_format(Human {
            zone: settings.zone(),
            colour: screen.colour(),
        })
        .log_internal_errors(false)
        .with_writer(AroundBars(Arc::clone(screen)));
    let _ = registry.with(human).try_init();
}

/// Writes the time as RFC 3339 in UTC, with milliseconds.
struct Rfc3339;

impl tracing_subscriber::fmt::time::FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(
            writer,
            "{}",
            Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
        )
    }
}

/// The format for people: one line for each event with the time of day, the job and the message.
struct Human {
    zone: Zone,
    colour: bool,
}

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let time = self.zone.to_local(Utc::now());
        let (mark, start, end) = match *event.metadata().level() {
            Level::ERROR => ("error: ", "\x1b[31m", "\x1b[0m"),
            Level::WARN => ("warning: ", "\x1b[33m", "\x1b[0m"),
            Level::INFO => ("", "", ""),
            _ => ("debug: ", "\x1b[2m", "\x1b[0m"),
        };
        let (start, end) = if self.colour { (start, end) } else { ("", "") };
        write!(writer, "{} {start}{mark}{end}", time.format("%H:%M:%S"))?;
        if let Some(job) = &fields.job {
            write!(writer, "{job}: ")?;
        }
        for line in fields.lines() {
            writeln!(writer, "{line}")?;
        }
        Ok(())
    }
}

/// The format that systemd reads from standard error, sd-daemon(3): each line begins with its level, and the journal adds
/// the time. The native protocol of the journal is not used: it would keep the job in a separate field, which journalctl
/// does not show by default.
struct Journal;

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        let mut about = match &fields.job {
            Some(job) => format!("{job}: "),
            None => String::new(),
        };
        for line in fields.lines().filter(|line| !line.trim().is_empty()) {
            writeln!(writer, "<{level}>{about}{line}")?;
            about.clear();
        }
        Ok(())
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    job: Option<String>,
    /// Lines that follow the message.
    details: String,
}

impl Fields {
    /// The message as one line, whatever it names, and the details.
    fn lines(&self) -> impl Iterator<Item = String> {
        std::iter::once(harmless(&self.message)).chain(self.details.lines().map(harmless))
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "job" => self.job = Some(value.to_owned()),
            "details" => value.clone_into(&mut self.details),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

/// Writes whole lines of JSON to standard error.
struct JsonLines(Vec<u8>);

impl io::Write for JsonLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        // If standard error is gone, the lines are lost.
        let _ = io::stderr()
            .lock()
            .write_all(harmless_json(&text).as_bytes());
    }
}

/// Writes whole lines to standard error, above the progress bars.
struct AroundBars(Arc<Screen>);

impl<'a> MakeWriter<'a> for AroundBars {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            screen: Arc::clone(&self.0),
            text: Vec::new(),
        }
    }
}

struct Line {
    screen: Arc<Screen>,
    text: Vec<u8>,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.screen.print(&self.text);
    }
}

/// An instant in few characters, for a table: month, day and time, or the day where the year is another one than that of
/// `now`. A dash stands for none.
pub fn short_moment(instant: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: &Zone) -> String {
    instant.map_or_else(
        || "–".to_owned(),
        |instant| {
            let (local, now) = (zone.to_local(instant), zone.to_local(now));
            let form = match local.year() == now.year() {
                true => "%b %d %H:%M",
                false => "%b %d %Y",
            };
            local.format(form).to_string()
        },
    )
}

/// An instant as date and time of day in the zone, for tables; a dash for `None`.
pub fn moment(instant: Option<DateTime<Utc>>, zone: &Zone) -> String {
    instant.map_or_else(
        || "–".to_owned(),
        |instant| zone.to_local(instant).format("%F %T").to_string(),
    )
}
