//! How files are written, what their names mean, and which files are ignored.

use std::fs;

use serde_json::json;

use super::{described, description};
use crate::harness::{Host, eventually, exec, now};

#[test]
fn a_file_that_is_written_in_place_is_read_when_it_stops_changing() {
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
fn half_a_file_is_invalid_until_the_rest_is_written() {
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
    // As vim does it: the old file becomes the backup file, and a new file takes its name.
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
