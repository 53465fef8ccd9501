//! The engine cuts files into the chunks that restic cuts them into. `restic` is the judge.

use std::fs;
use std::path::Path;
use std::process::Command;

use freezerd::archive::chunker::Chunker;
use serde_json::Value;

fn restic(repository: &Path, arguments: &[&str]) -> Vec<u8> {
    let ran = Command::new("restic")
        .args(["--no-cache", "--quiet", "--repo"])
        .arg(repository)
        .args(arguments)
        .env("RESTIC_PASSWORD", "secret")
        .output()
        .expect("restic runs");
    assert!(
        ran.status.success(),
        "restic {arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    ran.stdout
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn a_file_has_the_same_chunks_as_in_a_backup_of_restic() {
    if Command::new("restic").arg("version").output().is_err() {
        println!("SKIPPED: restic is not installed");
        return;
    }
    let top = tempfile::tempdir().expect("a temporary directory");
    let (source, repository) = (top.path().join("source"), top.path().join("repository"));
    fs::create_dir(&source).expect("a directory");
    let mut random = fastrand::Rng::with_seed(7);
    let mut data = vec![0; 24 << 20];
    random.fill(&mut data);
    // A stretch without a cut, and one that repeats.
    data[3 << 20..13 << 20].fill(1);
    let repeated = data[..3000].repeat(500);
    data[16 << 20..(16 << 20) + repeated.len()].copy_from_slice(&repeated);
    fs::write(source.join("file"), &data).expect("a file");

    restic(&repository, &["init"]);
    restic(&repository, &["backup", source.to_str().expect("UTF-8")]);
    let config = json(&restic(&repository, &["cat", "config"]));
    let polynomial = config["chunker_polynomial"].as_str().expect("a polynomial");
    let chunker = Chunker::new(u64::from_str_radix(polynomial, 16).expect("hexadecimal"))
        .expect("a polynomial of restic's degree");

    let mut ours = Vec::new();
    let mut start = 0;
    while start < data.len() {
        let length = chunker
            .find_cut(&data[start..], 0)
            .unwrap_or(data.len() - start);
        ours.push(sha256(&data[start..start + length]));
        start += length;
    }
    assert_eq!(ours, chunks_of_restic(&repository));
}

/// The ids of the chunks of the only file in the only snapshot.
fn chunks_of_restic(repository: &Path) -> Vec<String> {
    let snapshots = json(&restic(repository, &["snapshots", "--json"]));
    let mut tree = snapshots[0]["tree"].as_str().expect("a tree").to_owned();
    loop {
        let nodes = json(&restic(repository, &["cat", "blob", &tree]));
        let node = &nodes["nodes"][0];
        match node["content"].as_array() {
            Some(content) => {
                return content
                    .iter()
                    .map(|id| id.as_str().expect("an id").to_owned())
                    .collect();
            }
            None => tree = node["subtree"].as_str().expect("a subtree").to_owned(),
        }
    }
}

fn sha256(data: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(data)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
