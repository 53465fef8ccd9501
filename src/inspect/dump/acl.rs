//! POSIX access control lists: from the form in which Linux stores them to the text that tar archives have.

/// The extended attributes that hold lists, each with its keyword in a tar archive.
const ATTRIBUTES: [(&str, &str); 2] = [
    ("system.posix_acl_access", "SCHILY.acl.access"),
    ("system.posix_acl_default", "SCHILY.acl.default"),
];

/// The only version of the form.
const VERSION: u32 = 2;

/// The keyword and the text for an extended attribute that holds a list; `None` for every other one, and for a list that
/// is damaged.
pub(super) fn record(attribute: &str, value: &[u8]) -> Option<(&'static str, String)> {
    let (_, keyword) = ATTRIBUTES.iter().find(|(name, _)| *name == attribute)?;
    Some((keyword, text(value)?))
}

/// The entries, as `user::rwx,user:1000:r--,group::r-x,mask::r-x,other::---`. Users and groups are numbers.
fn text(value: &[u8]) -> Option<String> {
    let (version, entries) = value.split_first_chunk()?;
    if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
        return None;
    }
    let mut texts = Vec::new();
    for entry in entries.chunks_exact(8) {
        let [tag_low, tag_high, low, high, id @ ..] = entry else {
            return None;
        };
        let id = u32::from_le_bytes(*id.first_chunk()?);
        let name = match u16::from_le_bytes([*tag_low, *tag_high]) {
            0x01 => "user:".to_owned(),
            0x02 => format!("user:{id}"),
            0x04 => "group:".to_owned(),
            0x08 => format!("group:{id}"),
            0x10 => "mask:".to_owned(),
            0x20 => "other:".to_owned(),
            _ => return None,
        };
        let rights = u16::from_le_bytes([*low, *high]);
        let right = |bit: u16, letter: char| if rights & bit == 0 { '-' } else { letter };
        texts.push(format!(
            "{name}:{}{}{}",
            right(4, 'r'),
            right(2, 'w'),
            right(1, 'x')
        ));
    }
    Some(texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_becomes_its_text_and_a_damaged_one_does_not() {
        let mut value = VERSION.to_le_bytes().to_vec();
        for (tag, rights, id) in [
            (0x01_u16, 7_u16, u32::MAX),
            (0x02, 4, 1000),
            (0x04, 5, u32::MAX),
            (0x10, 5, u32::MAX),
            (0x20, 0, u32::MAX),
        ] {
            value.extend_from_slice(&tag.to_le_bytes());
            value.extend_from_slice(&rights.to_le_bytes());
            value.extend_from_slice(&id.to_le_bytes());
        }
        let expected = "user::rwx,user:1000:r--,group::r-x,mask::r-x,other::---";
        let (keyword, text) = record("system.posix_acl_access", &value).unwrap();
        assert_eq!((keyword, text.as_str()), ("SCHILY.acl.access", expected));
        assert!(record("user.x", &value).is_none());
        for damaged in [&value[..3], &value[..9], b"\x03\0\0\0", b""] {
            assert!(record("system.posix_acl_access", damaged).is_none());
        }
    }
}
