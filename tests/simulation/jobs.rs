//! Random numbers, and random jobs.

use serde_json::{Value, json};

/// A small random number generator. A seed gives the same numbers everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % below.max(1)
    }

    pub fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len() as u64) as usize]
    }
}

pub const ZONES: [&str; 5] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "UTC",
];

/// Which kinds of jobs there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// All kinds except continuous jobs.
    Usual,
    /// Only continuous jobs.
    Continuous,
}

/// A random job document. Its dates are in `year`. It uses one of so many `containers`.
pub fn document(dice: &mut Dice, mix: Mix, number: u64, year: &str, containers: u64) -> Value {
    let schedule = match mix {
        Mix::Usual => schedule(dice, year),
        Mix::Continuous => {
            let catch_up = *dice.pick(&["once", "skip", "1 hours"]);
            json!({"schedule_interval": "continuous", "schedule_catch_up": catch_up})
        }
    };
    let mut document = json!({
        "job_id": format!("job{number}"),
        "job_actions": actions(dice, containers),
        "job_schedule": schedule,
    });
    if dice.once_in(4) {
        document["max_age"] = json!("2 days");
    }
    document
}

fn schedule(dice: &mut Dice, year: &str) -> Value {
    let hour = dice.roll(24).to_string();
    let minute = dice.roll(60).to_string();
    let mut schedule = match dice.roll(40) {
        0..=4 => json!({"schedule_interval": format!("{} hours", 2 + dice.roll(48))}),
        5..=8 => json!({"schedule_interval": format!("{} minutes", 120 + dice.roll(900))}),
        9..=13 => json!({"schedule_hour": "*/6", "schedule_minute": minute}),
        14..=18 => json!({"schedule_day_of_week": "mon-fri", "schedule_hour": hour}),
        19..=21 => json!({"schedule_day": "1,last", "schedule_hour": "2", "schedule_minute": "30"}),
        22..=25 => json!({"schedule_hour": dice.roll(4).to_string(), "schedule_minute": minute}),
        26..=29 => json!({"schedule_hour": "2", "schedule_minute": "30"}),
        30..=32 => json!({"schedule_hour": "8-18/2", "schedule_minute": minute}),
        33..=34 => {
            json!({"schedule_interval": "1 days", "schedule_start_date": format!("{year}-01-01T02:30:00")})
        }
        35 => json!({"schedule_minute": "0"}),
        36..=38 => json!({"schedule_date": format!(
            "{year}-{:02}-{:02}T{:02}:{:02}:00", 1 + dice.roll(12), 1 + dice.roll(28), dice.roll(24), dice.roll(60),
        )}),
        _ => json!({}),
    };
    if dice.once_in(4) {
        schedule["schedule_timezone"] = json!(dice.pick(&ZONES));
    }
    match dice.roll(8) {
        0 => schedule["schedule_jitter"] = json!("20 minutes"),
        1 => schedule["schedule_jitter"] = json!("9 hours"),
        _ => {}
    }
    match dice.roll(5) {
        0 => schedule["schedule_catch_up"] = json!("skip"),
        1 => schedule["schedule_catch_up"] = json!("3 hours"),
        _ => {}
    }
    schedule
}

fn actions(dice: &mut Dice, containers: u64) -> Value {
    let container = format!("/c/{}", dice.roll(containers));
    let work = match dice.roll(10) {
        0 => {
            json!({"action": "admin", "backup_name": "data", "container": container, "remove_older_than": 30})
        }
        1..=6 => {
            json!({"action": "backup", "backup_name": "data", "container": container, "path_to_backup": "/data"})
        }
        _ => json!({"action": "exec", "command": "true"}),
    };
    let mut actions = vec![
        json!({"freezer_action": work, "max_retries": dice.roll(3), "max_retries_interval": 300}),
    ];
    if dice.once_in(6) {
        actions.push(
            json!({"freezer_action": {"action": "exec", "command": "true"}, "mandatory": dice.once_in(2)}),
        );
    }
    json!(actions)
}
