//! Which names in the jobs directory belong to job files.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Whether a file with this name is read as a job file: names that end in `.json` or `.conf`.
///
/// Hidden files are not job files, nor are the files that dpkg leaves beside another file. The other files of editors
/// and package managers (`~`, `.tmp`, `.swp`, `.rpmsave`, `.rpmnew`, `.rpmorig`) have other endings.
pub fn is_job_file(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let from_dpkg = name.windows(6).any(|part| part == b".dpkg-");
    (name.ends_with(b".json") || name.ends_with(b".conf")) && !name.starts_with(b".") && !from_dpkg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_job_files() {
        for name in [
            "a.json",
            "job_4822.conf",
            "a b.json",
            "ü.json",
            "a.tmp.json",
        ] {
            assert!(is_job_file(OsStr::new(name)), "{name}");
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
            assert!(!is_job_file(OsStr::new(name)), "{name}");
        }
    }
}
