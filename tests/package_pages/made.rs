//! What `packaging/generate` writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// The content of each file that the generator writes, by its path below the output directory.
pub static MADE: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--example", "generate", "--"])
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(status.success());
    let mut made = BTreeMap::new();
    read(directory.path(), "", &mut made);
    made
});

fn read(directory: &Path, prefix: &str, made: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{name}/"), made);
        } else {
            made.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// The text of a manual page, without escapes.
pub fn page(name: &str) -> String {
    let source = MADE
        .get(&format!("man/{name}"))
        .unwrap_or_else(|| panic!("there is no page {name}"));
    source
        .replace("\\fB", "")
        .replace("\\fI", "")
        .replace("\\fR", "")
        .replace("\\-", "-")
        .replace("\\*(Aq", "'")
}
