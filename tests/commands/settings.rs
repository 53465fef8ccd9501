//! Settings from flags, the environment and the configuration file.

use serde_json::{Value, json};

use super::idle;
use crate::harness::{Host, exec, now};

fn setting(host: &Host, key: &str, arguments: &[&str]) -> (String, String) {
    let mut all = vec!["config", "show"];
    all.extend(arguments);
    let shown = host.json(&all)["settings"][key].clone();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    (word(&shown["value"]), word(&shown["origin"]["from"]))
}

fn pair(value: &str, from: &str) -> (String, String) {
    (value.to_owned(), from.to_owned())
}

#[test]
fn a_flag_overrides_the_environment_which_overrides_the_file_which_overrides_the_default() {
    let key = "concurrent_jobs";
    let host = Host::new();
    assert_eq!(setting(&host, key, &[]), pair("2", "default"));
    host.file("freezerd.toml", "# freezerd\nconcurrent_jobs = 3\n");
    assert_eq!(setting(&host, key, &[]), pair("3", "file"));
    let origin = &host.json(&["config", "show"])["settings"][key]["origin"];
    assert_eq!(origin["path"], host.path("freezerd.toml").to_str().unwrap());
    assert_eq!(origin["line"], 2);
    let host = host.env("FREEZERD_CONCURRENT_JOBS", "4");
    assert_eq!(setting(&host, key, &[]), pair("4", "environment"));
    assert_eq!(
        setting(&host, key, &["--concurrent-jobs", "5"]),
        pair("5", "flag")
    );
    let text = host
        .freezerd(&["config", "show", "--concurrent-jobs", "5"])
        .exits(0)
        .stdout();
    let line = text
        .lines()
        .find(|line| line.starts_with("concurrent_jobs"))
        .unwrap();
    assert!(
        line.contains(" 5 ") && line.contains("flag --concurrent-jobs"),
        "{line}"
    );
}

