//! The rules of the house, checked against the source: imports, circles, the size of files, comments, outputs, `unsafe`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod comments;
mod outputs;
mod source;

use source::{files_below, imports, module_of, text_of};

/// The rooms from the top down, each with the rooms that it may import: the two tables of `docs/design.md`.
fn rooms() -> Vec<(String, BTreeSet<String>)> {
    let [known, imports] = tables();
    let row = |room: &String| {
        imports
            .iter()
            .find(|(rooms, _)| rooms.contains(room))
            .map(|(_, allowed)| allowed.clone())
            .unwrap_or_default()
    };
    let rooms: Vec<(String, BTreeSet<String>)> = known
        .into_iter()
        .flat_map(|(rooms, _)| rooms)
        .map(|room| {
            let allowed = row(&room);
            (room, allowed)
        })
        .collect();
    let rows: Vec<&String> = imports.iter().flat_map(|(rooms, _)| rooms).collect();
    for room in rows {
        assert!(
            rooms.iter().any(|(known, _)| known == room),
            "`{room}` has imports, but is not in the table of rooms"
        );
    }
    rooms
}

/// The two tables on rooms in `docs/design.md`: of each row, the names in backquotes in the first two cells.
fn tables() -> [Vec<(Vec<String>, BTreeSet<String>)>; 2] {
    let design = fs::read_to_string("docs/design.md").expect("the design");
    let section = design
        .split("\n## Rooms")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the section on rooms");
    let mut tables = section.split("\n|---|---|\n").skip(1).map(|table| {
        table
            .lines()
            .take_while(|line| line.starts_with('|'))
            .map(|line| {
                let cells: Vec<&str> = line.split('|').collect();
                (names(cells[1]), names(cells[2]).into_iter().collect())
            })
            .collect()
    });
    [(); 2].map(|()| tables.next().expect("two tables"))
}

fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(|name| {
            name.trim_end_matches('/')
                .trim_end_matches(".rs")
                .to_owned()
        })
        .collect()
}

/// The room of a module: its first name. The root of the library is `lib`.
fn room_of(module: &[String]) -> String {
    module.first().map_or("lib", String::as_str).to_owned()
}

/// The rooms that each room imports, each with a file that does.
type Imports = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// The rows of the table that fits the code, to be copied into the design.
fn table_of(rooms: &[(String, BTreeSet<String>)], used: &Imports) -> String {
    let order = || rooms.iter().map(|(room, _)| room);
    order()
        .map(|room| {
            let others: Vec<String> = order()
                .filter(|other| used.get(room).is_some_and(|used| used.contains_key(*other)))
                .map(|other| format!("`{other}`"))
                .collect();
            let others = if others.is_empty() {
                "–".to_owned()
            } else {
                others.join(", ")
            };
            format!("| `{room}` | {others} |\n")
        })
        .collect()
}

