//! Where the connection for the data goes: what a server answers to EPSV and PASV.

/// The port in the answer to EPSV: `Entering Extended Passive Mode (|||6446|)`. Any character may stand for the bars.
pub(super) fn extended_port(text: &[u8]) -> Option<u16> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let inside = text.get(open + 1..)?;
    let bar = *inside.first()?;
    let rest = inside.strip_prefix(&[bar, bar, bar])?;
    let end = rest.iter().position(|byte| *byte == bar)?;
    port(rest.get(..end)?)
}

/// The port in the answer to PASV: `Entering Passive Mode (192,0,2,1,25,46)`. The address is that of the server as it
/// sees itself, and behind a router it is wrong. So nobody needs it.
pub(super) fn port_of_six(text: &[u8]) -> Option<u16> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let list = text.get(start..)?;
    let end = list
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b',')
        .unwrap_or(list.len());
    let list = std::str::from_utf8(list.get(..end)?).ok()?;
    let numbers: Vec<u8> = list
        .split(',')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    match numbers[..] {
        [_, _, _, _, high, low] => Some(u16::from(high) << 8 | u16::from(low)).filter(|it| *it > 0),
        _ => None,
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?.filter(|it| *it > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_the_data_is_found_in_the_answers() {
        for (text, found) in [
            ("Entering Extended Passive Mode (|||6446|)", Some(6446)),
            ("ok (!!!21!).", Some(21)),
            ("(|||0|)", None),
            ("(|||65536|)", None),
            ("(|||+1|)", None),
            ("(||1|)", None),
            ("(|||1", None),
            ("(", None),
            ("", None),
        ] {
            assert_eq!(extended_port(text.as_bytes()), found, "{text}");
        }
        for (text, found) in [
            ("Entering Passive Mode (192,0,2,1,25,46).", Some(6446)),
            ("Entering Passive Mode 192,0,2,1,0,21", Some(21)),
            ("(192,0,2,1,256,1)", None),
            ("(192,0,2,1,0,0)", None),
            ("(192,0,2,1,1)", None),
            ("(1,2,3,4,5,6,7)", None),
            ("nothing", None),
        ] {
            assert_eq!(port_of_six(text.as_bytes()), found, "{text}");
        }
    }
}
