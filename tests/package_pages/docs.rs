//! The pages of `docs/`: those that are generated are current, their examples are valid, and the links of all pages lead
//! somewhere, in the project and in a package.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use freezerd::agent::exec_environment::VARIABLES;
use freezerd::job::Host;
use freezerd::job::keys::{Key, Object, Support, one_of};
use freezerd::job::kind::{WorkKind, WorkKinds};
use freezerd::job::storage::{StorageKind, storage_keys};
use freezerd::schedule::zone::Zone;
use freezerd::tell::keys::receiver_keys;
use serde_json::{Map, Value, json};

use crate::made::{MADE, page};

#[test]
fn the_references_of_keys_and_settings_are_current() {
    for name in ["jobs.md", "settings.md"] {
        let committed = fs::read_to_string(format!("docs/{name}")).unwrap();
        assert!(
            committed == MADE[&format!("docs/{name}")],
            "docs/{name} is not current: run `cargo run --example generate -- --docs`"
        );
    }
}

#[test]
fn every_key_and_every_setting_has_an_example_and_a_version_in_its_reference() {
    let jobs = &MADE["docs/jobs.md"];
    for object in Object::ALL {
        for key in object.keys() {
            assert!(jobs.contains(&format!("`{}`", key.name)), "{}", key.name);
            if key.support == Support::Used {
                assert!(key.example != "…", "{} has no example", key.name);
                assert!(
                    jobs.contains(&format!("\"{}\": {}", key.name, key.example)),
                    "{}",
                    key.name
                );
            }
        }
    }
    let settings = &MADE["docs/settings.md"];
    for setting in &freezerd::config::SETTINGS {
        assert!(
            settings.contains(&format!("#### `{}`", setting.name)),
            "{}",
            setting.name
        );
        assert!(!setting.example.is_empty(), "{}", setting.name);
        let meaning = setting.meaning();
        let first: Vec<&str> = meaning.split(' ').take(3).collect();
        let paragraph = format!("\n\n{}", first.join(" "));
        assert!(settings.contains(&paragraph), "{meaning}");
    }
    for key in storage_keys() {
        assert!(
            settings.contains(&format!("| `{}` |", key.name)),
            "{}",
            key.name
        );
    }
    for key in receiver_keys() {
        assert!(
            settings.contains(&format!("| `{}` |", key.name)),
            "{}",
            key.name
        );
    }
    for text in [jobs, settings] {
        assert!(text.contains("since 0.1.0"));
    }
}

#[test]
fn every_variable_of_a_command_is_in_the_manual_page_and_in_the_reference() {
    let manual = page("freezerd-jobs.5");
    for variable in &VARIABLES {
        assert!(manual.contains(variable.name), "{}", variable.name);
        assert!(
            MADE["docs/jobs.md"].contains(&format!("| `{}` |", variable.name)),
            "{}",
            variable.name
        );
    }
}

#[test]
fn every_example_of_a_key_is_valid() {
    let host = Host {
        working_dir: "/".into(),
        jobs_dir: "/etc/freezerd/jobs.d".into(),
        container_root: "/srv/containers".into(),
        host_name: "web1".to_owned(),
        zone: Zone::named("Europe/Berlin").unwrap(),
        disable_exec: false,
        storages: Default::default(),
    };
    for object in Object::ALL {
        for key in object.keys() {
            if key.support != Support::Used || key.example.contains('…') {
                continue;
            }
            let text = job_with(object, key).to_string();
            let parsed = freezerd::job::parse(text.as_bytes(), "example.json", &host);
            let faults: Vec<String> = parsed
                .diagnostics
                .iter()
                .filter(|fault| fault.is_error())
                .map(|fault| fault.message.clone())
                .collect();
            assert!(faults.is_empty(), "{}: {faults:?}\n{text}", key.name);
        }
    }
}