#[test]
fn each_room_imports_the_rooms_that_the_design_names_and_no_others() {
    let rooms = rooms();
    let mut used = Imports::new();
    for file in files_below("src") {
        let module = module_of(&file);
        let room = room_of(&module);
        let others = used.entry(room.clone()).or_default();
        for import in imports(&text_of(&file), &module) {
            let other = room_of(&import.path);
            // `samples` exists only in tests.
            if other != room && other != "lib" && other != "samples" {
                assert!(
                    !import.exported,
                    "{}: exports a name of the room {other}",
                    file.display()
                );
                others.entry(other).or_insert_with(|| file.clone());
            }
        }
    }
    used.remove("lib");
    let mut wrong = Vec::new();
    for (room, others) in &used {
        let Some((_, allowed)) = rooms.iter().find(|(known, _)| known == room) else {
            wrong.push(format!("the tables do not have the room `{room}`"));
            continue;
        };
        for (other, file) in others {
            if !allowed.contains(other) {
                wrong.push(format!(
                    "`{room}` imports `{other}` ({}), which is not in its row",
                    file.display()
                ));
            }
        }
    }
    for (height, (room, allowed)) in rooms.iter().enumerate() {
        let Some(used) = used.get(room) else {
            wrong.push(format!("`{room}` has a row, but is not in src/"));
            continue;
        };
        for other in allowed {
            if !used.contains_key(other) {
                wrong.push(format!(
                    "`{room}` does not import `{other}`: remove it from the row"
                ));
            }
            if !rooms[height + 1..].iter().any(|(below, _)| below == other) {
                wrong.push(format!("`{room}` imports `{other}`, which is not below it"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/design.md, Rooms:\n{}\n\nThe imports as they are:\n{}",
        wrong.join("\n"),
        table_of(&rooms, &used)
    );
}

/// Commands ask the daemon through `control/`. Only `freezerd run` is the daemon itself.
#[test]
fn of_the_command_line_only_the_run_command_imports_the_daemon() {
    let files: BTreeSet<PathBuf> = files_below("src/cli")
        .into_iter()
        .filter(|file| {
            imports(&text_of(file), &module_of(file))
                .iter()
                .any(|import| room_of(&import.path) == "daemon")
        })
        .collect();
    assert_eq!(files, BTreeSet::from([PathBuf::from("src/cli/run.rs")]));
}

/// Which file of `src` each module is, and which names it exports for which of its children.
struct House {
    files: BTreeMap<Vec<String>, PathBuf>,
    exports: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
}

impl House {
    /// The module that defines what a path names.
    fn definer<'a>(&'a self, path: &'a [String]) -> Option<&'a [String]> {
        let module = (0..=path.len())
            .rev()
            .map(|length| &path[..length])
            .find(|module| self.files.contains_key(*module))?;
        let exported = path
            .get(module.len())
            .and_then(|name| self.exports.get(module)?.get(name));
        match exported {
            Some(path) => self.definer(path),
            None => Some(module),
        }
    }
}

/// The modules that each module imports.
type Graph<'a> = BTreeMap<&'a [String], BTreeSet<&'a [String]>>;

fn reachable<'a>(edges: &Graph<'a>, from: &'a [String]) -> BTreeSet<&'a [String]> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flatten() {
            if seen.insert(*next) {
                open.push(next);
            }
        }
    }
    seen
}

/// The known imports that are part of a circle. One that is gone must leave this list.
const CIRCLES: &[(&str, &str)] = &[];

#[test]
fn no_file_imports_from_another_in_a_circle() {
    let mut house = House {
        files: BTreeMap::new(),
        exports: BTreeMap::new(),
    };
    let mut found = Vec::new();
    for file in files_below("src") {
        let module = module_of(&file);
        for import in imports(&text_of(&file), &module) {
            if import.exported
                && let Some(name) = import.path.last()
            {
                house
                    .exports
                    .entry(module.clone())
                    .or_default()
                    .insert(name.clone(), import.path.clone());
            }
            if !import.in_test {
                found.push((module.clone(), import.path));
            }
        }
        if file != Path::new("src/main.rs") {
            house.files.insert(module, file);
        }
    }
    let mut edges: Graph = BTreeMap::new();
    for (from, path) in &found {
        // A folder's `mod.rs` frames what is in the folder, so a file may use what its own `mod.rs` defines.
        if let Some(to) = house.definer(path)
            && !from.starts_with(to)
        {
            edges.entry(from).or_default().insert(to);
        }
    }
    let reached: Graph = edges
        .keys()
        .map(|from| (*from, reachable(&edges, from)))
        .collect();
    let circles: Vec<(String, String)> = edges
        .iter()
        .flat_map(|(from, tos)| tos.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| reached.get(to).is_some_and(|there| there.contains(from)))
        .map(|(from, to)| (from.join("::"), to.join("::")))
        .collect();
    let circles: Vec<(&str, &str)> = circles
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    assert_eq!(circles, CIRCLES, "imports that are part of a circle");
}

/// The longest that a file may be, in lines. A longer file often holds two concepts.
const LONGEST: usize = 400;

/// Longer files, each with the reason. A file that is not longer any more must leave this list.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn files_are_short() {
    let long: Vec<(String, usize)> = ["src", "tests"]
        .into_iter()
        .flat_map(files_below)
        .map(|file| (file.display().to_string(), text_of(&file).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .collect();
    let mut wrong: Vec<String> = long
        .iter()
        .filter(|(file, _)| LONGER.iter().all(|(known, _)| known != file))
        .map(|(file, lines)| format!("{file} has {lines} lines: split it"))
        .collect();
    wrong.extend(
        LONGER
            .iter()
            .filter(|(known, _)| long.iter().all(|(file, _)| file != known))
            .map(|(known, _)| format!("{known} is short: remove it from the list")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn comments_say_more_than_the_name() {
    let faults: Vec<String> = files_below("src")
        .iter()
        .flat_map(|file| {
            comments::faults(&text_of(file))
                .into_iter()
                .map(|fault| format!("{}:{fault}", file.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn unsafe_code_is_in_one_module() {
    let with: Vec<PathBuf> = files_below("src")
        .into_iter()
        .filter(|file| {
            let text = text_of(file);
            text.contains("unsafe {")
                || text.contains("unsafe fn")
                || text.contains("allow(unsafe_code)")
        })
        .collect();
    assert_eq!(
        with,
        ["src/os/memory.rs", "src/os/outputs.rs", "src/os.rs"].map(PathBuf::from)
    );
}

#[test]
fn the_sample_jobs_are_valid() {
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