#[test]
fn every_setting_can_be_set_in_all_three_ways() {
    let values = [
        ("jobs_dir", "/srv/jobs.d"),
        ("state_dir", "/srv/state"),
        ("runtime_dir", "/srv/run"),
        ("container_root", "/srv/containers"),
        ("cache_dir", "/srv/cache"),
        ("cache_size", "700 MiB"),
        ("client_id", "someone"),
        ("timezone", "Asia/Tokyo"),
        ("concurrent_jobs", "7"),
        ("stop_grace", "9 seconds"),
        ("stall_timeout", "7 minutes"),
        ("network_wait", "4 minutes"),
        ("upload_limit", "mon-fri 08:00-18:00 2M, 20M"),
        ("download_limit", "50M"),
        ("memory_limit", "2 GiB"),
        ("cpu_limit", "150 %"),
        ("rescan_interval", "8 minutes"),
        ("history_age", "90 days"),
        ("history_runs", "500"),
        ("trusted_owners", "1000,1001"),
        ("disable_exec", "true"),
        ("check_every", "month"),
        ("check_data_within", "180 days"),
        ("check_window", "22:00-06:00"),
        ("prune_waste", "10%"),
        ("prune_every", "30 days"),
        ("prune_window", "22:00-06:00"),
        ("metrics_dir", "/srv/metrics"),
        ("log_format", "human"),
        ("log_level", "warn"),
    ];
    let host = Host::new();
    let known: Vec<String> = host.json(&["config", "show"])["settings"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(known, values.map(|(key, _)| key));
    for (key, value) in values {
        let flag = format!("--{}", key.replace('_', "-"));
        let arguments = if key == "disable_exec" {
            vec![flag.as_str()]
        } else {
            vec![flag.as_str(), value]
        };
        assert_eq!(setting(&host, key, &arguments), pair(value, "flag"));
    }
    let text: String = values
        .iter()
        .map(|(key, value)| format!("{key} = {value:?}\n"))
        .collect();
    let file = host.file("all.toml", &text);
    let mut command = host.command(&[
        "config",
        "show",
        "--json",
        "--config",
        file.to_str().unwrap(),
    ]);
    for (key, _) in values {
        command.env_remove(format!("FREEZERD_{}", key.to_uppercase()));
    }
    let shown: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    for (key, value) in values {
        let shown = &shown["settings"][key];
        assert_eq!(
            (&shown["value"], &shown["origin"]["from"]),
            (&json!(value), &json!("file")),
            "{key}"
        );
    }
    let mut host = host;
    for (key, value) in values {
        host = host.env(&format!("FREEZERD_{}", key.to_uppercase()), value);
    }
    for (key, value) in values {
        assert_eq!(setting(&host, key, &[]), pair(value, "environment"));
    }
}

#[test]
fn systemds_directories_are_the_defaults_under_systemd() {
    let host = Host::new();
    let mut command = host.command(&["config", "show", "--json"]);
    command.env_remove("FREEZERD_STATE_DIR");
    command
        .env("STATE_DIRECTORY", "/var/lib/one:/var/lib/two")
        .env("RUNTIME_DIRECTORY", "/run/one");
    let shown: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let settings = &shown["settings"];
    assert_eq!(settings["state_dir"]["value"], "/var/lib/one");
    assert_eq!(
        settings["state_dir"]["origin"]["variable"],
        "STATE_DIRECTORY"
    );
    assert_eq!(settings["runtime_dir"]["value"], "/run/one");
    assert_eq!(
        settings["container_root"]["value"], "/var/lib/one/containers",
        "it follows the state directory"
    );
}

#[test]
fn a_wrong_configuration_exits_78_and_the_message_says_where() {
    let host = Host::new();
    for (text, names) in [
        (
            "\nconcurent_jobs = 3\n",
            &["freezerd.toml:2", "did you mean \"concurrent_jobs\"?"][..],
        ),
        (
            "\n\nlog_level = \"loud\"\n",
            &[
                "freezerd.toml:3",
                "loud",
                "error, warn, info, debug or trace",
            ],
        ),
        ("concurrent_jobs = 0\n", &["freezerd.toml:1", "1 to 256"]),
        (
            "prune_waste = \"100%\"\n",
            &["freezerd.toml:1", "a share such as \"5%\", less than 100%"],
        ),
        (
            "prune_waste = \"2 GB\"\n",
            &["freezerd.toml:1", "a share such as \"5%\", less than 100%"],
        ),
        (
            "prune_window = \"at night\"\n",
            &[
                "freezerd.toml:1",
                "two times such as \"22:00-06:00\", or any",
            ],
        ),
        (
            "prune_window = \"05:00-05:00\"\n",
            &["freezerd.toml:1", "is empty", "write any for the whole day"],
        ),
        (
            "check_window = \"05:00-05:00\"\n",
            &[
                "freezerd.toml:1",
                "is empty",
                "write 00:00-24:00 for the whole day",
            ],
        ),
        ("prune_every = \"5%\"\n", &["freezerd.toml:1", "a duration"]),
        (
            "stop_grace = \"soon\"\n",
            &["freezerd.toml:1", "30 seconds"],
        ),
        (
            "timezone = \"Europe/Atlantis\"\n",
            &["freezerd.toml:1", "Europe/Atlantis"],
        ),
        (
            "upload_limit = [\"mon-fry 2M\", \"20M\"]\n",
            &[
                "freezerd.toml:1",
                "does not know the day `mon-fry` (in `mon-fry 2M`)",
                "mon, tue, wed",
            ],
        ),
        (
            "download_limit = \"20M, sat,sun 2M\"\n",
            &[
                "freezerd.toml:1",
                "never used",
                "`sat,sun 2M`",
                "move this one to the front",
            ],
        ),
        (
            "[storage.far]\nkind = \"rest\"\nendpoint = \"https://h/\"\nupload_limit = [\"08:00-18 2M\"]\n",
            &["freezerd.toml:4", "`upload_limit`", "the times `08:00-18`"],
        ),
        ("jobs_dir = \n", &["freezerd.toml:1"]),
        ("[jobs_dir]\n", &["freezerd.toml:1", "a section"]),
    ] {
        host.file("freezerd.toml", text);
        for arguments in [&["config", "show"][..], &["run"], &["list"]] {
            // The environment overrides the file, but a wrong file is an error all the same.
            let mut command = host.command(arguments);
            command
                .env_remove("FREEZERD_JOBS_DIR")
                .env_remove("FREEZERD_STOP_GRACE");
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(78), "{text:?}: {said}");
            for name in names {
                assert!(said.contains(name), "{text:?}: {name:?} is not in {said}");
            }
        }
    }
    host.file("freezerd.toml", "");
    let said = host
        .freezerd(&["list", "--config", "/no/such.toml"])
        .exits(78)
        .stderr();
    assert!(said.contains("/no/such.toml"), "{said}");
    let said = host
        .freezerd(&["list", "--log-level", "loud"])
        .exits(78)
        .stderr();
    assert!(said.contains("flag --log-level"), "{said}");
    let host = host.env("FREEZERD_LOG_LEVEL", "loud");
    let said = host.freezerd(&["list"]).exits(78).stderr();
    assert!(said.contains("FREEZERD_LOG_LEVEL"), "{said}");
}

