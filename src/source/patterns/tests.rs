use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

fn leaves_out(patterns: &[&str], path: &str) -> bool {
    let (patterns, faults) = Patterns::new(Path::new("/srv/www"), patterns);
    assert_eq!(faults, []);
    let (path, is_directory) = match path.strip_suffix('/') {
        Some(path) => (path, true),
        None => (path, false),
    };
    patterns.leave_out(Path::new(path), is_directory)
}

#[test]
fn a_pattern_means_what_gitignore_says() {
    for (patterns, path, left_out) in [
        // A name at any depth.
        (&["*.log"][..], "a.log", true),
        (&["*.log"], "x/y/a.log", true),
        (&["*.log"], "a.log.txt", false),
        (&["cache"], "x/cache/y", true),
        (&["cache/"], "x/cache", false),
        (&["cache/"], "x/cache/", true),
        (&["cache/"], "x/cache/y", true),
        // Anchored by a slash.
        (&["/cache"], "cache", true),
        (&["/cache"], "x/cache", false),
        (&["./cache"], "x/cache", false),
        (&["./cache"], "cache", true),
        (&["x/cache"], "x/cache", true),
        (&["x/cache"], "y/x/cache", false),
        // `*` stays within a name, `**` does not.
        (&["x/*.log"], "x/a.log", true),
        (&["x/*.log"], "x/y/a.log", false),
        (&["**/node_modules"], "node_modules", true),
        (&["**/node_modules"], "x/y/node_modules", true),
        (&["x/**/z"], "x/z", true),
        (&["x/**/z"], "x/y/y/z", true),
        (&["x/**"], "x/", false),
        (&["x/**"], "x/y", true),
        (&["x**z"], "xyz", true),
        (&["x**z"], "x/z", false),
        (&["**"], "x", true),
        // The last pattern that matches decides, below a directory that is not left out.
        (&["*.log", "!audit.log"], "audit.log", false),
        (&["!audit.log", "*.log"], "audit.log", true),
        (&["logs/", "!logs/audit.log"], "logs/audit.log", true),
        (&["logs/*", "!logs/audit.log"], "logs/audit.log", false),
        // Classes and escapes.
        (&["[a-c]x"], "bx", true),
        (&["[!a-c]x"], "bx", false),
        (&["[^a-c]x"], "dx", true),
        (&["[]-]x"], "]x", true),
        (&["[[:digit:]x]"], "7", true),
        (&["[\\]]"], "]", true),
        (&["\\*"], "*", true),
        (&["\\*"], "x", false),
        (&["\\!x"], "!x", true),
        (&["\\#x"], "#x", true),
        (&["x "], "x", true),
        (&["x\\ "], "x ", true),
        // Characters, not bytes.
        (&["?"], "ü", true),
        (&["[ä-ü]"], "ö", true),
        (&["??"], "ü", false),
        // The path of the source itself.
        (&["/srv/www/cache"], "cache", true),
        (&["/srv/www/cache"], "x/cache", false),
        (&["/srv/wwwx"], "srv/wwwx", true),
    ] {
        assert_eq!(leaves_out(patterns, path), left_out, "{patterns:?} {path}");
    }
}

#[test]
fn a_byte_that_is_not_utf8_is_one_character() {
    let (patterns, _) = Patterns::new(Path::new("/"), &["a?b"]);
    for (name, left_out) in [
        (&b"a\xffb"[..], true),
        (b"a\xff\xfeb", false),
        (b"a\xc3b", true),
        ("aüb".as_bytes(), true),
        ("a€b".as_bytes(), true),
    ] {
        let path = Path::new(OsStr::from_bytes(name));
        assert_eq!(patterns.leave_out(path, false), left_out, "{path:?}");
    }
}

#[test]
fn a_text_that_can_match_nothing_is_refused_with_its_reason() {
    for (text, fault) in [
        ("", PatternFault::Empty),
        ("   ", PatternFault::Empty),
        ("/", PatternFault::Empty),
        ("!", PatternFault::Empty),
        ("# a comment", PatternFault::Comment),
        ("[a", PatternFault::OpenClass),
        ("x\\", PatternFault::OpenEscape),
        ("a//b", PatternFault::NoSuchName),
        ("../x", PatternFault::NoSuchName),
        ("a/./b", PatternFault::NoSuchName),
        ("[b-a]", PatternFault::EmptyClass),
        ("x/[9-0z-y].c", PatternFault::EmptyClass),
        ("/srv/www", PatternFault::WholeSource),
    ] {
        let (patterns, faults) = Patterns::new(Path::new("/srv/www"), &["x", text]);
        assert_eq!(faults, [(1, fault)], "{text:?}");
        assert!(patterns.leave_out(Path::new("x"), false), "the others stay");
    }
}

