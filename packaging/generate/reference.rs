//! `docs/jobs.md`: every key of a job file, from the tables that the parser uses.

use freezerd::agent::exec_environment::VARIABLES;
use freezerd::job::keys::{Key, Object, Support};
use freezerd::job::kind::{WorkKind, WorkKinds};

use crate::jobs::{FIRST_JOB, aliases, form, list};
use crate::markdown::Markdown;
use crate::texts;

/// The page.
pub fn page() -> String {
    let mut page = Markdown::new("The keys of a job file");
    for text in texts::DESCRIPTION {
        page.paragraph(&linked(text));
    }
    page.paragraph("A job that backs up `/etc` every night:");
    page.example("json", FIRST_JOB);
    page.paragraph(
        "This page describes each key: what values it takes, what they mean, an example, and the first version that has \
         the key. `freezerd schema` prints the same as a JSON Schema, with which an editor completes and checks keys. \
         `freezerd check` names the faults of a file, and `freezerd explain` explains a fault.",
    );
    for (object, title) in [
        (Object::Job, "Keys of the job"),
        (Object::Entry, "Keys of an entry of job_actions"),
    ] {
        page.section(2, title);
        keys(&mut page, object, title, |_| true);
    }
    actions(&mut page);
    page.section(2, "Keys of an entry of targets");
    keys(
        &mut page,
        Object::Target,
        "Keys of an entry of targets",
        |_| true,
    );
    page.section(2, "Keys of job_schedule");
    for text in texts::SCHEDULE {
        page.paragraph(text);
    }
    page.paragraph("`freezerd next --job` FILE prints the times at which a job would run. [schedules.md](schedules.md) describes schedules in detail.");
    keys(&mut page, Object::Schedule, "Keys of job_schedule", |_| {
        true
    });
    patterns(&mut page);
    retention(&mut page);
    limits(&mut page);
    environment(&mut page);
    restore(&mut page);
    page.render()
}

/// Manual pages are written as `name`(5), pages of `docs/` as links.
fn linked(text: &str) -> String {
    text.replace("`freezerd.toml`(5)", "[`freezerd.toml`](settings.md)")
        .replace("`gitignore`(5)", "`gitignore(5)`")
}

fn actions(page: &mut Markdown) {
    page.section(2, "Keys of freezer_action");
    page.paragraph("`action` is one of these words:");
    page.gap();
    for (word, about) in WorkKind::WORDS {
        page.item(&format!("`{word}`: {about}"));
    }
    let used = |key: &Key| key.support == Support::Used;
    let several = |key: &Key| used(key) && key.kinds == WorkKinds::ALL;
    page.section(3, "For several kinds of actions");
    keys(page, Object::Action, "freezer_action", several);
    for kind in WorkKind::ALL.iter().copied() {
        // A key of several kinds of actions is described with the first kind.
        let own = move |key: &Key| {
            used(key) && key.kinds != WorkKinds::ALL && key.kinds.iter().next() == Some(kind)
        };
        if Object::Action.keys().iter().any(own) {
            page.section(3, &format!("For {}", kind.word()));
            keys(page, Object::Action, "freezer_action", own);
        }
    }
    page.section(3, "Keys without effect, and keys that are not supported");
    page.paragraph(
        "These keys come from Freezer. freezerd accepts the first ones, and warns what it does instead. It refuses a job \
         that has one of the others, because it would not do what the key asks for.",
    );
    let rows: Vec<Vec<String>> = Object::Action
        .keys()
        .iter()
        .filter_map(|key| {
            let said = match key.support {
                Support::Used => return None,
                Support::Kept => "kept, without effect".to_owned(),
                Support::NoEffect(instead) => format!("no effect: {instead}"),
                Support::Unsupported(why) => format!("refused: {why}"),
            };
            let mut names = vec![key.name];
            names.extend(key.aliases);
            Some(vec![
                list(names.into_iter()),
                key.about.trim_end_matches('.').to_owned(),
                said,
            ])
        })
        .collect();
    page.table(
        &["key", "what it is in Freezer", "what freezerd does"],
        &rows,
    );
}

/// Describes the keys of an object that are used. Those that are only kept follow in one sentence.
fn keys(page: &mut Markdown, object: Object, whose: &str, wanted: impl Fn(&Key) -> bool) {
    let all: Vec<&Key> = object.keys().iter().filter(|key| wanted(key)).collect();
    for key in all.iter().filter(|key| key.support == Support::Used) {
        page.section(4, &format!("`{}`", key.name));
        describe(page, object, key);
    }
    let kept: Vec<&str> = all
        .iter()
        .filter(|key| key.support == Support::Kept)
        .map(|key| key.name)
        .collect();
    if !kept.is_empty() {
        page.section(4, &format!("{whose}: without effect"));
        page.paragraph(&format!(
            "Freezer writes these keys. They are accepted and kept, and have no effect: {}.",
            list(kept.into_iter())
        ));
    }
}

