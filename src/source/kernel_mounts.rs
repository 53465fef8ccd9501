//! The file systems through which a kernel shows itself: no backup needs them, and no backup can read them whole.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The types, as the kernel names them in its list of mounts.
const TYPES: [&str; 24] = [
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sysfs",
    "tracefs",
];

/// Where a file system of the kernel is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelMount {
    pub path: PathBuf,
    /// As `st_dev` has it.
    pub device: u64,
}

/// The file systems of the kernel that are mounted now.
///
/// # Errors
/// When the list of mounts cannot be read.
pub fn kernel_mounts() -> io::Result<Vec<KernelMount>> {
    Ok(read(&fs::read("/proc/self/mountinfo")?))
}

/// Reads a list of mounts as `/proc/self/mountinfo` has it. Lines of another form are skipped.
fn read(list: &[u8]) -> Vec<KernelMount> {
    list.split(|byte| *byte == b'\n')
        .filter_map(mount)
        .collect()
}

/// One line: `ID PARENT MAJOR:MINOR ROOT PATH OPTIONS … - TYPE SOURCE OPTIONS`.
fn mount(line: &[u8]) -> Option<KernelMount> {
    let mut words = line.split(|byte| *byte == b' ');
    let device = std::str::from_utf8(words.nth(2)?).ok()?;
    let path = words.nth(1)?;
    let kind = words.skip_while(|word| *word != b"-").nth(1)?;
    if !TYPES.iter().any(|known| known.as_bytes() == kind) {
        return None;
    }
    let (major, minor) = device.split_once(':')?;
    Some(KernelMount {
        path: PathBuf::from(OsString::from_vec(unescaped(path))),
        device: rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?),
    })
}

/// The kernel writes blanks, tabs, line ends and backslashes as `\040`.
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|digits| *first == b'\\' && digits.iter().all(|it| (b'0'..=b'7').contains(it)))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_of_mounts_names_those_of_the_kernel() {
        let list = b"\
            25 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n\
            23 25 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n\
            40 25 0:33 / /srv/a\\040b rw - sysfs sysfs rw\n\
            41 25 0:40 / /tmp rw shared:2 master:1 - tmpfs tmpfs rw\n\
            odd\n\
            42 25 odd / /x rw - proc proc rw\n\
            43 25 0:44 / /srv/\\9 rw - cgroup2 cgroup rw";
        let mounts = read(list);
        let paths: Vec<&Path> = mounts.iter().map(|mount| &*mount.path).collect();
        assert_eq!(
            paths,
            [
                Path::new("/proc"),
                Path::new("/srv/a b"),
                Path::new("/srv/\\9")
            ]
        );
        assert_eq!(mounts[0].device, rustix::fs::makedev(0, 21));
        assert!(read(b"").is_empty());
    }
}
