use super::*;

fn on(location: &str, access: Access) -> Option<Need> {
    Some(Need {
        name: location.to_owned(),
        location: Location::Local(location.into()),
        access,
    })
}

fn due(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a small number")
}

/// A queue of runs that are due in the order of their numbers.
fn queue(slots: usize, runs: impl IntoIterator<Item = (u64, Option<Need>)>) -> Queue {
    let mut queue = Queue::new(slots);
    for (run, need) in runs {
        queue.join(run, due(run as i64), need);
    }
    queue
}

fn tell(queue: &mut Queue) -> Vec<(u64, String)> {
    let news = queue.news().into_iter();
    news.map(|(run, waits)| (run, waits.to_string())).collect()
}

fn started(queue: &mut Queue) -> Vec<u64> {
    std::iter::from_fn(|| queue.start_next()).collect()
}

#[test]
fn the_first_due_get_the_slots() {
    let mut queue = Queue::new(2);
    for (run, at) in [(1, 30), (2, 20), (3, 10)] {
        queue.join(run, due(at), on(&format!("/{run}"), Access::Shared));
    }
    assert_eq!(started(&mut queue), [3, 2]);
    queue.leave(3);
    assert_eq!(started(&mut queue), [1]);
}

#[test]
fn of_runs_that_are_due_at_the_same_time_the_lowest_number_goes_first() {
    let mut queue = Queue::new(1);
    for run in [7, 5, 6] {
        queue.join(run, due(0), None);
    }
    assert_eq!(started(&mut queue), [5]);
}

#[test]
fn readers_and_writers_share_a_container() {
    let shared = || on("/a", Access::Shared);
    assert_eq!(
        started(&mut queue(2, [(1, shared()), (2, shared())])),
        [1, 2]
    );
}

#[test]
fn a_run_that_removes_snapshots_has_its_container_to_itself_and_says_which_run_holds_it() {
    let mut queue = queue(8, [(1, on("/a", Access::Shared))]);
    assert_eq!(started(&mut queue), [1]);
    queue.join(2, due(2), on("/a", Access::Exclusive));
    queue.join(3, due(3), on("/b", Access::Exclusive));
    assert_eq!(started(&mut queue), [3]);
    assert_eq!(
        tell(&mut queue),
        [(2, "waiting for container /a, held by run 1".to_owned())]
    );
    queue.leave(1);
    assert_eq!(started(&mut queue), [2]);
}

#[test]
fn no_run_overtakes_one_that_removes_snapshots_on_its_container() {
    let mut queue = queue(8, [(1, on("/a", Access::Shared))]);
    assert_eq!(started(&mut queue), [1]);
    queue.join(2, due(2), on("/a", Access::Exclusive));
    queue.join(3, due(3), on("/a", Access::Shared));
    assert_eq!(started(&mut queue), Vec::<u64>::new());
    let told = tell(&mut queue);
    assert_eq!(told[0].1, "waiting for container /a, held by run 1");
    assert_eq!(told[1].1, "waiting for container /a, held by run 2");
}

#[test]
fn a_waiting_run_gets_a_new_reason_for_each_new_holder() {
    let alone = || on("/a", Access::Exclusive);
    let mut queue = queue(8, [(1, alone()), (2, alone()), (3, alone())]);
    assert_eq!(started(&mut queue), [1]);
    assert_eq!(queue.news().len(), 2);
    queue.leave(1);
    assert_eq!(started(&mut queue), [2]);
    assert_eq!(
        tell(&mut queue),
        [(3, "waiting for container /a, held by run 2".to_owned())]
    );
    assert_eq!(queue.news(), []);
}

#[test]
fn commands_need_a_slot_only() {
    let runs = || [(1, on("/a", Access::Exclusive)), (2, None)];
    assert_eq!(started(&mut queue(2, runs())), [1, 2]);
    let mut one = queue(1, runs());
    assert_eq!(started(&mut one), [1]);
    assert_eq!(
        one.reason(2).map(|waits| waits.to_string()).as_deref(),
        Some("waiting for a free slot (1 action at a time)")
    );
}

#[test]
fn far_back_in_a_long_line_a_run_gets_a_new_reason_only_when_it_comes_near() {
    let runs = (1..=100).map(|run| (run, on("/a", Access::Exclusive)));
    let mut queue = queue(4, runs);
    assert_eq!(started(&mut queue), [1]);
    let told = tell(&mut queue);
    assert_eq!(told.len(), 99);
    let far = "waiting for container /a, behind more than 16 other runs";
    assert_eq!(told.iter().filter(|(_, reason)| reason == far).count(), 83);
    for run in 1..60 {
        queue.leave(run);
        assert_eq!(started(&mut queue), [run + 1]);
        let told = tell(&mut queue);
        assert!(told.len() <= NEAR, "{} were told", told.len());
        assert!(told.iter().all(|(_, reason)| reason != far));
    }
}

#[test]
fn a_run_that_leaves_is_forgotten_and_the_next_one_may_start() {
    let alone = || on("/a", Access::Exclusive);
    let mut queue = queue(1, [(1, alone()), (2, alone())]);
    queue.leave(1);
    assert_eq!(queue.reason(1), None);
    assert_eq!(started(&mut queue), [2]);
    queue.leave(2);
    assert_eq!((queue.running(), queue.start_next()), (0, None));
    assert!(queue.lines.is_empty(), "an empty line is removed");
}

