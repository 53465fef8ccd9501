use chrono::TimeDelta;

use super::*;
use crate::job::storage::Value;
use crate::samples::{minute as at, outbox_row, receiver};

fn row(id: u64, to: &str, next: DateTime<Utc>) -> OutboxRow {
    let state = OutboxState::Waiting {
        next,
        tries: 0,
        since: None,
        error: None,
        refused: false,
    };
    outbox_row(id, to, state)
}

fn refusal() -> Result<(), Refusal> {
    Err(Refusal {
        reason: "nobody is there".to_owned(),
        wait: None,
        of_message: false,
    })
}

/// An outbox with its receivers.
struct Bench {
    outbox: Outbox,
    receivers: Vec<Receiver>,
    zone: Zone,
}

impl Bench {
    fn new(receivers: Vec<Receiver>) -> Bench {
        Bench {
            outbox: Outbox::default(),
            receivers,
            zone: Zone::utc(),
        }
    }

    fn post(&mut self, rows: impl IntoIterator<Item = OutboxRow>) {
        rows.into_iter().for_each(|row| self.outbox.post(row));
    }

    fn due(&mut self, now: DateTime<Utc>) -> Vec<Delivery> {
        let facts = Facts {
            host: "web1",
            zone: &self.zone,
            now,
        };
        self.outbox.due(&self.receivers, facts)
    }

    /// Which messages are sent now.
    fn ids(&mut self, now: DateTime<Utc>) -> Vec<Vec<u64>> {
        let due = self.due(now);
        due.into_iter().map(|delivery| delivery.ids).collect()
    }

    fn end(&mut self, ids: &[u64], result: Result<(), Refusal>, now: DateTime<Utc>) -> Outcome {
        let zone = &self.zone;
        let receiver = &self.receivers[0];
        self.outbox.delivered(receiver, ids, result, zone, now)
    }
}

#[test]
fn a_receiver_gets_one_message_at_a_time_and_the_oldest_first() {
    let mut bench = Bench::new(vec![receiver("a", &[]), receiver("b", &[])]);
    bench.post([row(2, "a", at(0)), row(1, "a", at(0)), row(3, "b", at(0))]);
    assert_eq!(bench.ids(at(0)), [[1], [3]]);
    assert!(bench.ids(at(0)).is_empty(), "both are being sent");
    let outcome = bench.end(&[1], Ok(()), at(1));
    assert_eq!(outcome.rows[0].state, OutboxState::Sent { at: at(1) });
    assert_eq!(bench.ids(at(1)), [[2]]);
}

#[test]
fn a_receiver_that_is_away_is_left_alone_for_longer_and_longer_and_then_gets_everything() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    bench.post((1..=3).map(|id| row(id, "a", at(0))));
    let mut now = at(0);
    let mut waits = Vec::new();
    for round in 0..12 {
        let [ids] = &bench.ids(now)[..] else {
            panic!("one message at {now}");
        };
        let ids = ids.clone();
        let outcome = bench.end(&ids, refusal(), now);
        assert_eq!(outcome.first_refusal, round == 0);
        let next = bench.outbox.next().expect("it is tried again");
        assert!(bench.ids(next - TimeDelta::milliseconds(1)).is_empty());
        waits.push((next - now).num_minutes());
        now = next;
    }
    assert!(waits[..9].is_sorted(), "{waits:?}");
    assert!(
        waits[0] < 2 && waits[11] >= 360 && waits[11] < 400,
        "{waits:?}"
    );
    let mut sent = Vec::new();
    while let [ids] = &bench.ids(now)[..] {
        let ids = ids.clone();
        bench.end(&ids, Ok(()), now);
        sent.extend(ids);
    }
    assert_eq!(
        sent,
        [1, 2, 3],
        "in their order, and none waits for its own next try"
    );
    assert_eq!(bench.outbox.next(), None);
}

#[test]
fn after_an_outage_a_receiver_gets_what_it_refused_before_what_came_later() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    bench.post([row(1, "a", at(0))]);
    assert_eq!(bench.ids(at(0)), [[1]]);
    bench.end(&[1], refusal(), at(0));
    bench.post([row(2, "a", at(0))]);
    let again = bench.outbox.next().expect("it is tried again");
    for id in [1, 2] {
        assert_eq!(bench.ids(again), [[id]]);
        bench.end(&[id], Ok(()), again);
    }
}

#[test]
fn a_receiver_that_refuses_one_message_gets_the_others_within_a_minute() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    bench.post([row(1, "a", at(0))]);
    let mut now = at(0);
    for tries in 0..15 {
        let ids = bench.ids(now);
        assert_eq!(ids, [[1]], "{tries}");
        bench.end(&[1], refusal_of_message(), now);
        now = bench.outbox.next().expect("it is tried again");
    }
    // The last refusal was hours ago for the first message, and the second one is sent at once.
    let soon = now - TimeDelta::hours(3);
    bench.post([about("other", row(2, "a", soon))]);
    assert_eq!(bench.ids(soon), [[2]]);
}

