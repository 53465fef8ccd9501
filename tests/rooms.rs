//! The house as `docs/design.md` draws it, held against the `use` lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the top down, as in the table of `docs/design.md`.
fn rooms() -> Vec<String> {
    let design = fs::read_to_string("docs/design.md").expect("the design");
    let table = design
        .split("## Rooms")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the section on rooms");
    let mut rooms = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cell = line.split('|').nth(1).expect("a first cell");
        for name in cell.split('`').skip(1).step_by(2) {
            rooms.push(
                name.trim_end_matches('/')
                    .trim_end_matches(".rs")
                    .to_owned(),
            );
        }
    }
    rooms
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a source directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Which rooms each room names in its code.
fn imports() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut imports: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix("src").expect("below src");
        let room = inside
            .components()
            .next()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .expect("a room")
            .trim_end_matches(".rs")
            .to_owned();
        let text = fs::read_to_string(&file).expect("a source file");
        for piece in text.split("crate::").skip(1) {
            let named: String = piece
                .chars()
                .take_while(|character| character.is_ascii_lowercase() || *character == '_')
                .collect();
            imports
                .entry(room.clone())
                .or_default()
                .push((file.clone(), named));
        }
    }
    imports
}

#[test]
fn every_room_is_in_the_design_and_imports_only_rooms_below_it() {
    let rooms = rooms();
    let height = |room: &str| rooms.iter().position(|known| known == room);
    for (room, named) in imports() {
        if room == "lib" {
            continue;
        }
        let here =
            height(&room).unwrap_or_else(|| panic!("docs/design.md does not know the room {room}"));
        for (file, other) in named {
            // `tests/samples` is a module of the unit tests alone.
            if other == room || other == "samples" {
                continue;
            }
            let there = height(&other)
                .unwrap_or_else(|| panic!("{}: imports {other}, which is no room", file.display()));
            assert!(
                there > here,
                "{}: {room} imports {other}, which stands above it",
                file.display()
            );
        }
    }
}

#[test]
fn the_daemon_and_the_agent_stand_side_by_side() {
    for (room, others) in imports() {
        for (file, other) in others {
            assert!(
                !(room == "daemon" && other == "agent" || room == "agent" && other == "daemon"),
                "{}: {room} imports {other}",
                file.display()
            );
        }
    }
}

#[test]
fn of_the_command_line_only_the_run_command_imports_the_daemon() {
    let files: Vec<PathBuf> = imports()
        .remove("cli")
        .expect("the command line imports something")
        .into_iter()
        .filter(|(_, other)| other == "daemon")
        .map(|(file, _)| file)
        .collect();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(file, Path::new("src/cli/run.rs"), "imports the daemon");
    }
}

#[test]
fn unsafe_code_lives_in_one_small_module() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let with: Vec<PathBuf> = files
        .into_iter()
        .filter(|file| {
            let text = fs::read_to_string(file).expect("a source file");
            text.contains("unsafe {")
                || text.contains("unsafe fn")
                || text.contains("allow(unsafe_code)")
        })
        .collect();
    assert_eq!(with, [PathBuf::from("src/os.rs")]);
}

#[test]
fn the_examples_are_valid_and_check_finds_no_error_in_them() {
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_freezerd"))
        .args(["check", "--no-trust", "jobs.d"])
        .output()
        .expect("freezerd runs");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
