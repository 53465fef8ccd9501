//! Turns the owners that a snapshot records into ids of this host.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::os;

/// Finds ids: by name where the name exists here, as `tar` does, and by number otherwise.
pub struct Owners {
    /// Only root may change the owner of a file.
    may_change: bool,
    /// The user and the group of this process.
    own: (u32, u32),
    numeric: bool,
    users: Names,
    groups: Names,
}

/// A user or group whose name has another number here than in the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mapped {
    pub is_group: bool,
    pub name: String,
    /// The number in the snapshot. A snapshot with several numbers for a name has the first of them here.
    pub recorded: u32,
    /// The number of the name on this host.
    pub here: u32,
}

type LookUp = fn(&str) -> Option<u32>;

struct Names {
    known: Mutex<HashMap<String, Known>>,
    look_up: LookUp,
}

/// What is known of a name.
struct Known {
    /// `None`: there is no such name here.
    here: Option<u32>,
    /// A number from the snapshot that is another one.
    other: Option<u32>,
}

const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;

/// How many names are remembered. A snapshot with more is looked up again and again.
const MOST_NAMES: usize = 10_000;

impl Names {
    fn new(look_up: LookUp) -> Names {
        Names {
            known: Mutex::default(),
            look_up,
        }
    }

    fn id(&self, name: &str, recorded: u32) -> u32 {
        if name.is_empty() {
            return recorded;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get_mut(name) {
            let id = known.here.unwrap_or(recorded);
            if id != recorded {
                known.other.get_or_insert(recorded);
            }
            return id;
        }
        let here = (self.look_up)(name);
        let id = here.unwrap_or(recorded);
        if known.len() < MOST_NAMES {
            let other = (id != recorded).then_some(recorded);
            known.insert(name.to_owned(), Known { here, other });
        }
        id
    }

    fn mapped(&self, is_group: bool) -> Vec<Mapped> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mapped = known.iter().filter_map(|(name, known)| {
            Some(Mapped {
                is_group,
                name: name.clone(),
                recorded: known.other?,
                here: known.here?,
            })
        });
        mapped.collect()
    }
}

impl Owners {
    /// `numeric`: names do not count. It is still noted where they would.
    pub fn new(numeric: bool) -> Owners {
        Owners {
            may_change: rustix::process::geteuid().is_root(),
            own: (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
            numeric,
            users: Names::new(os::user_id),
            groups: Names::new(os::group_id),
        }
    }

    /// Whether owners can be restored at all.
    pub fn may_change(&self) -> bool {
        self.may_change
    }

    /// The mode that a file gets which has this one in the snapshot. Where owners cannot be restored, a program that runs
    /// with the rights of another owner would run with those of whoever restores it, so it loses setuid and setgid.
    pub fn permitted(&self, mode: u32, uid: u32, gid: u32) -> u32 {
        if self.may_change {
            return mode;
        }
        let mut permitted = mode;
        if uid != self.own.0 {
            permitted &= !SET_USER_ID;
        }
        if gid != self.own.1 {
            permitted &= !SET_GROUP_ID;
        }
        permitted
    }

    /// The user's id here.
    pub fn user(&self, name: &str, recorded: u32) -> u32 {
        self.choose(&self.users, name, recorded)
    }

    /// The group's id here.
    pub fn group(&self, name: &str, recorded: u32) -> u32 {
        self.choose(&self.groups, name, recorded)
    }

    fn choose(&self, names: &Names, name: &str, recorded: u32) -> u32 {
        if !self.may_change {
            return recorded;
        }
        let by_name = names.id(name, recorded);
        match self.numeric {
            true => recorded,
            false => by_name,
        }
    }

    /// All names with another number here, in their order.
    pub fn mapped(&self) -> Vec<Mapped> {
        let mut mapped = self.users.mapped(false);
        mapped.extend(self.groups.mapped(true));
        mapped.sort();
        mapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_gives_the_rights_of_another_owner_to_a_program() {
        let mut owners = Owners::new(true);
        owners.own = (1000, 100);
        owners.may_change = false;
        assert_eq!(owners.permitted(0o6755, 0, 0), 0o755);
        assert_eq!(owners.permitted(0o6755, 1000, 0), 0o4755);
        assert_eq!(owners.permitted(0o6755, 0, 100), 0o2755);
        assert_eq!(owners.permitted(0o7755, 1000, 100), 0o7755);
        owners.may_change = true;
        assert_eq!(owners.permitted(0o6755, 0, 0), 0o6755);
    }

    #[test]
    fn a_name_decides_where_it_exists_and_the_other_number_is_noted() {
        let names = Names::new(|name| (name == "www").then_some(33));
        assert_eq!(names.id("www", 33), 33);
        assert!(names.mapped(false).is_empty());
        assert_eq!(names.id("www", 48), 33);
        assert_eq!(names.id("", 48), 48);
        assert_eq!(names.id("nobody-here", 1234), 1234);
        let mapped = names.mapped(true);
        assert_eq!(mapped.len(), 1);
        assert_eq!((mapped[0].recorded, mapped[0].here), (48, 33));
    }
}
