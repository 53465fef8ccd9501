//! Finds the control group of this process. Reads the kernel's files and changes nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name of the group, below its own, that the daemon moves into. A group that contains a process cannot enable
/// controllers for groups below it.
pub const DAEMON_LEAF: &str = "daemon";

/// What the kernel says about the host's control groups and about the group of this process.
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

    /// The mount point of the cgroup v2 hierarchy. `None` when it is not mounted.
    pub fn mount(&self) -> Option<PathBuf> {
        self.mounted().map(|(_, mount_point)| mount_point)
    }

    /// The directory of this process's group. `None` when the host has no cgroup v2, or mounts only a part that does
    /// not contain this process.
    pub fn own_group(&self) -> Option<PathBuf> {
        let (root, mount_point) = self.mounted()?;
        let own = self.own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let below = Path::new(own).strip_prefix(&root).ok()?;
        // Inside a cgroup namespace, the path of a group outside begins with `..`. It cannot be reached.
        (!below.starts_with("..")).then(|| mount_point.join(below))
    }

    /// The part of the hierarchy that is mounted, and its mount point. They are the fourth and fifth field of a line in
    /// mountinfo: `36 35 0:30 / /sys/fs/cgroup rw - cgroup2 …`.
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

/// The group that was delegated to this process. It is the process's own group or, when the service manager or an
/// earlier daemon put the process into the leaf, the group above. `None` when no group was delegated.
pub fn delegated(own: &Path, is_delegated: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    if is_delegated(own) {
        return Some(own.to_owned());
    }
    let above = own
        .parent()
        .filter(|_| own.file_name().is_some_and(|name| name == DAEMON_LEAF))?;
    is_delegated(above).then(|| above.to_owned())
}

/// Whether systemd or another service manager has marked the group as delegated. Write access is not enough: root can
/// write to every group, and the group of a shell contains other processes than freezerd.
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
