//! freezerd-jobs(5): the whole job file, from the tables that the parser reads.

use freezerd::job::codes;
use freezerd::job::keys::{Bounds, Key, Object, Shape, Support};
use freezerd::job::kind::{WorkKind, WorkKinds};

use crate::page::{Page, head};

/// The job that the manual begins with.
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

/// The manual page.
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
    page.paragraph("The word of `action` says what is done:");
    if let Some(action) = Object::Action.find("action") {
        words(&mut page, action);
    }
    action_keys(&mut page);
    page.section("KEYS OF JOB_SCHEDULE");
    schedule(&mut page);
    keys(&mut page, Object::Schedule, |_| true);
    faults(&mut page);
    page.section("FILES");
    for (path, text) in [
        ("/etc/freezerd/jobs.d", "The job files."),
        (
            "/usr/share/freezerd/job.schema.json",
            "Their JSON Schema, for editors; `freezerd schema` prints it too.",
        ),
        ("/usr/share/doc/freezerd/examples", "Examples."),
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
    for text in [
        "A job says what is backed up, restored, cleared away or run, and when. It is one JSON object in one file of \
         the jobs directory: the job itself, or `{\"job\": {...}}` around it. The words are those of OpenStack \
         Freezer's jobs.",
        "Names of job files end in `.json` or `.conf`. Files whose names begin with a dot or end in `~`, `.tmp`, \
         `.swp`, `.dpkg-*`, `.rpmsave`, `.rpmnew` or `.rpmorig` are left alone, and so are directories below. To put \
         a file in place, its new content is best written beside it and renamed.",
        "Adding, changing, renaming or deleting a file takes effect at once. A file that turns bad keeps its last good \
         content on schedule, and hurts no other; `freezerd list` shows it as invalid, with what is wrong. `freezerd \
         check` FILE says so before a file is put in its place, and `freezerd next --job` FILE when it would run.",
        "The directory and each file must belong to root or to the user that freezerd runs as, and nobody else may \
         write to them; links, FIFOs and devices are refused. `trusted_owners` in `freezerd.toml`(5) names further \
         owners.",
        "In a key, `-` and `_` are the same. Numbers may be texts and texts numbers; `null` unsets a key. Keys that \
         begin with `x-` or `_` are remarks. A key that nobody knows is an error. A file has 1 MiB at most, and a job \
         1000 actions.",
    ] {
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
            Support::NoEffect(instead) => text.push(format!("Without effect here: {instead}.")),
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

/// The keys of actions, those that do something first.
fn action_keys(page: &mut Page) {
    let used = |key: &Key| key.support == Support::Used;
    page.subsection("For several kinds of actions");
    keys(page, Object::Action, |key| {
        used(key) && key.kinds == WorkKinds::ALL
    });
    for kind in WorkKind::ALL.iter().copied() {
        let own = move |key: &Key| {
            // A key for several kinds is listed with the first of them.
            used(key) && key.kinds != WorkKinds::ALL && key.kinds.iter().next() == Some(kind)
        };
        if Object::Action.keys().iter().any(own) {
            page.subsection(&format!("For {}", kind.word()));
            keys(page, Object::Action, own);
        }
    }
    page.subsection("Without effect");
    page.paragraph("These are Freezer's. They are read, and a warning says what happens instead.");
    keys(page, Object::Action, |key| {
        matches!(key.support, Support::NoEffect(_) | Support::Kept)
    });
    page.subsection("Not in this version");
    page.paragraph("A job that needs one of these is refused, so that it is not taken for something it is not.");
    keys(page, Object::Action, |key| {
        matches!(key.support, Support::Unsupported(_))
    });
}

fn schedule(page: &mut Page) {
    for text in [
        "A schedule is of one kind; keys of two kinds in one file are an error. Without any, the job runs once, about \
         two seconds after its file is first seen. With `schedule_date` it runs once, at that moment; with \
         `schedule_interval` every so often, counted in elapsed time; with any of `schedule_year` to \
         `schedule_second` at times of the wall clock. All fields that are given must agree. Of those that are not, \
         the ones larger than the smallest given one mean every value, the smaller ones their first: an hour alone is \
         that hour of every day at minute 0.",
        "A field takes `*`, `*/n`, `a`, `a-b`, `a/n`, `a-b/n`, and lists of these with commas.",
        "Times are in the host's zone, or the job's. A time of the day that does not exist, because the clock goes \
         forward, is later by the length of the gap; of one that comes twice the first counts.",
        "What was missed while the host was off, asleep, or without freezerd is caught up: once, whatever the number, \
         unless `schedule_catch_up` says otherwise. What falls due while the job still runs is skipped, and recorded.",
    ] {
        page.paragraph(text);
    }
    page.paragraph("`freezerd next --job` FILE prints what a schedule comes to.");
}

fn faults(page: &mut Page) {
    page.section("DIAGNOSTICS");
    page.paragraph(
        "Each fault has a name, which stands with its message. `freezerd explain` NAME tells the story behind it, with \
         an example and its mend.",
    );
    for code in codes::all() {
        page.entry(head(code.name, ""), &[code.title.to_owned()]);
    }
}

fn aliases(key: &Key) -> Option<String> {
    let names = list(key.aliases.iter().copied());
    (!key.aliases.is_empty()).then(|| format!("Also written {names}."))
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
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

/// The form of a key's value.
fn form(key: &Key) -> String {
    if key.support != Support::Used {
        return String::new();
    }
    match key.shape {
        Shape::Text
        | Shape::JobId
        | Shape::HostName
        | Shape::BackupName
        | Shape::Container
        | Shape::Schedule => "text".to_owned(),
        Shape::Path | Shape::Secret => "path".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Number(bounds) => number(bounds),
        Shape::Age => number(Bounds::DAYS),
        Shape::Timestamp => "seconds since 1970".to_owned(),
        Shape::Words(_) | Shape::Storage | Shape::Mode => "word".to_owned(),
        Shape::Patterns => "pattern, or list of patterns".to_owned(),
        Shape::Command => "text, or list of words".to_owned(),
        Shape::Date => "date and time".to_owned(),
        Shape::Compression => "level".to_owned(),
        Shape::Links => "true, false, soft, hard or all".to_owned(),
        Shape::Actions => "list of objects".to_owned(),
        Shape::Object(_) => "object".to_owned(),
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
