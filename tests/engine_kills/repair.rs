//! Kills of `freezerd repair`: at each point of its writes, and at random moments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use freezerd::job::action::{Age, Work};
use freezerd::repository::check::check;
use freezerd::repository::check::report::Damaged;
use freezerd::repository::check::share::Share;
use freezerd::repository::progress::Silent;

use crate::aftermath::{assert_tidy, make_repository, open};
use crate::points::{Doing, Scenario, write_source};
use crate::support::{Place, assert_same_tree, noise, succeed};

/// A pack of data has a damaged piece, and an index file is cut in half.
pub const REPAIR: Scenario = Scenario {
    name: "repair",
    prepare: |place| {
        write_source(place);
        make_repository(place);
        place.back_up();
        place.write("source/new", noise(70_000));
        place.back_up();
        let packs = files(place, "data");
        let largest = packs
            .iter()
            .max_by_key(|it| fs::metadata(it).unwrap().len());
        flip(largest.unwrap(), 100);
        cut(&files(place, "index")[0]);
    },
    work: |_| Doing::Command(&["repair", "--read-data", "--forget"]),
    // Until the index is repaired, more cannot be read than is lost.
    sound: |_| {},
    judge: |place| {
        succeed(Work::Restore(place.restore()));
        let names = ["small", "below/one", "below/large", "new"];
        let read = |top: &str, name: &str| fs::read(place.path(&format!("{top}/{name}"))).ok();
        let lost = names.iter().filter(|name| match read("target", name) {
            Some(content) => {
                assert_eq!(Some(content), read("source", name), "{name}");
                false
            }
            None => true,
        });
        assert_eq!(lost.count(), 1, "one piece of one file was damaged");
    },
};

/// The files in a directory of the container, or in the directories in it.
fn files(place: &Place, directory: &str) -> Vec<PathBuf> {
    let list = |path: PathBuf| fs::read_dir(path).unwrap().map(|it| it.unwrap().path());
    let (directories, mut files): (Vec<_>, Vec<_>) =
        list(place.path("container").join(directory)).partition(|it| it.is_dir());
    files.extend(directories.into_iter().flat_map(list));
    files.sort();
    files
}

fn overwrite(file: &PathBuf, content: &[u8]) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(file, content).unwrap();
}

fn flip(file: &PathBuf, at: usize) {
    let mut content = fs::read(file).unwrap();
    let at = at % content.len();
    content[at] ^= 0x10;
    overwrite(file, &content);
}

fn cut(file: &PathBuf) {
    let content = fs::read(file).unwrap();
    overwrite(file, &content[..content.len() / 2]);
}

fn damage(place: &Place, random: &mut Rng) -> String {
    let kind = if random.bool() { "data" } else { "index" };
    let files = files(place, kind);
    let file = &files[random.usize(..files.len())];
    let how = random.u8(..3);
    match how {
        0 => flip(file, random.usize(..1 << 20)),
        1 => cut(file),
        _ => fs::remove_file(file).unwrap(),
    }
    format!("{how} {}", file.display())
}

fn repair(place: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
    command
        .args(["repair", "--read-data", "--container"])
        .arg(place.path("container"))
        .arg("--encrypt-pass-file")
        .arg(place.path("pass"))
        .env("FREEZERD_STATE_DIR", place.path("state"))
        .env("FREEZERD_KEY_COST", "1024")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_repair_that_is_killed_is_finished_by_the_next_one_and_a_backup_brings_back_what_was_lost() {
    let wanted = std::env::var("FREEZERD_KILLS").unwrap_or_else(|_| "20261126:15".to_owned());
    let (seed, count) = wanted.split_once(':').expect("SEED:COUNT");
    let mut random = Rng::with_seed(seed.parse().expect("a seed"));
    let count: u32 = count.parse().expect("a count");
    let place = Place::in_memory();
    make_repository(&place);
    for number in 0..8_usize {
        place.write(
            &format!("source/dir{}/file{number}", number % 3),
            noise(40_000),
        );
    }
    place.back_up();
    let mut lasted = Duration::from_millis(200);
    for round in 0..count {
        let damaged = damage(&place, &mut random);
        let mut killed = repair(&place).spawn().unwrap();
        // The moment is what is tested; every one is right.
        std::thread::sleep(lasted.mul_f64(random.f64()));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let began = Instant::now();
        let code = repair(&place).status().unwrap().code();
        lasted = began.elapsed();
        assert!(matches!(code, Some(0 | 3)), "{round}, {damaged}: {code:?}");
        place.back_up();
        succeed(Work::Restore(place.restore()));
        assert_same_tree(&place.path("source"), &place.path("target"));
        fs::remove_dir_all(place.path("target")).unwrap();
        let report = check(&open(&place), Share::All, &Silent).unwrap();
        // An earlier snapshot has the times that the directories above the source had then. Other tests make files in one
        // of them, so a backup cannot make that list of entries again.
        let is_list = |damaged: &Damaged| matches!(damaged, Damaged::Tree { .. });
        let what = format!("{round}, {damaged}: {:?}", report.damage);
        assert!(report.damage.iter().all(is_list), "{what}");
        if !report.is_clean() {
            let code = repair(&place).arg("--forget").status().unwrap().code();
            assert_eq!(code, Some(0), "{what}");
            let report = check(&open(&place), Share::All, &Silent).unwrap();
            assert!(report.is_clean(), "{what}, then {:?}", report.damage);
        }
    }
    succeed(place.admin(Age::Days(0.0)));
    assert_tidy(&place);
}
