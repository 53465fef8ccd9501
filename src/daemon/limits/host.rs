//! Where this process stands in the host's control groups: read from what the kernel tells of it, changing nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The leaf below the daemon's group that the daemon itself moves into: a group that has controllers for others may
/// hold no process of its own.
pub const LEAF: &str = "daemon";

/// What the kernel tells of this process and of its host.
#[derive(Clone, Debug)]
pub struct Telling {
    /// `/proc/self/mountinfo`.
    pub mounts: String,
    /// `/proc/self/cgroup`.
    pub own: String,
}

impl Telling {
    /// As it is now.
    pub fn read() -> io::Result<Telling> {
        Ok(Telling {
            mounts: fs::read_to_string("/proc/self/mountinfo")?,
            own: fs::read_to_string("/proc/self/cgroup")?,
        })
    }

    /// Where the cgroup v2 hierarchy is mounted, if it is.
    pub fn mount(&self) -> Option<PathBuf> {
        self.mounted().map(|(_, place)| place)
    }

    /// The directory of this process's group; `None`: the host has no cgroup v2, or shows another part of it.
    pub fn own_group(&self) -> Option<PathBuf> {
        let (root, place) = self.mounted()?;
        let own = self.own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let below = Path::new(own).strip_prefix(&root).ok()?;
        // What lies outside a container is named by dots, and cannot be had from inside.
        (!below.starts_with("..")).then(|| place.join(below))
    }

    /// Which part of the hierarchy is mounted, and where. As of mountinfo: `36 35 0:30 / /sys/fs/cgroup rw - cgroup2 …`.
    fn mounted(&self) -> Option<(PathBuf, PathBuf)> {
        self.mounts.lines().find_map(|line| {
            let (mount, system) = line.split_once(" - ")?;
            if system.split(' ').next() != Some("cgroup2") {
                return None;
            }
            let mut fields = mount.split(' ').skip(3);
            Some((PathBuf::from(fields.next()?), PathBuf::from(fields.next()?)))
        })
    }
}

/// The group that was handed to this process to divide as it likes: its own, or the one above the leaf that it was
/// put into, by its service manager or by itself before it was started anew.
pub fn handed_over(own: &Path, is_delegated: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    if is_delegated(own) {
        return Some(own.to_owned());
    }
    let above = own
        .parent()
        .filter(|_| own.file_name().is_some_and(|name| name == LEAF))?;
    is_delegated(above).then(|| above.to_owned())
}

/// Whether systemd (or who stands in for it) has marked the group as one to be divided. Being able to write there
/// is not enough: root can anywhere, and a shell's group holds more than freezerd.
pub fn is_delegated(group: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(group, *name, &mut value[..])
            .is_ok_and(|length| value.get(..length) == Some(&b"1"[..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
24 1 0:22 / /proc rw,nosuid - proc proc rw
30 24 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:5 - cgroup2 cgroup2 rw,nsdelegate
32 30 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
";

    fn telling(mounts: &str, own: &str) -> Telling {
        Telling {
            mounts: mounts.to_owned(),
            own: own.to_owned(),
        }
    }

    #[test]
    fn the_own_group_is_found_below_the_mount_beside_groups_of_the_old_kind() {
        let told = telling(
            HYBRID,
            "4:memory:/elsewhere\n0::/system.slice/freezerd.service\n",
        );
        assert_eq!(
            told.own_group().unwrap(),
            Path::new("/sys/fs/cgroup/unified/system.slice/freezerd.service")
        );
        assert_eq!(told.mount().unwrap(), Path::new("/sys/fs/cgroup/unified"));
    }

    #[test]
    fn without_cgroup_v2_there_is_no_group() {
        let (first, _) = HYBRID.split_once("31 30").unwrap();
        assert_eq!(telling(first, "0::/\n").own_group(), None);
        assert_eq!(telling(HYBRID, "4:memory:/\n").own_group(), None);
    }

    #[test]
    fn a_part_of_the_hierarchy_that_is_mounted_alone_shows_what_lies_in_it() {
        let part = "31 30 0:27 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            telling(part, "0::/box/freezerd\n").own_group().unwrap(),
            Path::new("/sys/fs/cgroup/freezerd")
        );
        assert_eq!(telling(part, "0::/other\n").own_group(), None);
        assert_eq!(telling(HYBRID, "0::/../other\n").own_group(), None);
    }

    #[test]
    fn a_group_is_divided_only_where_it_was_handed_over() {
        let service = Path::new("/s/freezerd.service");
        let marked = |group: &Path| group == service;
        assert_eq!(handed_over(service, marked).as_deref(), Some(service));
        assert_eq!(
            handed_over(&service.join("daemon"), marked).as_deref(),
            Some(service)
        );
        assert_eq!(handed_over(&service.join("run-1"), marked), None);
        assert_eq!(handed_over(Path::new("/s"), marked), None);
    }
}
