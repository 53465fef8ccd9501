//! Which names in the jobs directory are job files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Whether a file of that name is read: those that end in `.json` or `.conf`.
///
/// Not hidden ones, and not what dpkg leaves beside a file. What else editors and package managers leave (`~`, `.tmp`,
/// `.swp`, `.rpmsave`, `.rpmnew`, `.rpmorig`) has another ending.
pub fn counts(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let of_dpkg = name.windows(6).any(|part| part == b".dpkg-");
    (name.ends_with(b".json") || name.ends_with(b".conf")) && !name.starts_with(b".") && !of_dpkg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_count() {
        for name in [
            "a.json",
            "job_4822.conf",
            "a b.json",
            "ü.json",
            "a.tmp.json",
        ] {
            assert!(counts(OsStr::new(name)), "{name}");
        }
        for name in [
            ".a.json",
            ".json",
            "a.json~",
            "a.json.tmp",
            "a.json.swp",
            ".a.json.swp",
            "a.json.dpkg-old",
            "a.dpkg-new.json",
            "a.json.rpmsave",
            "a.json.rpmnew",
            "a.json.rpmorig",
            "a.txt",
            "json",
            "a.JSON",
            "",
        ] {
            assert!(!counts(OsStr::new(name)), "{name}");
        }
    }
}