#[test]
fn a_path_with_a_tilde_or_a_variable_is_refused_wherever_it_is_set() {
    let host = Host::new();
    let refused = |mut command: std::process::Command, origin: &str| {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(
            said.contains("not expanded") && said.contains(origin),
            "{said}"
        );
    };
    host.file("freezerd.toml", "jobs_dir = \"~/jobs\"\n");
    let mut command = host.command(&["list"]);
    command.env_remove("FREEZERD_JOBS_DIR");
    refused(command, "freezerd.toml:1");
    host.file("freezerd.toml", "metrics_dir = \"$HOME/metrics\"\n");
    refused(host.command(&["list"]), "freezerd.toml:1");
    host.file("freezerd.toml", "");
    refused(
        host.command(&["list", "--state-dir", "${HOME}/state"]),
        "flag --state-dir",
    );
    let mut command = host.command(&["list"]);
    command.env("FREEZERD_CONTAINER_ROOT", "~backup/containers");
    refused(command, "environment FREEZERD_CONTAINER_ROOT");
}

#[test]
fn config_show_says_the_windows_of_a_limit_in_words() {
    let host = Host::new();
    host.file(
        "freezerd.toml",
        "upload_limit = [\"mon-fri 08:00-18:00 2M\", \"20M\"]\ndownload_limit = \"50M\"\n\
         [storage.far]\nkind = \"rest\"\nendpoint = \"https://h/\"\nupload_limit = [\"sat,sun 4M\", \"1M\"]\n",
    );
    let text = host.freezerd(&["config", "show"]).exits(0).stdout();
    for words in [
        "mon-fri 08:00-18:00 2M, 20M",
        "Upload limit: 2 MiB/s on mon-fri from 08:00 to 18:00, else 20 MiB/s\n",
        "upload_limit = sat,sun 4M, 1M\n",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    assert!(!text.contains("Download limit:"), "{text}");
}

#[test]
fn a_ledger_of_another_format_is_refused_with_78() {
    let host = idle();
    {
        let table: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("meta");
        let mut builder = redb::Builder::new();
        builder.set_concurrency_mode(redb::ConcurrencyMode::SingleWriter);
        let database = builder.open(host.path("state/ledger.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction
            .open_table(table)
            .unwrap()
            .insert("format", "99")
            .unwrap();
        transaction.commit().unwrap();
    }
    for arguments in [&["list"][..], &["run", "--once"]] {
        let said = host.freezerd(arguments).exits(78).stderr();
        assert!(said.contains("format 99"), "{said}");
    }
}

#[test]
fn disable_exec_refuses_jobs_with_commands_when_they_are_loaded() {
    let host = Host::new()
        .env("FREEZERD_DISABLE_EXEC", "true")
        .job("a", now(vec![exec(&format!("touch {}", "ran"))]));
    let said = host.once().exits(65).stderr();
    assert!(said.contains("disable_exec"), "{said}");
    assert!(!host.path("work/ran").exists());
    let said = host.freezerd(&["check"]).exits(65).stderr();
    assert!(said.contains("disable_exec"), "{said}");
}

#[test]
fn all_data_cannot_be_read_within_less_than_the_time_between_two_checks() {
    let host = Host::new();
    let shown = |every: &str, within: &str| {
        let arguments = ["config", "show", "--check-every", every];
        let mut command = host.command(&arguments);
        command.args(["--check-data-within", within]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    for (every, within, mend) in [
        (
            "week",
            "6 days",
            "at least \"7 days\", or more frequent checks",
        ),
        ("month", "30 days", "at least \"31 days\""),
        ("day", "23 hours", "at least \"1 day\"\n"),
    ] {
        let (code, said) = shown(every, within);
        assert_eq!(code, Some(78), "{said}");
        for part in ["check_data_within", "flag --check-every", mend] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    for (every, within) in [
        ("week", "7 days"),
        ("month", "31 days"),
        ("day", "1 day"),
        ("week", "off"),
        ("never", "1 day"),
    ] {
        let (code, said) = shown(every, within);
        assert_eq!(code, Some(0), "{every} {within}: {said}");
    }
}
