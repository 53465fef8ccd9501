//! What to do where a receiver has not accepted a message.

use crate::tell::send::SendError;

/// What to do about an error; `None`: nothing is known.
pub(super) fn advice(error: &SendError) -> Option<String> {
    let text = match error {
        SendError::Secret { key, .. } => {
            return Some(format!(
                "correct `{key}_file`, `{key}_command` or `{key}_env` of the receiver; what only the service has, as a \
                 credential or a variable, this command does not see"
            ));
        }
        SendError::Unusable { key, .. } => {
            return Some(format!("correct `{key}` of the receiver in freezerd.toml"));
        }
        SendError::Certificates { .. } | SendError::Options(_) => {
            "name a file with certificates in PEM format with `ca_file`"
        }
        SendError::NotAnAddress(_) => "write the whole address, as the service shows it",
        SendError::NoMail => "use the package, or a build with the feature mail",
        SendError::Unreachable(_) => {
            "check the address and the port, and whether a firewall is in between"
        }
        SendError::Silent(_) => {
            "check the address and the port, and whether a firewall is in between; of a mail server, check `tls`; or raise \
             `timeout`"
        }
        SendError::Untrusted(_) => "name the certificate that you trust with `ca_file`",
        SendError::Nonsense(_) => {
            "check whether the type and the address are those of this server; of a mail server, check `tls` and `port`"
        }
        SendError::Status { status, .. } => of_status(*status),
        SendError::NoCheck => {
            "check the address; with a `slug`, `create = true` makes a check that does not exist"
        }
        SendError::TooMany => "try again in a minute",
        SendError::Mail { code, .. } => of_mail(*code),
        SendError::NoTls => {
            "write `tls = \"tls\"` and its port, or, for a server on this host, `tls = \"none\"`"
        }
        SendError::NoLogin => "leave out `username` if the server needs no login",
        SendError::NotRun { .. } => "correct the path of the program, or install it",
        SendError::Failed { .. } => {
            "run the program by hand, with the JSON of a message at its standard input"
        }
        SendError::Internal => return None,
    };
    Some(text.to_owned())
}

fn of_status(status: u16) -> &'static str {
    match status {
        300..=399 => "write the address that this one leads to",
        401 | 403 => "check the token, and what it may do",
        404 | 410 => "check the address; whoever made it may have removed it",
        409 => "give the checks different slugs",
        413 => "leave out the log: `log = false`",
        429 => "try again later",
        400..=499 => "check the type and the address; of a webhook, `method`, `headers` and `body`",
        500..=599 => "try again later; if it lasts, see the log of the server",
        _ => "check whether the type and the address are those of this server",
    }
}

fn of_mail(code: u16) -> &'static str {
    match code {
        530 | 534 | 535 | 538 => {
            "check the user, and the file or the command that has the password"
        }
        550..=554 => "check `from` and `to`, and whether the server sends mail for this host",
        400..=499 => "try again later; if it lasts, see the log of the server",
        _ => "see the log of the server",
    }
}