/// A job that has the example of this key, and of all keys that it needs.
fn job_with(object: Object, key: &Key) -> Value {
    let value: Value =
        serde_json::from_str(key.example).unwrap_or_else(|error| panic!("{}: {error}", key.name));
    let kind = match object {
        Object::Action if key.kinds != WorkKinds::ALL => key.kinds.iter().next().unwrap(),
        _ => WorkKind::DEFAULT,
    };
    let mut action = Map::new();
    action.insert("action".to_owned(), json!(kind.word()));
    for needed in Object::Action.keys() {
        if needed.required.has(kind) {
            let example = serde_json::from_str(needed.example).unwrap();
            action.insert(needed.name.to_owned(), example);
        }
    }
    let choices = one_of(kind);
    if let Some(first) = choices.first()
        && !choices.contains(&key.name)
    {
        action.insert((*first).to_owned(), json!(90));
    }
    if let Some(of_storage) = key.of_storage {
        action.extend(storage_for(key.name, of_storage.kinds[0]));
    }
    let mut entry = Map::new();
    let mut schedule = Map::new();
    let mut job = Map::new();
    match object {
        Object::Action => action.insert(key.name.to_owned(), value),
        Object::Entry => entry.insert(key.name.to_owned(), value),
        Object::Schedule => schedule.insert(key.name.to_owned(), value),
        Object::Job => job.insert(key.name.to_owned(), value),
        Object::Keep => action.insert("keep".to_owned(), json!({ key.name: value })),
        Object::Target => {
            let mut target = json!({ "container": "/mnt/second-disk/www" });
            target[key.name] = value;
            action.insert("targets".to_owned(), json!([target]))
        }
    };
    // A bound, and what happens after missed runs, need a schedule that they are about.
    if object == Object::Schedule && !schedule.contains_key("schedule_interval") {
        let bounds = ["start_date", "end_date", "timezone", "catch_up", "jitter"];
        if bounds.iter().any(|bound| key.name.ends_with(bound)) {
            schedule.insert("schedule_hour".to_owned(), json!("3"));
        }
    }
    entry.insert("freezer_action".to_owned(), Value::Object(action));
    job.insert("job_actions".to_owned(), json!([entry]));
    job.entry("job_schedule").or_insert(Value::Object(schedule));
    Value::Object(job)
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_to_a_heading_of_it() {
    let mut pages = vec![
        PathBuf::from("README.md"),
        PathBuf::from("CONTRIBUTING.md"),
        PathBuf::from("CHANGELOG.md"),
        PathBuf::from("SECURITY.md"),
    ];
    for entry in fs::read_dir("docs").unwrap() {
        pages.push(entry.unwrap().path());
    }
    pages.retain(|page| page.extension().is_some_and(|it| it == "md"));
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in links(&text) {
            let (file, anchor) = parted(&link);
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", page.display());
            let target = fs::read_to_string(&target).unwrap_or_default();
            assert_heading(&target, anchor, &format!("{}: {link}", page.display()));
        }
    }
}

#[test]
fn every_link_of_a_packaged_page_leads_to_a_packaged_file() {
    let manifest: toml::Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    let metadata = &manifest["package"]["metadata"];
    for package in ["deb", "generate-rpm"] {
        let installed = installed_documents(&metadata[package]["assets"]);
        for name in ["README.md", "jobs.md", "settings.md", "changelog.gz"] {
            assert!(installed.contains(name), "{package} has no {name}");
        }
        for name in installed.iter().filter(|name| name.ends_with(".md")) {
            let text = &MADE[&format!("doc/{name}")];
            for link in links(text) {
                let (file, anchor) = parted(&link);
                let file = if file.is_empty() { name } else { file };
                let place = format!("{package}: {name}: {link}");
                assert!(installed.contains(file), "{place}");
                if let Some(target) = MADE.get(&format!("doc/{file}")) {
                    assert_heading(target, anchor, &place);
                }
            }
        }
    }
}

/// The files that a package installs in the directory of its documents.
fn installed_documents(assets: &toml::Value) -> BTreeSet<String> {
    let mut installed = BTreeSet::new();
    for asset in assets.as_array().unwrap() {
        let (source, destination) = match asset {
            toml::Value::Array(parts) => (parts[0].as_str(), parts[1].as_str()),
            table => (table["source"].as_str(), table["dest"].as_str()),
        };
        let (source, destination) = (source.unwrap(), destination.unwrap());
        let Some(name) = destination
            .trim_start_matches('/')
            .strip_prefix("usr/share/doc/freezerd/")
        else {
            continue;
        };
        if source == "target/package/doc/*.md" {
            let pages = MADE.keys().filter_map(|path| path.strip_prefix("doc/"));
            installed.extend(pages.map(str::to_owned));
        } else if name.is_empty() {
            let name = Path::new(source).file_name().unwrap();
            installed.insert(name.to_str().unwrap().to_owned());
        } else {
            installed.insert(name.to_owned());
        }
    }
    installed
}

/// The targets of the links of a page, without those that lead to the network, and without code.
fn links(text: &str) -> Vec<String> {
    let outside_of_code: String = text.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    let pieces = outside_of_code.split("](").skip(1);
    pieces
        .filter_map(|piece| piece.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

fn parted(link: &str) -> (&str, &str) {
    link.split_once('#').unwrap_or((link, ""))
}

fn assert_heading(text: &str, anchor: &str, place: &str) {
    let anchors = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
                .replace(['`', ',', '.', ':'], "")
        });
    assert!(
        anchor.is_empty() || anchors.into_iter().any(|it| it == anchor),
        "{place}: no such heading"
    );
}

/// The keys that a storage of this kind needs besides this one.
fn storage_for(name: &str, kind: StorageKind) -> Map<String, Value> {
    let mut keys = json!({ "storage": kind.word(), "container": "backups/www" });
    match kind {
        StorageKind::S3 if !matches!(name, "profile" | "credentials_file") => {
            keys["access_key"] = json!("AKIA5EXAMPLE");
            if !name.starts_with("secret_key") {
                keys["secret_key_env"] = json!("S3_SECRET");
            }
        }
        StorageKind::Ftp | StorageKind::Ftps => {
            keys["ftp_host"] = json!("backup.example");
            keys["ftp_username"] = json!("web1");
        }
        StorageKind::Sftp => {
            keys["ssh_host"] = json!("backup.example");
            keys["ssh_username"] = json!("web1");
        }
        _ => {}
    }
    if matches!(name, "archive_days" | "archive_wait") {
        keys["archive_tier"] = json!("standard");
    }
    keys.as_object().unwrap().clone()
}