/// The receiver refuses this message, and may accept others.
fn refusal_of_message() -> Result<(), Refusal> {
    refusal().map_err(|refusal| Refusal {
        of_message: true,
        ..refusal
    })
}

/// A message about this job.
fn about(job: &str, row: OutboxRow) -> OutboxRow {
    let message = Message {
        job: Some(job.to_owned()),
        ..row.message
    };
    OutboxRow { message, ..row }
}

/// One message is refused for hours, until a new one about the same job, the second, comes.
fn with_a_refused_message(receiver: Receiver) -> (Bench, DateTime<Utc>) {
    let mut bench = Bench::new(vec![receiver]);
    bench.post([about("x", row(1, "a", at(0)))]);
    let mut now = at(0);
    for _ in 0..12 {
        assert_eq!(bench.ids(now), [[1]]);
        bench.end(&[1], refusal_of_message(), now);
        now = bench.outbox.next().expect("it is tried again");
    }
    let soon = now - TimeDelta::hours(3);
    bench.post([about("x", row(2, "a", soon))]);
    (bench, soon)
}

#[test]
fn a_message_that_is_refused_is_tried_once_more_before_the_next_one_about_its_job() {
    let (mut bench, now) = with_a_refused_message(receiver("a", &[]));
    assert_eq!(bench.ids(now), [[1]], "it may be accepted by now");
    bench.end(&[1], Ok(()), now);
    assert_eq!(bench.ids(now), [[2]]);

    let (mut bench, now) = with_a_refused_message(receiver("a", &[]));
    bench.post([about("y", row(3, "a", now))]);
    assert_eq!(bench.ids(now), [[1]]);
    bench.end(&[1], refusal_of_message(), now);
    let now = bench.outbox.next().expect("the next one");
    assert_eq!(bench.ids(now), [[2]], "and then it holds nothing up");
    let outcome = bench.end(&[2], Ok(()), now);
    assert_eq!(outcome.rows.len(), 1, "the first one goes on waiting");
    assert_eq!(bench.ids(now), [[1]], "the receiver is well");
    bench.end(&[1], Ok(()), now);
    assert_eq!(bench.ids(now), [[3]]);
}

#[test]
fn a_check_never_gets_a_ping_that_a_later_one_of_its_job_has_overtaken() {
    let text = |value: &str| Value::Text(value.to_owned());
    let keys = [("type", text("ping")), ("url", text("http://localhost/x"))];
    let keys = keys.map(|(key, value)| (key.to_owned(), value));
    let pings = Receiver::read("a", keys.into()).expect("a receiver");
    let (mut bench, now) = with_a_refused_message(pings);
    bench.post([about("y", row(3, "a", now))]);
    assert_eq!(bench.ids(now), [[1]]);
    bench.end(&[1], refusal_of_message(), now);
    let now = bench.outbox.next().expect("the next one");
    assert_eq!(bench.ids(now), [[2]]);
    let outcome = bench.end(&[2], Ok(()), now);
    assert_eq!(outcome.gone, [1], "it would be taken for the state of now");
    assert_eq!(bench.ids(now), [[3]]);
    bench.end(&[3], Ok(()), now);
    assert_eq!(bench.outbox.next(), None);
}

#[test]
fn a_receiver_is_known_to_have_messages_about_a_job_until_it_has_accepted_them() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    let names = |bench: &Bench, job: &str| Vec::from_iter(bench.outbox.unsent_about(job));
    bench.post([1, 2].map(|id| about("x", row(id, "a", at(0)))));
    for id in [1, 2] {
        assert_eq!(names(&bench, "x"), ["a"]);
        assert!(names(&bench, "y").is_empty());
        assert_eq!(bench.ids(at(0)), [[id]]);
        bench.end(&[id], Ok(()), at(0));
    }
    assert!(names(&bench, "x").is_empty());
}

#[test]
fn a_message_is_given_up_after_three_days_and_not_because_a_clock_jumps() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    bench.post([row(1, "a", at(0)), row(2, "a", at(0))]);
    let jump = at(0) + TimeDelta::days(400);
    assert_eq!(bench.ids(jump), [[1]]);
    let outcome = bench.end(&[1], refusal(), jump);
    assert!(outcome.rows.iter().all(OutboxRow::waits));

    let mut now = jump;
    let mut given_up = Vec::new();
    while let Some(next) = bench.outbox.next() {
        now = next;
        let [ids] = &bench.ids(now)[..] else {
            panic!("one message at {now}");
        };
        let ids = ids.clone();
        let outcome = bench.end(&ids, refusal(), now);
        given_up.extend(outcome.rows.into_iter().filter(|row| !row.waits()));
    }
    assert_eq!(given_up.len(), 2);
    assert!(now - jump >= TimeDelta::days(3), "{now}");
    let OutboxState::GivenUp { reason, .. } = &given_up[0].state else {
        panic!("{:?}", given_up[0]);
    };
    assert_eq!(reason, "nobody is there");
}

