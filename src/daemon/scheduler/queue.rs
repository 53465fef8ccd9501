//! Who may start now: slots, and containers that only one pruner may hold. First due, first served.

use std::path::Path;

use crate::job::action::Access;

/// An attempt that wants to start, or has.
#[derive(Clone, Copy, Debug)]
pub struct Contender<'a> {
    /// The run.
    pub run: u64,
    /// The container that it needs: its name, its place, and how.
    pub container: Option<(&'a str, &'a Path, Access)>,
}

/// What a contender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go.
    Start,
    /// Wait, for this reason.
    Wait(String),
}

/// Judges the waiting contenders, the first due first, beside those that are running.
///
/// Who waits for a container is not overtaken by a later one that would keep it waiting.
pub fn judge(
    waiting: &[Contender<'_>],
    running: &[Contender<'_>],
    slots: usize,
) -> Vec<(u64, Verdict)> {
    let mut free = slots.saturating_sub(running.len());
    let mut ahead: Vec<Contender<'_>> = running.to_vec();
    let mut verdicts = Vec::with_capacity(waiting.len());
    for contender in waiting {
        let verdict = if let Some(holder) = ahead.iter().find(|other| in_the_way(other, contender))
        {
            let name = contender.container.map_or("", |(name, _, _)| name);
            Verdict::Wait(format!(
                "waiting for container {name}, held by run {}",
                holder.run
            ))
        } else if free == 0 {
            Verdict::Wait(format!(
                "waiting for a free slot ({slots} action{} at a time)",
                if slots == 1 { "" } else { "s" }
            ))
        } else {
            free -= 1;
            Verdict::Start
        };
        ahead.push(*contender);
        verdicts.push((contender.run, verdict));
    }
    verdicts
}

fn in_the_way(other: &Contender<'_>, contender: &Contender<'_>) -> bool {
    match (other.container, contender.container) {
        (Some((_, theirs, access)), Some((_, ours, wanted))) => {
            theirs == ours && (access == Access::Exclusive || wanted == Access::Exclusive)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(run: u64, place: &str, access: Access) -> Contender<'_> {
        Contender {
            run,
            container: Some((place, Path::new(place), access)),
        }
    }

    fn started(verdicts: &[(u64, Verdict)]) -> Vec<u64> {
        verdicts
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Start)
            .map(|(run, _)| *run)
            .collect()
    }

    #[test]
    fn the_first_due_get_the_slots() {
        let waiting = [
            on(1, "/a", Access::Shared),
            on(2, "/b", Access::Shared),
            on(3, "/c", Access::Shared),
        ];
        assert_eq!(started(&judge(&waiting, &[], 2)), [1, 2]);
    }

    #[test]
    fn readers_and_writers_share_a_container() {
        let waiting = [on(1, "/a", Access::Shared), on(2, "/a", Access::Shared)];
        assert_eq!(started(&judge(&waiting, &[], 2)), [1, 2]);
    }

    #[test]
    fn pruning_has_its_container_alone_and_says_who_holds_it() {
        let running = [on(1, "/a", Access::Shared)];
        let waiting = [
            on(2, "/a", Access::Exclusive),
            on(3, "/b", Access::Exclusive),
        ];
        let verdicts = judge(&waiting, &running, 8);
        assert_eq!(started(&verdicts), [3]);
        assert_eq!(
            verdicts[0].1,
            Verdict::Wait("waiting for container /a, held by run 1".into())
        );
    }

    #[test]
    fn nobody_overtakes_a_pruner_on_its_container() {
        let running = [on(1, "/a", Access::Shared)];
        let waiting = [on(2, "/a", Access::Exclusive), on(3, "/a", Access::Shared)];
        assert_eq!(started(&judge(&waiting, &running, 8)), Vec::<u64>::new());
    }

    #[test]
    fn commands_need_a_slot_only() {
        let running = [on(1, "/a", Access::Exclusive)];
        let waiting = [Contender {
            run: 2,
            container: None,
        }];
        assert_eq!(started(&judge(&waiting, &running, 2)), [2]);
        assert_eq!(started(&judge(&waiting, &running, 1)), Vec::<u64>::new());
    }
}
