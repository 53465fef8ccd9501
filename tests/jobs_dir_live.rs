//! The jobs directory is live: whatever happens to a file in it shows within a moment, and a bad file hurts only
//! itself.

mod harness;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Host, NOBODY, eventually, every, exec, is_root, now, someday};
use rustix::process::Signal;
use serde_json::{Value, json};

fn file_of(host: &Host, job: &str) -> Value {
    host.show(job)["x-freezerd"]["file"].clone()
}

fn described(description: &str) -> Value {
    let mut job = someday(vec![exec("true")]);
    job["description"] = json!(description);
    job
}

fn description(host: &Host, job: &str) -> String {
    host.show(job)["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn why_invalid(host: &Host, job: &str) -> String {
    host.show(job)["x-freezerd"]["invalid"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn adding_changing_and_deleting_a_file_takes_effect_within_a_second() {
    let host = Host::new();
    let daemon = host.start();
    // One try may meet a machine that is busy with something else.
    let in_time = (0..5).any(|_| {
        let mut longest = Duration::ZERO;
        let mut time = |act: &dyn Fn(), says: &str| {
            let start = Instant::now();
            act();
            daemon.says("a", says);
            longest = longest.max(start.elapsed());
        };
        time(&|| host.put("a", described("old")), "loaded");
        time(&|| host.put("a", described("new")), "changed");
        time(&|| host.delete("a"), "gone");
        longest < Duration::from_secs(1)
    });
    assert!(in_time);
}

#[test]
fn a_changed_file_changes_its_job() {
    let host = Host::new().job("a", described("old"));
    let daemon = host.start();
    host.put("a", described("new"));
    daemon.says("a", "changed from a.json");
    assert_eq!(description(&host, "a"), "new");
}

#[test]
fn a_deleted_file_takes_its_job_with_it_and_leaves_its_history() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", now(vec![exec("true")]));
    daemon.run_of("a");
    host.delete("a");
    daemon.says("a", "gone");
    host.freezerd(&["show", "a"]).exits(66);
    assert_eq!(host.history("a").len(), 1);
}

#[test]
fn a_renamed_file_with_the_same_job_id_keeps_its_state() {
    let mut job = described("the same");
    job["job_id"] = json!("kept");
    let host = Host::new().job("before", job);
    let daemon = host.start();
    host.trigger("kept");
    daemon.run_of("kept");
    host.ask("stop", "kept");
    let before = host.schedule("kept");
    fs::rename(
        host.path("jobs.d/before.json"),
        host.path("jobs.d/after.json"),
    )
    .unwrap();
    eventually("the new name", || file_of(&host, "kept") == "after.json");
    assert_eq!(host.schedule("kept"), before);
    assert!(!daemon.log().contains("kept: gone"));
    assert_eq!(host.jobs(), ["kept"]);
}

#[test]
fn a_file_whose_job_id_changes_is_another_job() {
    let named = |id: &str| {
        let mut job = described("x");
        job["job_id"] = json!(id);
        job
    };
    let host = Host::new().job("file", named("one"));
    let daemon = host.start();
    host.put("file", named("two"));
    daemon.says("one", "gone");
    daemon.says("two", "loaded");
    assert_eq!(host.jobs(), ["two"]);
}

#[test]
fn a_file_that_is_written_in_place_is_read_when_it_has_settled() {
    let host = Host::new().job("a", described("0"));
    let daemon = host.start();
    let path = host.path("jobs.d/a.json");
    for count in 1..=20 {
        fs::write(&path, described(&count.to_string()).to_string()).unwrap();
    }
    eventually("the last content", || description(&host, "a") == "20");
    assert!(
        !daemon.log().contains("not a valid job"),
        "{}",
        daemon.log()
    );
}

#[test]
fn half_a_file_is_invalid_until_the_rest_is_there() {
    let host = Host::new();
    let daemon = host.start();
    let whole = described("whole").to_string();
    let path = host.path("jobs.d/a.json");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    daemon.until(|line| line.message.contains("a.json is not a valid job"));
    assert!(host.jobs().is_empty());
    fs::write(&path, &whole).unwrap();
    daemon.says("a", "loaded");
    assert_eq!(host.not_loaded("a.json"), None);
}

#[test]
fn a_file_that_is_written_under_another_name_and_renamed_is_read() {
    let host = Host::new();
    let daemon = host.start();
    fs::write(host.path("work/a.json"), described("moved in").to_string()).unwrap();
    fs::rename(host.path("work/a.json"), host.path("jobs.d/a.json")).unwrap();
    daemon.says("a", "loaded");
    // As vim does it: the old file becomes the backup, and a new one takes its name.
    fs::rename(host.path("jobs.d/a.json"), host.path("jobs.d/a.json~")).unwrap();
    fs::write(host.path("jobs.d/a.json"), described("edited").to_string()).unwrap();
    eventually("the new content", || {
        host.jobs() == ["a"] && description(&host, "a") == "edited"
    });
}

#[test]
fn names_that_editors_and_package_managers_leave_are_ignored() {
    let host = Host::new();
    for name in [
        ".a.json",
        "b.json~",
        "c.tmp",
        "d.json.tmp",
        ".e.json.swp",
        "f.json.dpkg-old",
        "g.json.rpmsave",
        "h.json.rpmnew",
        "i.txt",
        "README",
    ] {
        host.put_text(name, "{");
    }
    fs::create_dir(host.path("jobs.d/below")).unwrap();
    fs::write(
        host.path("jobs.d/below/j.json"),
        described("below").to_string(),
    )
    .unwrap();
    host.put_text("k.conf", &described("conf").to_string());
    let _daemon = host.start();
    let list = host.json(&["list"]);
    assert_eq!(host.jobs(), ["k"]);
    assert_eq!(list["files"], json!([]));
}

#[test]
fn a_conf_file_is_read_too_and_its_id_comes_from_its_name() {
    let host = Host::new();
    let daemon = host.start();
    host.put_text(
        "job_4822.conf",
        &described("as Freezer names them").to_string(),
    );
    daemon.says("4822", "loaded from job_4822.conf");
    host.put_text("with space.json", &described("odd").to_string());
    daemon.says("with-space", "loaded");
}

#[test]
fn a_file_holds_the_job_itself_or_the_job_under_a_key() {
    let host = Host::new()
        .job("bare", described("bare"))
        .job("wrapped", json!({"job": described("wrapped")}));
    let _daemon = host.start();
    assert_eq!(description(&host, "bare"), "bare");
    assert_eq!(description(&host, "wrapped"), "wrapped");
}

#[test]
fn files_are_never_rewritten() {
    let host = Host::new();
    let daemon = host.start();
    let text = now(vec![exec("true")]).to_string();
    host.put_text("a.json", &text);
    daemon.run_of("a");
    host.ask("remove", "a");
    daemon.looks(&host);
    assert_eq!(host.read("jobs.d/a.json"), text);
    let names: Vec<_> = fs::read_dir(host.path("jobs.d"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["a.json"]);
}

#[test]
fn a_file_that_turns_bad_keeps_its_last_good_version_scheduled_until_it_is_mended() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    let next = host.show("a")["x-freezerd"]["next"].clone();
    host.put_text("a.json", "{\"job_actions\": 7}");
    daemon.says("a", "goes on with its last good content");
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(description(&host, "a"), "good");
    assert_eq!(host.show("a")["x-freezerd"]["next"], next);
    assert!(
        why_invalid(&host, "a").contains("job_actions"),
        "the reason is shown"
    );
    assert_eq!(host.not_loaded("a.json").unwrap()["state"], "invalid");
    host.trigger("a");
    assert!(
        daemon.run_of("a").message.contains("succeeded"),
        "it runs what it had"
    );
    host.put("a", described("mended"));
    daemon.says("a", "changed from a.json");
    assert_eq!(description(&host, "a"), "mended");
    assert_eq!(why_invalid(&host, "a"), "");
    assert_eq!(host.not_loaded("a.json"), None);
}

#[test]
fn a_bad_file_that_is_put_back_as_it_was_is_no_longer_invalid() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    host.put_text("a.json", "{");
    daemon.says("a", "goes on with its last good content");
    host.put("a", described("good"));
    eventually("the file is fine", || host.not_loaded("a.json").is_none());
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(why_invalid(&host, "a"), "");
}

#[test]
fn the_last_good_version_stays_scheduled_over_a_restart() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    host.put_text("a.json", "{");
    daemon.says("a", "goes on with its last good content");
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(description(&host, "a"), "good");
    assert_eq!(host.not_loaded("a.json").unwrap()["state"], "invalid");
    host.trigger("a");
    assert!(daemon.run_of("a").message.contains("succeeded"));
}