#[test]
fn a_digest_is_one_message_with_the_id_of_its_newest_part() {
    let daily = Value::Text("daily 08:00".to_owned());
    let mut bench = Bench::new(vec![receiver("a", &[("digest", daily)])]);
    bench.post((1..=3).map(|id| row(id, "a", at(id as i64))));
    assert!(bench.ids(at(0)).is_empty());
    let [delivery] = &bench.due(at(3))[..] else {
        panic!("one message");
    };
    assert_eq!(delivery.ids, [1, 2, 3]);
    assert_eq!(
        (delivery.message.kind, delivery.message.id),
        (Kind::Digest, 3)
    );
    assert_eq!(delivery.message.subject, "freezerd on web1: 3 failed");
    for id in 1..=3 {
        let part = format!("message {id}");
        assert!(delivery.message.text.contains(&part), "{delivery:?}");
    }
    bench.end(&[1, 2, 3], Ok(()), at(3));
    assert_eq!(bench.outbox.next(), None);
}

#[test]
fn what_waits_for_a_receiver_that_is_gone_is_given_up() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    let rows = vec![row(1, "a", at(0)), row(2, "gone", at(0))];
    bench.outbox.remember(rows, 2);
    let given_up = bench.outbox.give_up_for_others(&bench.receivers, at(1));
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].message.id, 2);
    let OutboxState::GivenUp { reason, .. } = &given_up[0].state else {
        panic!("{:?}", given_up[0]);
    };
    assert!(reason.contains("no receiver gone"), "{reason}");
    assert_eq!(bench.ids(at(1)), [[1]]);
    assert_eq!(bench.outbox.new_id(), 3);
}

#[test]
fn the_start_of_a_run_is_not_sent_once_its_end_is_known() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    let mut start = row(1, "a", at(0));
    start.message.kind = Kind::Started;
    bench.post([start.clone()]);
    assert_eq!(bench.outbox.take_start_of("a", "9"), None);
    assert_eq!(bench.outbox.take_start_of("a", "1"), Some(1));
    bench.post([start]);
    assert_eq!(bench.ids(at(0)), [[1]]);
    assert_eq!(
        bench.outbox.take_start_of("a", "1"),
        None,
        "it is being sent"
    );
}

#[test]
fn a_clock_that_was_far_ahead_keeps_no_message_waiting() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    bench.post([row(1, "a", at(0) + TimeDelta::days(300))]);
    assert!(bench.ids(at(0)).is_empty());
    let (receivers, zone) = (&bench.receivers, &bench.zone);
    bench.outbox.clock_set_back(receivers, zone, at(0));
    assert_eq!(bench.ids(at(0)), [[1]]);
}

#[test]
fn what_was_refused_or_given_up_is_sent_at_once_when_somebody_asks_for_it() {
    let quiet = Value::Text("00:00-23:59".to_owned());
    let mut bench = Bench::new(vec![receiver("a", &[("quiet_hours", quiet)])]);
    bench.post([row(1, "a", at(0)), row(2, "a", at(0))]);
    bench.post([row(3, "a", at(600))]);
    assert_eq!(bench.ids(at(0)), [[1]]);
    bench.end(&[1], refusal(), at(0));
    assert!(bench.ids(at(1)).is_empty(), "the receiver is left alone");
    let reason = "nobody was there".to_owned();
    let given_up = outbox_row(9, "a", OutboxState::GivenUp { at: at(0), reason });
    let rows = bench.outbox.try_again("a", vec![given_up], at(1));
    let mut ids: Vec<u64> = rows.iter().map(|row| row.message.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 9], "the third waits for its time");
    assert!(rows.iter().all(OutboxRow::waits));
    let mut sent = Vec::new();
    while let [ids] = &bench.ids(at(1))[..] {
        let ids = ids.clone();
        assert!(
            bench.outbox.try_again("a", Vec::new(), at(1)).len() < 3,
            "what is being sent is not sent twice"
        );
        bench.end(&ids, Ok(()), at(1));
        sent.extend(ids);
    }
    sent.sort_unstable();
    assert_eq!(sent, [1, 2, 9]);
    assert_eq!(bench.outbox.next(), Some(at(600)));
}

#[test]
fn after_somebody_has_asked_a_receiver_that_refuses_again_is_left_alone_for_a_minute_first() {
    let mut bench = Bench::new(vec![receiver("a", &[])]);
    bench.post([row(1, "a", at(0))]);
    let mut now = at(0);
    for _ in 0..9 {
        assert_eq!(bench.ids(now), [[1]]);
        bench.end(&[1], refusal(), now);
        now = bench.outbox.next().expect("it is tried again");
    }
    let now = at(1);
    bench.outbox.try_again("a", Vec::new(), now);
    assert_eq!(bench.ids(now), [[1]]);
    assert!(
        bench.end(&[1], refusal(), now).first_refusal,
        "it is said again"
    );
    let next = bench.outbox.next().expect("it is tried again");
    assert!(next - now < TimeDelta::minutes(2), "{next}");
}
