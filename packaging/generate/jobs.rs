//! freezerd-jobs(5): the job file, generated from the tables that the parser uses.

use freezerd::agent::exec_environment::VARIABLES;
use freezerd::job::codes;
use freezerd::job::keys::{Bounds, Key, Object, Shape, Support};
use freezerd::job::kind::{WorkKind, WorkKinds};

use crate::page::{Page, head};
use crate::texts;

/// The example at the beginning of the manual page.
pub const FIRST_JOB: &str = r#"{
  "job_actions": [
    {
      "freezer_action": {
        "action": "backup",
        "path_to_backup": "/etc",
        "backup_name": "etc",
        "container": "main",
        "encrypt_pass_file": "/etc/freezerd/password"
      }
    }
  ],
  "job_schedule": { "schedule_hour": "2", "schedule_minute": "30" }
}"#;

/// Returns the source of the manual page.
pub fn page() -> String {
    let mut page = Page::new(
        "freezerd-jobs",
        "5",
        "job files of the backup scheduler freezerd",
    );
    page.section("SYNOPSIS");
    page.paragraph("`/etc/freezerd/jobs.d/*.json`");
    description(&mut page);
    page.section("EXAMPLE");
    page.example(FIRST_JOB);
    page.paragraph("More are in `/usr/share/doc/freezerd/examples`.");
    page.section("KEYS OF THE JOB");
    keys(&mut page, Object::Job, |_| true);
    page.section("KEYS OF AN ENTRY OF JOB_ACTIONS");
    keys(&mut page, Object::Entry, |_| true);
    page.section("KEYS OF FREEZER_ACTION");
    page.paragraph("`action` is one of these words:");
    if let Some(action) = Object::Action.find("action") {
        words(&mut page, action);
    }
    action_keys(&mut page);
    page.section("KEYS OF AN ENTRY OF TARGETS");
    keys(&mut page, Object::Target, |_| true);
    patterns(&mut page);
    retention(&mut page);
    limits(&mut page);
    environment(&mut page);
    page.section("KEYS OF JOB_SCHEDULE");
    schedule(&mut page);
    keys(&mut page, Object::Schedule, |_| true);
    faults(&mut page);
    page.section("FILES");
    for (path, text) in [
        ("/etc/freezerd/jobs.d", "The job files."),
        (
            "/usr/share/freezerd/job.schema.json",
            "The JSON Schema of job files, for editors. `freezerd schema` prints it too.",
        ),
        ("/usr/share/doc/freezerd/examples", "Example job files."),
    ] {
        page.entry(head(path, ""), &[text.to_owned()]);
    }
    page.see_also(&[
        ("freezerd", "8"),
        ("freezerd-check", "8"),
        ("freezerd-next", "8"),
        ("freezerd-explain", "8"),
        ("freezerd.toml", "5"),
    ]);
    page.render()
}

fn description(page: &mut Page) {
    page.section("DESCRIPTION");
    for text in texts::DESCRIPTION {
        page.paragraph(text);
    }
}

fn keys(page: &mut Page, object: Object, wanted: impl Fn(&Key) -> bool) {
    let several = |kinds: WorkKinds| kinds.words().count() > 1;
    for key in object.keys().iter().filter(|key| wanted(key)) {
        let mut text = vec![key.about.to_owned()];
        if let Some(names) = aliases(key) {
            text.push(names);
        }
        match key.support {
            Support::Used | Support::Kept => {}
            Support::NoEffect(instead) => text.push(format!("No effect: {instead}.")),
            Support::Unsupported(why) => text.push(format!("Refused: {why}.")),
        }
        if object == Object::Action
            && key.support == Support::Used
            && key.kinds != WorkKinds::ALL
            && several(key.kinds)
        {
            text.push(format!("For {}.", list(key.kinds.words())));
        }
        if key.required == WorkKinds::ALL {
            text.push("Required.".to_owned());
        } else if key.required != WorkKinds::NONE {
            text.push(format!("Required for {}.", list(key.required.words())));
        }
        if let Some(default) = key.default {
            text.push(format!("Default: `{default}`."));
        }
        page.entry(head(key.name, &form(key)), &text);
        if key.name != "action" {
            words(page, key);
        }
    }
}

/// The keys of actions. Those that have an effect come first.
fn action_keys(page: &mut Page) {
    let used = |key: &Key| key.support == Support::Used;
    page.subsection("For several kinds of actions");
    keys(page, Object::Action, |key| {
        used(key) && key.kinds == WorkKinds::ALL
    });
    for kind in WorkKind::ALL.iter().copied() {
        let own = move |key: &Key| {
            // A key of several kinds of actions is listed with the first kind.
            used(key) && key.kinds != WorkKinds::ALL && key.kinds.iter().next() == Some(kind)
        };
        if Object::Action.keys().iter().any(own) {
            page.subsection(&format!("For {}", kind.word()));
            keys(page, Object::Action, own);
        }
    }
    page.subsection("Keys without effect");
    page.paragraph(
        "These keys come from Freezer. freezerd accepts them, and warns what it does instead.",
    );
    keys(page, Object::Action, |key| {
        matches!(key.support, Support::NoEffect(_) | Support::Kept)
    });
    page.subsection("Keys that are not supported");
    page.paragraph("freezerd refuses a job that has one of these keys, because it would not do what the key asks for.");
    keys(page, Object::Action, |key| {
        matches!(key.support, Support::Unsupported(_))
    });
}

