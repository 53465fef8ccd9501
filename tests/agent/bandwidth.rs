//! The limits on the data between an action and its container.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use freezerd::job::action::{Age, Bandwidth, Work};
use freezerd::job::rate_limit::RateLimit;
use freezerd::protocol::{Report, Request, Verdict};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::*;

const SIZE: usize = 600_000;

fn with_limits(work: Work, upload: u64, download: u64) -> Request {
    let mut request = request(work);
    let fixed = |rate| NonZeroU64::new(rate).map(|rate| RateLimit::always(Some(rate)));
    request.action.bandwidth = Bandwidth {
        upload: fixed(upload),
        download: fixed(download),
    };
    request
}

/// Runs it, and expects that the limits let it end no earlier than this. That it ends much later is no fault here.
#[track_caller]
fn takes_at_least(request: &Request, least: Duration) -> Ended {
    let started = Instant::now();
    let ended = run_request(request);
    let took = started.elapsed();
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(took >= least, "{took:?} < {least:?}: {ended:#?}");
    ended
}

#[test]
fn no_kind_of_action_is_faster_than_its_limits() {
    let place = Place::in_memory();
    place.write("source/data", noise(SIZE));
    let second = Duration::from_secs(1);
    let rate = SIZE as u64;
    let backup = with_limits(Work::Backup(place.backup()), rate, 0);
    let ended = takes_at_least(&backup, second);
    assert!(
        ended.said("at most 585.9 KiB/s to the container"),
        "{ended:#?}"
    );
    takes_at_least(&with_limits(place.check(true), 0, rate), second);
    takes_at_least(
        &with_limits(Work::Restore(place.restore()), 0, rate),
        second,
    );
    assert_same_tree(&place.path("source"), &place.path("target"));
    // A prune copies what is still needed of a pack.
    place.write("source/data", noise(SIZE / 2));
    place.write("source/more", &noise(SIZE * 2)[SIZE..]);
    place.back_up();
    let removal = place.admin(Age::Days(0.0));
    let ended = run_request(&with_limits(removal, rate, rate));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    takes_at_least(&with_limits(place.check(true), 0, rate), second);
}

#[test]
fn a_slow_upload_shows_that_it_moves_and_ends_at_once_when_told_to() {
    let place = Place::in_memory();
    place.write("source/data", noise(SIZE));
    // This upload takes ten minutes.
    let agent = Agent::start(&with_limits(Work::Backup(place.backup()), 1024, 0));
    let mut moved = 0;
    while moved < 3 {
        if let Report::Progress(progress) = agent.reports.recv_timeout(PATIENCE).unwrap() {
            let all_read = progress.bytes_done == SIZE as u64;
            moved += usize::from(all_read);
        }
    }
    kill_process(Pid::from_child(&agent.child), Signal::TERM).unwrap();
    let ended = agent.end();
    assert_eq!(ended.status.code(), Some(143), "{ended:#?}");
    let locks = std::fs::read_dir(place.path("container/locks")).unwrap();
    assert_eq!(locks.count(), 0);
}

/// Windows that together hold at all times, with the same rate.
fn windows(rate: u64) -> Option<RateLimit> {
    let texts = [
        format!("00:00-07:00 {rate}"),
        format!("mon-fri {rate}"),
        format!("sat,sun 06:00-24:00 {rate}"),
    ];
    Some(RateLimit::of_texts(texts.iter().map(String::as_str)).unwrap())
}

#[test]
fn a_backup_in_a_window_keeps_its_rate_and_the_log_names_the_windows() {
    let place = Place::in_memory();
    place.write("source/data", noise(SIZE));
    let mut request = request(Work::Backup(place.backup()));
    request.action.bandwidth.upload = windows(SIZE as u64);
    request.zone = Some("Asia/Tokyo".to_owned());
    let ended = takes_at_least(&request, Duration::from_secs(1));
    assert!(
        ended.said("at most 585.9 KiB/s to the container now: 585.9 KiB/s from 00:00 to 07:00"),
        "{ended:#?}"
    );
}

#[test]
fn the_limit_of_the_settings_is_not_for_a_container_on_this_host() {
    let place = Place::in_memory();
    place.write("source/data", noise(SIZE));
    let mut request = request(Work::Backup(place.backup()));
    request.bandwidth.upload = windows(1024);
    let ended = run_request(&request);
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(!ended.said("to the container"), "{ended:#?}");
}

#[test]
fn a_zone_that_is_gone_is_named_and_the_limit_holds_in_the_zone_of_the_host() {
    let place = Place::in_memory();
    place.write("source/data", noise(SIZE));
    let mut request = with_limits(Work::Backup(place.backup()), SIZE as u64, 0);
    request.zone = Some("Europe/Atlantis".to_owned());
    let ended = takes_at_least(&request, Duration::from_secs(1));
    assert!(
        ended.said("there is no time zone `Europe/Atlantis`"),
        "{ended:#?}"
    );
}