/// The same rules in the simplest form: go through all waiting runs in order, and start each one that no run ahead of it
/// excludes.
fn walk(waiting: &[(Turn, Option<Need>)], running: &[Option<Need>], slots: usize) -> Vec<u64> {
    let mut ahead: Vec<&Option<Need>> = running.iter().collect();
    let mut free = slots.saturating_sub(running.len());
    let mut started = Vec::new();
    for ((_, run), need) in waiting {
        let blocked = ahead.iter().any(|other| match (other, need) {
            (Some(other), Some(need)) => {
                other.location == need.location && exclude(other.access, need.access)
            }
            _ => false,
        });
        if !blocked && free > 0 {
            free -= 1;
            started.push(*run);
        }
        ahead.push(need);
    }
    started
}

#[test]
fn lines_give_the_same_answer_as_a_walk_through_all_runs() {
    let mut state = 7_u64;
    let mut roll = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..200 {
        let slots = 1 + roll(5) as usize;
        let mut queue = Queue::new(slots);
        let mut waiting: BTreeMap<Turn, Option<Need>> = BTreeMap::new();
        let mut running: BTreeMap<u64, Option<Need>> = BTreeMap::new();
        for run in 0..60 {
            let access = if roll(3) == 0 {
                Access::Exclusive
            } else {
                Access::Shared
            };
            let need = match roll(4) {
                0 => None,
                number => on(&format!("/{number}"), access),
            };
            let at = due(roll(20) as i64);
            queue.join(run, at, need.clone());
            waiting.insert((at, run), need);
            if roll(2) == 0
                && let Some(run) = running.keys().next().copied()
            {
                queue.leave(run);
                running.remove(&run);
            }
            let list: Vec<_> = waiting.clone().into_iter().collect();
            let holders: Vec<_> = running.values().cloned().collect();
            let expected = walk(&list, &holders, slots);
            assert_eq!(started(&mut queue), expected);
            for run in expected {
                let turn = *waiting
                    .keys()
                    .find(|turn| turn.1 == run)
                    .expect("it waited");
                running.insert(run, waiting.remove(&turn).expect("it waited"));
            }
        }
    }
}

#[test]
fn an_attempt_that_returned_its_slot_lets_another_start_and_goes_on_before_a_third() {
    let mut queue = queue(1, [(1, None), (2, None), (3, None)]);
    assert_eq!(started(&mut queue), [1]);
    queue.return_slot(1);
    assert_eq!(started(&mut queue), [2]);
    assert_eq!(queue.running(), 2);
    queue.want_slot(1);
    assert_eq!(queue.give_slot(), None, "run 2 has the slot");
    queue.leave(2);
    assert_eq!(queue.give_slot(), Some(1));
    assert_eq!((queue.give_slot(), queue.start_next()), (None, None));
    queue.leave(1);
    assert_eq!(started(&mut queue), [3]);
}

#[test]
fn an_attempt_without_its_slot_keeps_its_container() {
    let mut queue = queue(
        2,
        [
            (1, on("/a", Access::Exclusive)),
            (2, on("/a", Access::Shared)),
        ],
    );
    assert_eq!(started(&mut queue), [1]);
    queue.return_slot(1);
    assert_eq!(started(&mut queue), [0; 0]);
    queue.leave(1);
    assert_eq!(started(&mut queue), [2]);
}

#[test]
fn an_attempt_that_has_its_slot_is_answered_at_once() {
    let mut queue = queue(2, [(1, None), (2, None), (3, None)]);
    assert_eq!(started(&mut queue), [1, 2]);
    queue.return_slot(1);
    assert_eq!(started(&mut queue), [3]);
    queue.want_slot(1);
    queue.want_slot(2);
    assert_eq!((queue.give_slot(), queue.give_slot()), (Some(2), None));
}

#[test]
fn an_attempt_that_ends_without_its_slot_leaves_nothing_behind() {
    let mut queue = queue(1, [(1, None), (2, None), (3, None)]);
    assert_eq!(started(&mut queue), [1]);
    queue.return_slot(1);
    queue.want_slot(1);
    queue.leave(1);
    queue.return_slot(1);
    queue.want_slot(1);
    assert_eq!(queue.give_slot(), None);
    assert_eq!(started(&mut queue), [2]);
}

#[test]
fn a_server_that_is_down_does_not_make_a_process_of_every_job() {
    let mut queue = queue(2, (1..=100).map(|run| (run, None)));
    while let Some(run) = queue.start_next() {
        queue.return_slot(run);
    }
    assert_eq!(queue.running(), MOST_WITHOUT_SLOT + 2);
    // The server is there again: as many go on as there are slots.
    for run in 1..=100 {
        queue.want_slot(run);
    }
    let given = |queue: &mut Queue| std::iter::from_fn(|| queue.give_slot()).collect::<Vec<_>>();
    let first = given(&mut queue);
    assert_eq!(first, [1, 2]);
    queue.leave(1);
    assert_eq!((given(&mut queue), queue.start_next()), (vec![3], None));
}
