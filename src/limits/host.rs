//! Where this process is in the host's control groups. Reads the kernel's files and changes nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The leaf that the daemon moves into, below its group: a group with a process of its own cannot have controllers for
/// groups below it.
pub const DAEMON_LEAF: &str = "daemon";

/// What the kernel says of the host's control groups and of this process's own group.
#[derive(Clone, Debug)]
pub struct HostGroups {
    /// The content of `/proc/self/mountinfo`.
    pub mounts: String,
    /// The content of `/proc/self/cgroup`.
    pub own: String,
}

impl HostGroups {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read.
    pub fn read() -> io::Result<HostGroups> {
        Ok(HostGroups {
            mounts: fs::read_to_string("/proc/self/mountinfo")?,
            own: fs::read_to_string("/proc/self/cgroup")?,
        })
    }

    /// Where the cgroup v2 hierarchy is mounted, if it is.
    pub fn mount(&self) -> Option<PathBuf> {
        self.mounted().map(|(_, mount_point)| mount_point)
    }

    /// The directory of this process's group. `None` where the host has no cgroup v2, or mounts only a part of it that
    /// this process is not in.
    pub fn own_group(&self) -> Option<PathBuf> {
        let (root, mount_point) = self.mounted()?;
        let own = self.own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let below = Path::new(own).strip_prefix(&root).ok()?;
        // Inside a cgroup namespace, a group outside of it is named by dots and cannot be reached.
        (!below.starts_with("..")).then(|| mount_point.join(below))
    }

    /// Which part of the hierarchy is mounted, and where. A line of mountinfo:
    /// `36 35 0:30 / /sys/fs/cgroup rw - cgroup2 …`.
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

/// The group that was delegated to this process, to divide as it likes. That is its own group, or the one above the
/// leaf that the service manager, or an earlier daemon, put it into.
pub fn delegated(own: &Path, is_delegated: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    if is_delegated(own) {
        return Some(own.to_owned());
    }
    let above = own
        .parent()
        .filter(|_| own.file_name().is_some_and(|name| name == DAEMON_LEAF))?;
    is_delegated(above).then(|| above.to_owned())
}

/// Whether systemd, or what acts for it, has marked the group as delegated. That the process can write there is not
/// enough: root can write anywhere, and a shell's group holds more than freezerd.
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

    fn host(mounts: &str, own: &str) -> HostGroups {
        HostGroups {
            mounts: mounts.to_owned(),
            own: own.to_owned(),
        }
    }

    #[test]
    fn the_own_group_is_found_below_the_mount_beside_groups_of_the_old_kind() {
        let told = host(
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
        assert_eq!(host(first, "0::/\n").own_group(), None);
        assert_eq!(host(HYBRID, "4:memory:/\n").own_group(), None);
    }

    #[test]
    fn a_part_of_the_hierarchy_that_is_mounted_alone_shows_what_lies_in_it() {
        let part = "31 30 0:27 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            host(part, "0::/box/freezerd\n").own_group().unwrap(),
            Path::new("/sys/fs/cgroup/freezerd")
        );
        assert_eq!(host(part, "0::/other\n").own_group(), None);
        assert_eq!(host(HYBRID, "0::/../other\n").own_group(), None);
    }

    #[test]
    fn a_group_is_divided_only_where_it_is_delegated() {
        let service = Path::new("/s/freezerd.service");
        let marked = |group: &Path| group == service;
        assert_eq!(delegated(service, marked).as_deref(), Some(service));
        assert_eq!(
            delegated(&service.join("daemon"), marked).as_deref(),
            Some(service)
        );
        assert_eq!(delegated(&service.join("run-1"), marked), None);
        assert_eq!(delegated(Path::new("/s"), marked), None);
    }
}
