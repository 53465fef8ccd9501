//! Names in the directories of a repository: those of packs, and those that interrupted writes leave.

#[cfg(any(feature = "ftp", feature = "sftp"))]
use std::io;

use super::id::Id;

/// What follows the name of a file while it is written: as in a local directory, as `restic` has it on SFTP, and as
/// `rest-server` has it on its disk. One host may write to a directory that another one serves.
const TEMPORARY: [&[u8]; 3] = [b"-tmp-", b"-restic-temp-", b".rest-server-temp"];

/// The value of the name of a directory of packs: two hexadecimal digits.
pub(super) fn first_byte(name: &[u8]) -> Option<u8> {
    let mut digits = [b'0'; 64];
    digits[..2].copy_from_slice(name.get(..2).filter(|_| name.len() == 2)?);
    Id::parse_bytes(&digits).ok().map(|id| id.0[0])
}

/// The name of a file on a server while it is written. No other process chooses it.
#[cfg(any(feature = "ftp", feature = "sftp"))]
pub(super) fn temporary(path: &str) -> io::Result<String> {
    let number =
        getrandom::u64().map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(format!("{path}-tmp-{number:016x}"))
}

/// Whether a write that was interrupted left a file of this name: one of ours, of restic's, of rustic's or of
/// rest-server's.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    TEMPORARY.iter().any(|mark| {
        let Some(at) = name.windows(mark.len()).position(|part| part == *mark) else {
            return false;
        };
        let (target, rest) = (&name[..at], &name[at + mark.len()..]);
        let target_is_a_file = target == b"config" || Id::parse_bytes(target).is_ok();
        let unique = rest
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        target_is_a_file && unique && !rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interrupted_writes_are_known() {
        let id = Id::of(b"x");
        #[cfg(any(feature = "ftp", feature = "sftp"))]
        {
            let ours = temporary(&id.to_string()).unwrap();
            assert!(is_temporary(ours.as_bytes()), "{ours}");
        }
        for end in [
            "-tmp-123456",
            "-tmp-77-0",
            "-restic-temp-5577006791947779410",
            ".rest-server-temp5577006791947779410",
        ] {
            assert!(is_temporary(format!("{id}{end}").as_bytes()), "{end}");
        }
        assert!(is_temporary(b"config-tmp-77-0"));
        for name in ["config", "notes-tmp-1", "config-tmp-", "config-tmp-../x"] {
            assert!(!is_temporary(name.as_bytes()), "{name}");
        }
        assert!(!is_temporary(format!("{id}.rest-server-temp").as_bytes()));
        assert!(!is_temporary(id.to_string().as_bytes()));
    }

    #[test]
    fn a_directory_of_packs_has_two_lower_case_digits() {
        assert_eq!(first_byte(b"0f"), Some(15));
        for name in ["0", "0F", "00f", "", "zz"] {
            assert_eq!(first_byte(name.as_bytes()), None);
        }
    }
}
