//! The receivers of messages: one that is always there, one that is away now and then, refuses a message now and then, and
//! wants to be told again, and one that wants a digest.

use std::collections::BTreeMap;

use freezerd::daemon::scheduler::{Delivery, Message, Refusal};
use freezerd::job::storage::Value;
use freezerd::tell::receiver::Receiver;

use super::World;
use crate::jobs::Dice;
use crate::notices::{FLAKY, STEADY};
use crate::samples::receiver;

/// How long it is away at most, in hours.
const LONGEST_OUTAGE: u64 = 30;

/// What is on its way, and who is there.
pub struct Post {
    dice: Dice,
    /// By the elapsed time at which it arrives.
    on_their_way: BTreeMap<(i64, u64), Delivery>,
    sent: u64,
    away_until: i64,
    jobs: u64,
    /// The simulation is about to end: everybody stays there.
    pub calm: bool,
}

impl Post {
    /// More jobs have more messages: these take less time, and one in more of them finds nobody.
    pub fn new(seed: u64, jobs: u64) -> Post {
        Post {
            dice: Dice::new(seed),
            on_their_way: BTreeMap::new(),
            sent: 0,
            away_until: 0,
            jobs,
            calm: false,
        }
    }

    pub fn receivers() -> [Receiver; 3] {
        let daily = Value::Text("daily 08:00".to_owned());
        [
            receiver("digest", &[("digest", daily)]),
            receiver(FLAKY, &[("repeat", Value::Text("5 hours".to_owned()))]),
            receiver(STEADY, &[]),
        ]
    }

    /// When the next message arrives, in elapsed time.
    pub fn next(&self) -> i64 {
        let next = self.on_their_way.first_key_value();
        next.map_or(i64::MAX, |((at, _), _)| *at)
    }

    /// The daemon is gone, and with it what it was sending.
    pub fn lose(&mut self) {
        self.on_their_way.clear();
    }
}

impl World {
    pub(super) fn send(&mut self, delivery: Delivery) {
        let books = self.ledger.0.borrow();
        for id in &delivery.ids {
            let key = (*id, delivery.receiver.clone());
            assert!(
                books.outbox.contains_key(&key),
                "message {id} to {} is sent, and does not wait",
                delivery.receiver
            );
        }
        drop(books);
        let mut others = self.post.on_their_way.values();
        assert!(
            others.all(|other| other.receiver != delivery.receiver),
            "{} gets two messages at the same time",
            delivery.receiver
        );
        self.post.sent += 1;
        let at =
            self.elapsed + 50 + self.post.dice.roll(6_000_000 / self.post.jobs.max(100)) as i64;
        let number = self.post.sent;
        self.post.on_their_way.insert((at, number), delivery);
    }

    /// A message arrives, or does not.
    pub(super) fn arrive(&mut self) {
        let (_, delivery) = self.post.on_their_way.pop_first().expect("one arrives");
        if self.post.dice.once_in(2 * self.post.jobs.max(100)) && !self.post.calm {
            let outage = self.post.dice.roll(LONGEST_OUTAGE * 3_600_000) as i64;
            self.post.away_until = self.elapsed + outage;
            self.tally.outages += 1;
        }
        let is_away = delivery.receiver == FLAKY && self.elapsed < self.post.away_until;
        let is_refused =
            delivery.receiver == FLAKY && !self.post.calm && self.post.dice.once_in(20);
        self.tally.refusals += u64::from(is_refused && !is_away);
        let result = match is_away || is_refused {
            true => Err(Refusal {
                reason: "nobody is there".to_owned(),
                wait: None,
                of_message: !is_away,
            }),
            false => Ok(()),
        };
        let Delivery { receiver, ids, .. } = delivery;
        let delivered = Message::Delivered {
            receiver,
            ids,
            result,
        };
        self.tell(delivered, false, false);
    }

    /// The end: everybody is there, and gets what waits.
    pub(super) fn deliver_the_rest(&mut self) {
        self.post.away_until = 0;
        self.post.calm = true;
        let last = self.ledger.0.borrow().last_message;
        let waits = |world: &World| {
            let books = world.ledger.0.borrow();
            books.outbox.keys().any(|(id, _)| *id <= last)
        };
        // A digest comes within a day, and a receiver is asked again within seven hours.
        let end = self.elapsed + 2 * super::super::DAY;
        self.next_trouble = i64::MAX;
        while waits(self) && self.elapsed < end {
            self.live();
        }
        let books = self.ledger.0.borrow();
        let left: Vec<_> = books
            .outbox
            .values()
            .filter(|row| row.message.id <= last)
            .collect();
        assert!(
            left.is_empty(),
            "{} messages wait: {:#?}",
            left.len(),
            left[0]
        );
        // An outage takes less than three days, but while it lasts, the clock may jump ahead by more, and many starts of the
        // daemon ask as often in vain.
        assert!(
            books.given_up * 100 <= books.accepted,
            "{} of {} given up",
            books.given_up,
            books.accepted
        );
        books.notices.judge();
    }
}
