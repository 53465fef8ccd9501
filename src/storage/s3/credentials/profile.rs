//! Reads a profile of a file with credentials, in the format of `~/.aws/credentials`. Pure.

use zeroize::Zeroizing;

use super::Credentials;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NoProfile,
    /// The profile has no keys: it takes them from elsewhere, in a way that is not supported.
    NoKeys,
}

/// The credentials of a profile.
pub(super) fn read(text: &str, profile: &str) -> Result<Credentials, Fault> {
    let mut is_found = false;
    let mut is_inside = false;
    let (mut access_key, mut secret_key, mut token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split(']').next().unwrap_or_default().trim();
            let name = name.strip_prefix("profile ").unwrap_or(name).trim();
            is_inside = name == profile;
            is_found |= is_inside;
            continue;
        }
        if !is_inside {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match name.trim() {
            "aws_access_key_id" => access_key = value,
            "aws_secret_access_key" => secret_key = value.map(Zeroizing::new),
            "aws_session_token" => token = value.map(Zeroizing::new),
            _ => {}
        }
    }
    match (is_found, access_key, secret_key) {
        (_, Some(access_key), Some(secret_key)) => Ok(Credentials {
            access_key,
            secret_key,
            session_token: token,
            expires: None,
        }),
        (true, ..) => Err(Fault::NoKeys),
        (false, ..) => Err(Fault::NoProfile),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{20}# mine\n[default]\naws_access_key_id = AK1\naws_secret_access_key=S=1\n\n[ other ]\n\
        aws_access_key_id=AK2\n; x\naws_secret_access_key = S2\naws_session_token = T2\nregion = x\n\
        [profile role]\nrole_arn = arn:aws:iam::1:role/x\n";

    #[test]
    fn a_profile_has_its_own_keys() {
        let default = read(FILE, "default").unwrap();
        assert_eq!(default.access_key, "AK1");
        assert_eq!(*default.secret_key, "S=1");
        assert_eq!(default.session_token, None);
        let other = read(FILE, "other").unwrap();
        assert_eq!(other.access_key, "AK2");
        assert_eq!(*other.session_token.unwrap(), "T2");
    }

    #[test]
    fn a_profile_without_keys_is_told_apart_from_none() {
        assert_eq!(read(FILE, "role"), Err(Fault::NoKeys));
        assert_eq!(read(FILE, "nobody"), Err(Fault::NoProfile));
        assert_eq!(read("", "default"), Err(Fault::NoProfile));
    }
}