#[test]
fn a_file_that_turned_bad_while_nothing_ran_keeps_its_job() {
    let host = Host::new().job("a", described("good"));
    host.start().stop();
    host.put_text("a.json", "");
    let daemon = host.start();
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(host.not_loaded("a.json").unwrap()["state"], "invalid");
    host.delete("a");
    daemon.says("a", "gone");
    assert_eq!(host.not_loaded("a.json"), None);
}

#[test]
fn a_file_that_was_deleted_while_nothing_ran_takes_its_job_with_it() {
    let host = Host::new()
        .job("a", described("a"))
        .job("b", described("b"));
    host.start().stop();
    host.delete("a");
    let _daemon = host.start();
    assert_eq!(host.jobs(), ["b"]);
}

#[test]
fn bad_input_of_any_kind_is_reported_against_that_file_alone() {
    let host = Host::new().job("good", described("good"));
    for (name, content) in [
        ("empty.json", ""),
        (
            "half.json",
            "{\"job_actions\": [{\"freezer_action\": {\"act",
        ),
        ("list.json", "[1, 2]"),
        (
            "types.json",
            "{\"job_actions\": {\"a\": 1}, \"job_schedule\": [], \"job_id\": {}}",
        ),
        ("unknown.json", "{\"job_actions\": [], \"job_shedule\": {}}"),
        ("deep.json", &"[".repeat(100_000)),
        ("zero.json", "\0\0\0"),
    ] {
        host.put_text(name, content);
    }
    fs::write(host.path("jobs.d/binary.json"), [0xff, 0xfe, 0x00, 0xd8]).unwrap();
    fs::write(host.path("jobs.d/large.json"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    fs::create_dir(host.path("jobs.d/dir.json")).unwrap();
    symlink(host.path("jobs.d/good.json"), host.path("jobs.d/link.json")).unwrap();
    let _fifo = host.gate("jobs.d/fifo.json");
    let _socket = std::os::unix::net::UnixListener::bind(host.path("jobs.d/socket.json")).unwrap();
    let daemon = host.start();
    assert_eq!(host.jobs(), ["good"]);
    let list = host.json(&["list"]);
    let found: Vec<(&str, &str)> = list["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["file"].as_str().unwrap(),
                file["state"].as_str().unwrap(),
            )
        })
        .collect();
    let bad = [
        "binary.json",
        "deep.json",
        "dir.json",
        "empty.json",
        "fifo.json",
        "half.json",
        "large.json",
        "link.json",
        "list.json",
        "socket.json",
        "types.json",
        "unknown.json",
        "zero.json",
    ];
    assert_eq!(found, bad.map(|file| (file, "invalid")));
    for file in list["files"].as_array().unwrap() {
        assert!(!file["summary"].as_str().unwrap().is_empty());
        assert!(
            file["report"]
                .as_str()
                .unwrap()
                .contains(file["file"].as_str().unwrap()),
            "{file:#}"
        );
    }
    host.trigger("good");
    assert!(daemon.run_of("good").message.contains("succeeded"));
}