fn describe(page: &mut Markdown, object: Object, key: &Key) {
    let mut facts = vec![format!("type: {}", form(key))];
    if let Some(default) = key.default {
        facts.push(format!("default: `{default}`"));
    }
    if object == Object::Action && key.kinds != WorkKinds::ALL {
        facts.push(format!("for {}", list(key.kinds.words())));
    }
    if key.required == WorkKinds::ALL {
        facts.push("required".to_owned());
    } else if key.required != WorkKinds::NONE {
        facts.push(format!("required for {}", list(key.required.words())));
    }
    facts.push(format!("since {}", key.since));
    page.paragraph(&format!("*{}*", facts.join(" · ")));
    let also = aliases(key).map_or_else(String::new, |also| format!(" {also}"));
    let about = key
        .about
        .replace("See PATTERNS.", "See [Patterns](#patterns).")
        .replace("See RETENTION.", "See [Retention](#retention).")
        .replace("see LIMITS.", "see [Limits](#limits).");
    page.paragraph(&format!("{about}{also}"));
    if let Some(words) = key.shape.words()
        && words.len() > 1
        && key.name != "action"
    {
        page.gap();
        for (word, about) in words {
            page.item(&match *word {
                "" => format!("`\"\"`: {about}"),
                _ => format!("`{word}`: {about}"),
            });
        }
    }
    page.example("json", &format!("\"{}\": {}", key.name, key.example));
}

fn patterns(page: &mut Markdown) {
    page.section(2, "Patterns");
    page.paragraph(&linked(texts::PATTERNS));
    page.gap();
    for (pattern, text) in texts::PATTERN_FORMS {
        let forms = list(pattern.split(", "));
        page.item(&format!("{forms}: {text}"));
    }
    page.paragraph(texts::MORE_OF_PATTERNS);
}

fn retention(page: &mut Markdown) {
    page.section(2, "Retention");
    for text in texts::RETENTION {
        page.paragraph(text);
    }
}

fn limits(page: &mut Markdown) {
    page.section(2, "Limits");
    page.paragraph(texts::LIMITS);
    page.gap();
    for (parts, text) in texts::WINDOW_PARTS {
        let parts = list(parts.split(", "));
        page.item(&format!("{parts}: {text}"));
    }
}

fn environment(page: &mut Markdown) {
    page.section(2, "The environment of commands");
    page.paragraph(texts::ENVIRONMENT);
    let rows: Vec<Vec<String>> = VARIABLES
        .iter()
        .map(|variable| vec![format!("`{}`", variable.name), variable.about.to_owned()])
        .collect();
    page.table(&["variable", "value"], &rows);
    page.paragraph(texts::NOTIFICATION);
    page.example("json", texts::NOTIFY);
}

fn restore(page: &mut Markdown) {
    page.section(2, "A whole restore");
    page.paragraph(
        "`freezerd restore JOB --to DIR` restores what a job has backed up, by hand. [containers.md](containers.md#restoring) \
         shows its flags beside the keys of a job and the flags of restic. An action `restore` is for restores that repeat, for example a test \
         of the backups every Sunday. This job restores the newest snapshot of `etc` into a directory of its own, replaces \
         what is different there, deletes what the snapshot does not have, and reads every restored file again:",
    );
    page.example("json", RESTORE);
    page.paragraph(
        "To get a whole server back, start a rescue system, mount the new disk, for example at `/mnt`, and restore the \
         snapshot into it. The new system has no job yet, so the command names the container, here on a disk that is mounted at \
         `/media/backup`, and the password:",
    );
    page.example(
        "sh",
        "freezerd restore --container /media/backup/server --encrypt-pass-file /media/key/password \\\n  \
         --backup-name server --host web1 --to /mnt --numeric-owner --verify",
    );
    page.paragraph(
        "`--numeric-owner` keeps the numbers of users and groups, which the rescue system may not know by name. If several \
         paths were backed up together, their full paths are below the target. Then install the boot loader of the system, \
         and adapt `/etc/fstab` to the new disk. [containers.md](containers.md#a-whole-server) says what comes back.",
    );
    page.paragraph(
        "A rescue system without freezerd needs `restic` alone. It always makes full paths below the target, which for a \
         snapshot of `/` is the same:",
    );
    page.example(
        "sh",
        "restic -r /media/backup/server --password-file /media/key/password \\\n  \
         restore latest --host web1 --target /mnt",
    );
}

/// A job that tests a backup by a restore.
const RESTORE: &str = r#"{
  "job_actions": [
    {
      "freezer_action": {
        "action": "restore",
        "backup_name": "etc",
        "container": "main",
        "encrypt_pass_file": "/etc/freezerd/password",
        "restore_abs_path": "/var/tmp/etc-of-last-night",
        "overwrite": true,
        "delete_extra": true,
        "verify": true
      }
    }
  ],
  "job_schedule": { "schedule_day_of_week": "sun", "schedule_hour": "6" }
}"#;