fn patterns(page: &mut Page) {
    page.section("PATTERNS");
    page.paragraph(texts::PATTERNS);
    for (pattern, text) in texts::PATTERN_FORMS {
        page.entry(head(pattern, ""), &[text.to_owned()]);
    }
    page.paragraph(texts::MORE_OF_PATTERNS);
}

fn retention(page: &mut Page) {
    page.section("RETENTION");
    for text in texts::RETENTION {
        page.paragraph(text);
    }
}

fn limits(page: &mut Page) {
    page.section("LIMITS");
    page.paragraph(texts::LIMITS);
    for (part, text) in texts::WINDOW_PARTS {
        page.entry(head(part, ""), &[text.to_owned()]);
    }
}

fn environment(page: &mut Page) {
    page.section("ENVIRONMENT OF COMMANDS");
    page.paragraph(texts::ENVIRONMENT);
    for variable in &VARIABLES {
        page.entry(head(variable.name, ""), &[variable.about.to_owned()]);
    }
    page.paragraph(texts::NOTIFICATION);
    page.example(texts::NOTIFY);
}

fn schedule(page: &mut Page) {
    for text in texts::SCHEDULE {
        page.paragraph(text);
    }
    page.paragraph("`freezerd next --job` FILE prints the times at which a job would run.");
}

fn faults(page: &mut Page) {
    page.section("DIAGNOSTICS");
    page.paragraph(
        "Each fault has a name, which is shown with its message. `freezerd explain` NAME explains the fault, with an \
         example and its correction.",
    );
    for code in codes::all() {
        page.entry(head(code.name, ""), &[code.title.to_owned()]);
    }
}

/// The other names of a key, as a sentence.
pub fn aliases(key: &Key) -> Option<String> {
    let names = list(key.aliases.iter().copied());
    (!key.aliases.is_empty()).then(|| format!("Also written {names}."))
}

/// Words in backticks, with commas.
pub fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn words(page: &mut Page, key: &Key) {
    if let Some(words) = key.shape.words()
        && words.len() > 1
    {
        let lines: Vec<String> = words
            .iter()
            .map(|(word, about)| format!("`{word}`: {about}"))
            .collect();
        page.entry(head("", ""), &lines);
    }
}

/// What values a key takes, in words. Empty for a key without effect.
pub fn form(key: &Key) -> String {
    if key.support != Support::Used {
        return String::new();
    }
    match key.shape {
        Shape::Text
        | Shape::JobId
        | Shape::SecretText
        | Shape::HostName
        | Shape::BackupName
        | Shape::Container
        | Shape::Schedule => "text".to_owned(),
        Shape::Path | Shape::Secret => "path".to_owned(),
        Shape::Paths => "path, or list of paths".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Number(bounds) => number(bounds),
        Shape::Age => format!(
            "number of {}, more than {}, at most {}",
            Bounds::DAYS.unit,
            Bounds::DAYS.least,
            Bounds::DAYS.most
        ),
        Shape::Count => "whole number, or `all`".to_owned(),
        Shape::Share => "false, or share such as `50%`".to_owned(),
        Shape::Span => "years, months, days and hours, such as `1y6m`".to_owned(),
        Shape::Tags => "tags with commas, or list of them".to_owned(),
        Shape::Timestamp => "seconds since 1970".to_owned(),
        Shape::Words(_) | Shape::Storage | Shape::Mode => "word".to_owned(),
        Shape::Patterns => "pattern, or list of patterns".to_owned(),
        Shape::Markers => "name, or list of names".to_owned(),
        Shape::Size => "size".to_owned(),
        Shape::ReadData => "true, false or share".to_owned(),
        Shape::MaxUnused => "share, size or `unlimited`".to_owned(),
        Shape::Rate => "bytes a second, or list of windows".to_owned(),
        Shape::Command => "text, or list of words".to_owned(),
        Shape::Date => "date and time".to_owned(),
        Shape::Compression => "level".to_owned(),
        Shape::Links => "true, false, soft, hard or all".to_owned(),
        Shape::Actions | Shape::Targets => "list of objects".to_owned(),
        Shape::Object(_) => "object".to_owned(),
        Shape::Duration => "number and unit, such as `26 hours`".to_owned(),
        Shape::Receivers => "name of a receiver, list of them, or `false`".to_owned(),
        Shape::Anything => String::new(),
    }
}

fn number(bounds: Bounds) -> String {
    let Bounds {
        least,
        most,
        whole,
        unit,
    } = bounds;
    let kind = if whole { "whole number" } else { "number" };
    format!("{kind} of {unit}, {least} to {most}")
}