#[test]
fn a_file_that_the_daemon_may_not_read_is_invalid_and_says_how_to_mend_it() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    host.put("good", described("good"));
    host.put("secret", described("secret"));
    let path = host.path("jobs.d/secret.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let daemon = host.start();
    assert_eq!(host.jobs(), ["good"]);
    let entry = host.not_loaded("secret.json").unwrap();
    assert!(
        entry["report"].as_str().unwrap().contains("chmod"),
        "{entry:#}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    daemon.says("secret", "loaded");
}

#[test]
fn a_file_that_others_may_write_to_is_refused_with_the_chmod_that_mends_it() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    let path = host.path("jobs.d/a.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    daemon.says("a", "goes on with its last good content");
    assert!(
        why_invalid(&host, "a").contains("chmod"),
        "{}",
        why_invalid(&host, "a")
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    eventually("the file is fine", || host.not_loaded("a.json").is_none());
}

#[test]
fn a_file_of_a_user_who_is_not_trusted_is_refused_unless_trusted_owners_names_the_user() {
    if !is_root() {
        println!("SKIPPED: only root can give a file to another user");
        return;
    }
    let host = Host::new().job("a", described("theirs"));
    std::os::unix::fs::chown(host.path("jobs.d/a.json"), Some(NOBODY), None).unwrap();
    let daemon = host.start();
    assert!(host.jobs().is_empty());
    let entry = host.not_loaded("a.json").unwrap();
    assert!(
        entry["report"].as_str().unwrap().contains("chown root"),
        "{entry:#}"
    );
    daemon.stop();
    let host = host.env("FREEZERD_TRUSTED_OWNERS", &NOBODY.to_string());
    let _daemon = host.start();
    assert_eq!(host.jobs(), ["a"]);
}

#[test]
fn of_two_files_with_one_job_id_the_first_keeps_it_and_the_other_is_invalid_naming_the_first() {
    let named = |description: &str| {
        let mut job = described(description);
        job["job_id"] = json!("same");
        job
    };
    let host = Host::new().job("z-first", named("first"));
    let daemon = host.start();
    host.put("a-second", named("second"));
    daemon.until(|line| line.message.contains("a-second.json is not a valid job"));
    assert_eq!(file_of(&host, "same"), "z-first.json");
    let entry = host.not_loaded("a-second.json").unwrap();
    assert!(
        entry["summary"].as_str().unwrap().contains("z-first.json"),
        "{entry:#}"
    );
    daemon.stop();
    let daemon = host.start();
    assert_eq!(
        file_of(&host, "same"),
        "z-first.json",
        "it keeps it over a restart"
    );
    host.delete("z-first");
    daemon.says("same", "changed from a-second.json");
    assert_eq!(
        description(&host, "same"),
        "second",
        "and the other takes over when it lets go"
    );
    assert_eq!(host.not_loaded("a-second.json"), None);
}

#[test]
fn a_job_of_another_client_is_listed_as_foreign_and_not_run() {
    let host = Host::new();
    let daemon = host.start();
    let mut job = now(vec![exec(&format!(
        "touch '{}'",
        host.path("ran").display()
    ))]);
    job["client_id"] = json!("otherhost");
    host.put("theirs", job.clone());
    daemon.says("theirs", "is a job of otherhost");
    assert!(host.jobs().is_empty());
    let entry = host.not_loaded("theirs.json").unwrap();
    assert_eq!(
        (&entry["state"], &entry["client_id"]),
        (&json!("foreign"), &json!("otherhost"))
    );
    let said = host.freezerd(&["trigger", "theirs"]).exits(66).stderr();
    assert!(said.contains("a job of otherhost"), "{said}");
    job["client_id"] = json!("testhost");
    host.put("theirs", job);
    daemon.run_of("theirs");
    assert!(host.path("ran").exists(), "a job of this client is run");
}

/// With no word from the kernel: the directory is a link, and what it leads to is swapped.
fn swap_behind_the_kernels_back(host: &Host, job: Value) {
    let other = host.path("other.d");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(other.join("b.json"), job.to_string()).unwrap();
    let link = host.path("link.d");
    let next = host.path("next.d");
    symlink(&other, &next).unwrap();
    fs::rename(&next, &link).unwrap();
}

fn linked_host() -> Host {
    let host = Host::new().job("a", described("a"));
    symlink(host.path("jobs.d"), host.path("link.d")).unwrap();
    let link = host.path("link.d").display().to_string();
    host.env("FREEZERD_JOBS_DIR", &link)
}

#[test]
fn sighup_makes_it_look_at_what_the_kernel_did_not_tell() {
    let host = linked_host();
    let daemon = host.start();
    swap_behind_the_kernels_back(&host, described("b"));
    daemon.signal(Signal::HUP);
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["b"]);
}

#[test]
fn a_periodic_rescan_covers_what_the_kernel_did_not_tell() {
    let host = linked_host().env("FREEZERD_RESCAN_INTERVAL", "1 second");
    let daemon = host.start();
    swap_behind_the_kernels_back(&host, described("b"));
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["b"]);
    fs::write(host.path("other.d/c.json"), described("c").to_string()).unwrap();
    daemon.says("c", "loaded");
}

