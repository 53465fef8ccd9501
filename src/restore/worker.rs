//! What the threads of a restore do: they take jobs from the walk until there are no more.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::batch::{Run, Use};
use super::entry::Entry;
use super::file::unreadable;
use super::hands::Hands;
use super::large::Large;
use super::restorer::Restorer;

/// A part of the work.
pub enum Job {
    /// Parts of packs, for files where there is nothing of their names.
    Batch(Vec<Run>),
    /// A file of several pieces, where there is nothing of its name.
    Large(Arc<Large>),
    /// A file where something exists.
    Whole(Entry),
}

/// Where the threads get their work from.
pub struct Jobs(Mutex<Queue>);

struct Queue {
    waiting: Receiver<Job>,
    /// The large files that threads are writing.
    begun: Vec<Weak<Large>>,
}

impl Jobs {
    /// The jobs that the walk sends.
    pub fn new(waiting: Receiver<Job>) -> Jobs {
        Jobs(Mutex::new(Queue {
            waiting,
            begun: Vec::new(),
        }))
    }

    /// Waits for the next job. `None`: the walk has ended, and all jobs are taken.
    fn next(&self) -> Option<Job> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let job = queue.waiting.recv().ok()?;
        if let Job::Large(large) = &job {
            queue.begun.retain(|other| other.strong_count() > 0);
            queue.begun.push(Arc::downgrade(large));
        }
        Some(job)
    }

    /// The large files that others are writing, after the last job was taken.
    fn begun(&self) -> Vec<Weak<Large>> {
        let queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.begun.clone()
    }
}

impl Restorer<'_> {
    /// The loop of a thread. Each large file is written by one thread, because two that write to one file wait for each
    /// other. Only a thread that has nothing else to do helps another one.
    pub fn work(&self, jobs: &Jobs) {
        let mut hands = Hands::new();
        while let Some(job) = jobs.next() {
            match job {
                Job::Large(large) => self.large(&mut hands, large),
                Job::Batch(runs) => self.batch(&mut hands, runs),
                // The restore has failed: what is left is not touched.
                Job::Whole(_) if self.is_stopped() => {}
                Job::Whole(entry) => {
                    let result = self.whole(&mut hands, &entry);
                    self.settle(&mut hands, entry, result);
                }
            }
        }
        for large in jobs.begun() {
            if let Some(large) = large.upgrade() {
                self.large(&mut hands, large);
            }
        }
    }

    fn batch(&self, hands: &mut Hands, runs: Vec<Run>) {
        // The large file that was written last stays open, because the next piece is often one of it, too.
        let mut open = None;
        for run in runs {
            if let Some(part) = run.part.as_ref().filter(|_| !self.is_stopped()) {
                hands.read_range(self.repository, part.pack, part.offset, part.length);
            }
            for (user, blob) in run.pieces {
                let read = run.part.as_ref().zip(blob).map(|(part, blob)| {
                    let start = u64::from(blob.offset).saturating_sub(part.offset);
                    (blob, start as usize)
                });
                match user {
                    Use::Small(_) if self.is_stopped() => {}
                    Use::Small(entry) => {
                        let content = match (read, entry.content.first()) {
                            (Some((blob, start)), _) => {
                                hands.piece_of_range(self.repository, &blob, start)
                            }
                            (None, Some(id)) => hands.piece(self.repository, *id),
                            (None, None) => Ok(&[][..]),
                        };
                        let result = content
                            .map_err(unreadable)
                            .and_then(|content| self.small(&entry, content));
                        self.settle(hands, *entry, result);
                    }
                    Use::Large(large, pieces) => {
                        self.write_pieces(hands, &large, pieces, read, &mut open);
                        self.leave(hands, large);
                    }
                }
            }
        }
    }
}
