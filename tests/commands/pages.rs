//! The blocks for a shell in the README and in `docs/`, run as they are written. Only the paths are those of a test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Host, backup, someday, tree};

/// What is between a heading and the next one.
fn section(page: &str, heading: &str) -> String {
    let text = fs::read_to_string(page).unwrap();
    let (_, rest) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("{page} has no heading {heading}"));
    rest.split("\n#").next().unwrap().to_owned()
}

/// The blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let parts = text.split(&begin).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap().to_owned())
        .collect()
}

/// A host whose paths stand for those in the pages.
struct Reader {
    host: Host,
    paths: Vec<(&'static str, String)>,
}

impl Reader {
    /// `paths` are those in the pages, and what stands for each of them below the directory of the host.
    fn new(paths: &[(&'static str, &str)]) -> Reader {
        let host = Host::new();
        let paths = paths
            .iter()
            .map(|(page, own)| (*page, host.path(own).to_str().unwrap().to_owned()))
            .collect();
        Reader { host, paths }
    }

    fn with_own_paths(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (page, own) in &self.paths {
            text = text.replace(page, own);
        }
        text
    }

    /// Runs a block as somebody does who pastes it. A command may also end with one of these exit codes.
    #[track_caller]
    fn paste(&self, block: &str, or: &[(&str, i32)]) -> String {
        let mut said = String::new();
        for line in self.with_own_paths(block).replace("\\\n", " ").lines() {
            let ran = self.shell(line).output().unwrap();
            let text = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
            let code = ran.status.code().unwrap_or(-1);
            let is_fine = code == 0
                || or
                    .iter()
                    .any(|(begin, other)| line.starts_with(begin) && code == *other);
            assert!(is_fine, "{line}\nexit code {code}\n{text}");
            said.push_str(&text);
        }
        said
    }

    fn shell(&self, line: &str) -> Command {
        let freezerd = self.host.command(&[]);
        let bin = Path::new(env!("CARGO_BIN_EXE_freezerd")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).stdin(Stdio::null());
        for (name, value) in freezerd.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        shell.env("PATH", format!("{}:{path}", bin.display()));
        shell.env("RESTIC_CACHE_DIR", self.host.path("work/cache"));
        shell.current_dir(self.host.path("work"));
        shell
    }
}

/// What is in a directory, without the directory itself.
fn below(directory: &Path) -> impl PartialEq + std::fmt::Debug {
    let mut tree = tree(directory);
    tree.retain(|name, _| *name != Path::new(""));
    tree
}

fn has_restic() -> bool {
    let ran = Command::new("restic").arg("version").output();
    if ran.is_err() {
        println!("SKIPPED: restic is not installed");
    }
    ran.is_ok()
}

#[test]
fn the_first_job_of_the_readme_and_its_restore_with_restic_work_as_they_are_written() {
    let reader = Reader::new(&[
        ("/etc/freezerd/jobs.d", "jobs.d"),
        ("/etc/freezerd/password", "password"),
        ("/var/backups/freezerd", "backups"),
        ("/tmp/etc-of-today", "etc-of-today"),
        ("\"/etc\"", "source"),
    ]);
    let host = &reader.host;
    for name in ["hosts", "deep/er/file"] {
        host.file(&format!("source/{name}"), name);
    }
    let first = section("README.md", "## The first job in five minutes");
    let shell = blocks(&first, "sh");
    let [password, commands] = &shell[..] else {
        panic!("{shell:?}");
    };
    reader.paste(password, &[]);
    let mode = fs::metadata(host.path("password")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let job = blocks(&first, "json").remove(0).replace(
        "\"/etc\"",
        &format!("\"{}\"", host.path("source").display()),
    );
    let daemon = host.start();
    host.put_text("etc.json", &reader.with_own_paths(&job));
    daemon.says("etc", "loaded from etc.json");
    // The doctor may warn of a clock that is not synchronized.
    let said = reader.paste(commands, &[("freezerd doctor", 4)]);
    assert!(said.contains("success"), "{said}");
    let target = host.path("etc-of-today");
    assert_eq!(tree(&target), tree(&host.path("source")));
    if !has_restic() {
        return;
    }
    fs::remove_dir_all(&target).unwrap();
    let restic = blocks(&section("README.md", "## Use restic"), "sh");
    reader.paste(&restic.concat(), &[]);
    let source = host.path("source");
    let restored = target.join(source.strip_prefix("/").unwrap());
    assert_eq!(tree(&restored), tree(&source));
}

#[test]
fn a_whole_server_comes_back_with_the_commands_of_the_page() {
    let reader = Reader::new(&[
        ("/media/backup", "media"),
        ("/media/key/password", "password"),
        ("/mnt", "new-disk"),
    ]);
    let host = &reader.host;
    for name in ["etc/fstab", "home/ada/letter"] {
        host.file(&format!("server/{name}"), name);
    }
    let pass = host.file("password", "a password\n");
    fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(host.path("media")).unwrap();
    let mut job: Value =
        serde_json::from_str(&fs::read_to_string("packaging/examples/whole-server.json").unwrap())
            .unwrap();
    job.as_object_mut().unwrap().remove("job_schedule");
    let action = &mut job["job_actions"][0]["freezer_action"];
    action["path_to_backup"] = host.path("server").to_str().unwrap().into();
    action["container"] = host.path("media/server").to_str().unwrap().into();
    action["encrypt_pass_file"] = pass.to_str().unwrap().into();
    action["hostname"] = "web1".into();
    host.put("server", job);
    host.once().exits(0);
    // The rescue system knows nothing of the job.
    host.delete("server");
    let page = section("docs/jobs.md", "## A whole restore");
    let shell = blocks(&page, "sh");
    let [with_freezerd, with_restic] = &shell[..] else {
        panic!("{shell:?}");
    };
    let (disk, source) = (host.path("new-disk"), host.path("server"));
    fs::create_dir(&disk).unwrap();
    reader.paste(with_freezerd, &[]);
    assert_eq!(below(&disk), below(&source));
    if has_restic() {
        fs::remove_dir_all(&disk).unwrap();
        reader.paste(with_restic, &[]);
        let restored = disk.join(source.strip_prefix("/").unwrap());
        assert_eq!(below(&restored), below(&source));
    }
}

#[test]
fn the_commands_of_the_page_repair_a_damaged_container() {
    let reader = Reader::new(&[]);
    let host = &reader.host;
    let source = host.file("source/letter", "Dear reader");
    let save = backup(source.parent().unwrap(), &host.path("container"));
    host.put("save", someday(vec![save]));
    let daemon = host.start();
    host.trigger("save");
    daemon.run_of("save");
    // A byte of every pack changes.
    for directory in fs::read_dir(host.path("container/data")).unwrap().flatten() {
        for pack in fs::read_dir(directory.path()).unwrap().flatten() {
            let path = pack.path();
            let mut content = fs::read(&path).unwrap();
            content[20] ^= 1;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(&path, content).unwrap();
        }
    }
    let damaged = section("docs/containers.md", "## When something is damaged");
    let block = blocks(&damaged, "sh").concat().replace("JOB", "save");
    // As long as something is lost, a repair says so by its exit code.
    let said = reader.paste(&block, &[("freezerd repair save --read-data", 3)]);
    assert!(said.contains("lost in snapshot"), "{said}");
    host.freezerd(&["verify", "save", "--read-data"]).exits(0);
    let listed = host.json(&["snapshots", "save"]);
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 2);
    daemon.stop();
}