#[test]
fn a_directory_that_takes_the_place_of_the_old_one_is_read_and_watched() {
    let host = Host::new().job("a", described("a"));
    let daemon = host.start();
    let fresh = host.path("fresh.d");
    fs::create_dir(&fresh).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(fresh.join("b.json"), described("b").to_string()).unwrap();
    fs::rename(host.path("jobs.d"), host.path("old.d")).unwrap();
    fs::rename(&fresh, host.path("jobs.d")).unwrap();
    daemon.says("b", "loaded");
    host.put("c", described("c"));
    daemon.says("c", "loaded");
}

#[test]
fn while_the_jobs_directory_cannot_be_read_all_jobs_go_on_as_they_are() {
    let host = Host::new().job("a", every("1 second", vec![exec("true")]));
    let daemon = host.start();
    fs::rename(host.path("jobs.d"), host.path("away.d")).unwrap();
    daemon.until(|line| line.message.contains("the jobs go on as they are"));
    daemon.run_of("a");
    daemon.run_of("a");
    assert_eq!(host.jobs(), ["a"]);
    fs::rename(host.path("away.d"), host.path("jobs.d")).unwrap();
    daemon.until(|line| line.message.contains("can be read again"));
    host.put("b", described("b"));
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["a", "b"]);
}

#[test]
fn while_others_may_write_to_the_jobs_directory_nothing_new_is_read_from_it() {
    let host = Host::new().job("a", described("a"));
    let daemon = host.start();
    let open =
        |mode| fs::set_permissions(host.path("jobs.d"), fs::Permissions::from_mode(mode)).unwrap();
    open(0o777);
    daemon.until(|line| {
        line.message.contains("the jobs go on as they are") && line.message.contains("chmod")
    });
    host.put("b", described("b"));
    assert_eq!(host.jobs(), ["a"]);
    open(0o755);
    daemon.says("b", "loaded");
    assert_eq!(host.jobs(), ["a", "b"]);
}

