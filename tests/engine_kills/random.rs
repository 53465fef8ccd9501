//! Kills at random moments of backups, prunes and restores on one repository.

use std::fs;
use std::time::{Duration, Instant};

use fastrand::Rng;
use freezerd::job::action::{Age, Work};

use crate::aftermath::{assert_tidy, make_repository};
use crate::support::{Agent, Place, assert_same_tree, request, succeed};

/// What an agent does when it is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Backup,
    Prune,
    Restore,
}

impl Kind {
    fn work(self, place: &Place) -> Work {
        match self {
            Kind::Backup => Work::Backup(place.backup()),
            Kind::Prune => place.admin(Age::Days(0.0)),
            Kind::Restore => Work::Restore(place.restore()),
        }
    }
}

/// Writes some of the files anew, and removes some.
fn change(place: &Place, random: &mut Rng) {
    for number in 0..12 {
        let name = format!("source/dir{}/file{number}", number % 3);
        match random.u8(..6) {
            0 => {
                let _ = fs::remove_file(place.path(&name));
            }
            1..=3 => {
                let length = random.usize(..400_000);
                let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
                    .take(length)
                    .collect();
                place.write(&name, content);
            }
            _ => {}
        }
    }
}

/// Starts the work and kills it after this time. Returns whether it was still going on.
fn kill(place: &Place, kind: Kind, after: Duration) -> bool {
    let mut agent = Agent::start(&request(kind.work(place)));
    // The moment is what is tested; every one is right.
    std::thread::sleep(after);
    agent.child.kill().unwrap();
    agent.end().status.code().is_none()
}

/// The newest snapshot is what the source is.
fn assert_restores(place: &Place) {
    succeed(Kind::Restore.work(place));
    assert_same_tree(&place.path("source"), &place.path("target"));
    fs::remove_dir_all(place.path("target")).unwrap();
}

#[test]
fn after_any_number_of_kills_at_random_moments_all_data_is_whole_and_nothing_is_left() {
    let wanted = std::env::var("FREEZERD_KILLS").unwrap_or_else(|_| "20261126:60".to_owned());
    let (seed, count) = wanted.split_once(':').expect("SEED:COUNT");
    let mut random = Rng::with_seed(seed.parse().expect("a seed"));
    let count: u32 = count.parse().expect("a count");
    let place = Place::in_memory();
    make_repository(&place);
    change(&place, &mut random);
    // How long each kind of work takes, which the kills spread over.
    let mut lasted = [Kind::Backup, Kind::Restore, Kind::Prune].map(|kind| {
        let began = Instant::now();
        succeed(kind.work(&place));
        (kind, began.elapsed())
    });
    let _ = fs::remove_dir_all(place.path("target"));
    let mut cut_short = 0;
    for _ in 0..count {
        let kind = match random.u8(..6) {
            0..3 => Kind::Backup,
            3..5 => Kind::Prune,
            _ => Kind::Restore,
        };
        if kind == Kind::Backup {
            change(&place, &mut random);
        }
        let slot = lasted.iter_mut().find(|(known, _)| *known == kind).unwrap();
        cut_short += u32::from(kill(&place, kind, slot.1.mul_f64(random.f64())));
        let began = Instant::now();
        succeed(kind.work(&place));
        slot.1 = began.elapsed();
        if kind == Kind::Restore {
            assert_same_tree(&place.path("source"), &place.path("target"));
            fs::remove_dir_all(place.path("target")).unwrap();
        }
    }
    println!("{cut_short} of {count} kills came before the end");
    assert!(cut_short > count / 2, "{cut_short} of {count}");
    assert_restores(&place);
    succeed(Kind::Prune.work(&place));
    assert_tidy(&place);
    assert_restores(&place);
}