#[test]
fn a_long_pattern_on_a_long_path_ends_soon() {
    let pattern = format!("{}b", "*a".repeat(500));
    let deep = format!("{}b", "**/a/".repeat(200));
    let (patterns, _) = Patterns::new(Path::new("/"), &[pattern, deep]);
    let path = "a".repeat(200) + "/" + &"a/".repeat(1500) + "c";
    assert!(!patterns.leave_out(Path::new(&path), false));
}

/// Random patterns and paths. `git check-ignore` is the judge.
#[test]
fn git_leaves_out_the_same_paths() {
    if Command::new("git").arg("--version").output().is_err() {
        println!("SKIPPED: git is not installed");
        return;
    }
    let mut random = fastrand::Rng::with_seed(13);
    for _ in 0..30 {
        let count = random.usize(1..6);
        // git accepts texts that we refuse.
        let lines: Vec<String> = (0..count)
            .map(|_| random_pattern(&mut random))
            .filter(|line| Pattern::new(Path::new("/srv/www"), line).is_ok())
            // Beside other characters `**` is the same as `*`. git's documentation says so, but git does not always.
            .filter(|line| {
                line.trim_start_matches('!')
                    .split('/')
                    .all(|part| part == "**" || !part.contains("**"))
            })
            .collect();
        let (patterns, _) = Patterns::new(Path::new("/srv/www"), &lines);
        let directories: Vec<String> = (0..15).map(|_| random_path(&mut random)).collect();
        let paths: Vec<String> = (0..60)
            .map(|_| random_path(&mut random))
            .chain(directories.iter().cloned())
            .collect();
        let judged = git_check_ignore(&lines, &directories, &paths);
        for (path, left_out) in paths.iter().zip(judged) {
            let inside = format!("{path}/");
            let is_directory = directories
                .iter()
                .any(|directory| format!("{directory}/").starts_with(&inside));
            assert_eq!(
                patterns.leave_out(Path::new(path), is_directory),
                left_out,
                "{lines:?} {path} {is_directory}"
            );
        }
    }
}

fn random_pattern(random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 13] = [
        "a", "b", "ab", "*", "?", "/", "/", "/**/", "[ab]", "[!a]", "\\a", "c", ".x",
    ];
    let mut pattern = String::new();
    if random.u8(0..5) == 0 {
        pattern.push('!');
    }
    if random.u8(0..8) == 0 {
        pattern.push_str("**/");
    }
    for _ in 0..random.usize(1..6) {
        pattern.push_str(PIECES[random.usize(0..PIECES.len())]);
    }
    if random.u8(0..8) == 0 {
        pattern.push_str("/**");
    }
    pattern
}

/// A path of a few short names.
fn random_path(random: &mut fastrand::Rng) -> String {
    const NAMES: [&str; 7] = ["a", "b", "ab", "abc", "c", ".x", "a.x"];
    let depth = random.usize(1..5);
    let names: Vec<&str> = (0..depth)
        .map(|_| NAMES[random.usize(0..NAMES.len())])
        .collect();
    names.join("/")
}

/// Which of the paths git ignores with these lines, where these directories exist.
fn git_check_ignore(lines: &[String], directories: &[String], paths: &[String]) -> Vec<bool> {
    let top = tempfile::tempdir().expect("a directory");
    for directory in directories {
        fs::create_dir_all(top.path().join(directory)).expect("a directory");
    }
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .current_dir(top.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .args(arguments);
        command
    };
    assert!(git(&["init", "--quiet"]).status().expect("git").success());
    fs::write(top.path().join(".gitignore"), lines.join("\n")).expect("a file");
    let mut child = git(&["check-ignore", "--stdin", "--no-index", "-z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all((paths.join("\0") + "\0").as_bytes())
        .expect("written");
    let ignored = child.wait_with_output().expect("git").stdout;
    let ignored: Vec<&[u8]> = ignored.split(|byte| *byte == 0).collect();
    paths
        .iter()
        .map(|path| ignored.contains(&path.as_bytes()))
        .collect()
}