#[test]
fn a_file_that_is_deleted_while_its_job_runs_lets_the_run_finish_and_then_the_job_is_gone() {
    let host = Host::new();
    let gate = host.gate("gate");
    let host = host.job("a", someday(vec![gate.action(), exec("true")]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "exec");
    host.delete("a");
    daemon.looks(&host);
    assert_eq!(host.state("a"), "running//");
    gate.pass();
    let end = daemon.run_of("a");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    daemon.says("a", "gone");
    assert!(host.jobs().is_empty());
    assert_eq!(host.run(run)["result"], "success");
}

#[test]
fn a_file_that_comes_back_before_the_run_has_ended_keeps_its_job() {
    let host = Host::new();
    let gate = host.gate("gate");
    let job = someday(vec![gate.action()]);
    let host = host.job("a", job.clone());
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec");
    host.delete("a");
    daemon.looks(&host);
    host.put("a", job);
    daemon.looks(&host);
    gate.pass();
    daemon.run_of("a");
    daemon.looks(&host);
    assert_eq!(host.state("a"), "scheduled//success");
}

#[test]
fn a_run_goes_on_with_what_it_began_with_when_its_file_changes() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mark = |word: &str| {
        exec(&format!(
            "echo {word} >> '{}'",
            host.path("marks").display()
        ))
    };
    host.put("a", someday(vec![gate.action(), mark("old")]));
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec");
    host.put("a", someday(vec![mark("new")]));
    daemon.says("a", "changed");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.read("marks"), "old\n");
    host.trigger("a");
    daemon.run_of("a");
    assert_eq!(host.read("marks"), "old\nnew\n");
}

#[test]
fn a_thousand_files_are_a_thousand_jobs() {
    let host = Host::new();
    for count in 0..1000 {
        fs::write(
            host.path(&format!("jobs.d/j{count:04}.json")),
            described("many").to_string(),
        )
        .unwrap();
    }
    let daemon = host.start();
    assert_eq!(host.jobs().len(), 1000);
    for count in 0..500 {
        host.delete(&format!("j{count:04}"));
    }
    eventually("half of them", || host.jobs().len() == 500);
    assert!(Path::new(&format!("/proc/{}", daemon.id())).exists());
}
