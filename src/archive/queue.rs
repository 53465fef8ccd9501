//! The work that is left, shared by all workers: the newest task is done first, so that a directory is finished before
//! the next one begins, and little is in memory.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A stack of tasks. Tasks may add tasks.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    tasks: Vec<T>,
    /// Workers that have begun.
    workers: usize,
    /// Workers that wait for a task.
    idle: usize,
    closed: bool,
}

impl<T> Queue<T> {
    /// A queue with these tasks. A worker calls [`Queue::join`] first, and then [`Queue::next`] until it gives `None`.
    pub fn new(tasks: Vec<T>) -> Queue<T> {
        Queue {
            state: Mutex::new(State {
                tasks,
                workers: 0,
                idle: 0,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Adds tasks; the last one is done first.
    pub fn add(&self, tasks: impl IntoIterator<Item = T>) {
        let mut state = self.state();
        let before = state.tasks.len();
        state.tasks.extend(tasks);
        let added = state.tasks.len() - before;
        let idle = state.idle;
        drop(state);
        for _ in 0..added.min(idle) {
            self.changed.notify_one();
        }
    }

    /// Adds a task if a worker waits for one that is not there yet. Whether it was added.
    pub fn offer(&self, task: impl FnOnce() -> T) -> bool {
        let mut state = self.state();
        if state.closed || state.idle <= state.tasks.len() {
            return false;
        }
        state.tasks.push(task());
        drop(state);
        self.changed.notify_one();
        true
    }

    /// A worker begins. Only workers add tasks: when all that have begun wait, there is nothing to begin for.
    pub fn join(&self) {
        self.state().workers += 1;
    }

    /// Waits for a task. `None` when there is none and no worker can add one, or when the queue is closed.
    pub fn next(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                return Some(task);
            }
            state.idle += 1;
            if state.idle == state.workers {
                state.closed = true;
                self.changed.notify_all();
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Drops all tasks: nobody gets one any more.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let tasks = std::mem::take(&mut state.tasks);
        drop(state);
        drop(tasks);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn every_task_is_done_and_then_all_workers_end() {
        let queue = Queue::new(vec![10_u64]);
        let done = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    queue.join();
                    while let Some(task) = queue.next() {
                        done.fetch_add(1, Ordering::Relaxed);
                        queue.add((0..2).filter_map(|_| task.checked_sub(1)));
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), (1 << 11) - 1);
    }

    #[test]
    fn a_task_is_offered_only_to_a_worker_that_waits() {
        let queue = Queue::new(vec![1]);
        // Nobody waits.
        assert!(!queue.offer(|| 2));
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            queue.join();
            assert_eq!(queue.next(), Some(1));
            scope.spawn(|| {
                queue.join();
                while let Some(task) = queue.next() {
                    done.lock().unwrap().push(task);
                }
            });
            while !queue.offer(|| 3) {
                std::thread::yield_now();
            }
            while done.lock().unwrap().is_empty() {
                std::thread::yield_now();
            }
            // Both wait now, one after the other, and nothing is left.
            assert_eq!(queue.next(), None);
        });
        assert_eq!(done.into_inner().unwrap(), [3]);
        assert!(!queue.offer(|| 4));
    }

    #[test]
    fn a_closed_queue_gives_nothing() {
        let queue = Queue::new(vec![1, 2, 3]);
        assert_eq!(queue.next(), Some(3));
        queue.close();
        assert_eq!(queue.next(), None);
    }
}
