//! The way into a server: the connection, TLS, the login, and what the server can do.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustix::net::sockopt;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use super::super::error::ErrorKind;
use super::control::{Control, Reply};
use super::failure::{Failure, code};
use super::session::{CONNECT, Lists, Session};
use super::stream::{Encryption, Stream};
use super::{Options, Tls, tls};
use crate::os;

/// While a large file goes over another connection, this one is silent. The system then keeps it alive.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// So often a server may say that it will be ready soon.
const MOST_DELAYS: usize = 10;

/// The longest path of the directory where a login begins, in bytes. One of Linux is not longer.
const LONGEST_PATH: usize = 4096;

/// Connects and logs in.
pub(super) fn connect(options: &Options, config: &ClientConfig) -> Result<Session, Failure> {
    let socket = open(options)?;
    let peer = socket.peer_addr().map_err(lost)?.ip();
    let encryption = match options.tls {
        Tls::None => None,
        Tls::Explicit | Tls::Implicit => Some(Encryption {
            config: tls::for_one_session(config),
            name: ServerName::try_from(options.host.clone()).map_err(|_| {
                Failure::answer("the name of the server cannot be that of a certificate")
            })?,
        }),
    };
    let stall = CONNECT.min(options.stall);
    let mut control = match (&encryption, options.tls) {
        (Some(encryption), Tls::Implicit) => Control::with_tls(socket, encryption, stall)?,
        _ => Control::new(Stream::new(socket, None).map_err(lost)?, stall),
    };
    greeting(&mut control, options)?;
    if let (Some(encryption), Tls::Explicit) = (&encryption, options.tls) {
        let reply = control.ask("AUTH TLS")?;
        if !matches!(reply.code, 234 | 334) {
            return Err(no_tls(&reply, options));
        }
        control = control.encrypted(encryption)?;
    }
    control.set_stall(options.stall)?;
    let mut session = Session::new(control, peer, encryption, options);
    if options.tls != Tls::None {
        session.ask("PBSZ 0", &[200])?;
        session
            .ask("PROT P", &[200])
            .map_err(|failure| failure.with("it does not encrypt the data"))?;
    }
    login(&mut session, options)?;
    let features = features(&mut session)?;
    let has = |name: &str| features.iter().any(|it| it == name);
    if has("MLST") || has("MLSD") {
        session.lists = Lists::Machine;
    }
    if !options.directory.is_ascii() && has("UTF8") {
        // Some servers do not understand the names before. Others know nothing else, and refuse.
        let _ = session.ask("OPTS UTF8 ON", &[200, 202]);
        if session.is_broken() {
            return Err(Failure::lost("the server ended the connection"));
        }
    }
    session.ask("TYPE I", &[200])?;
    session.base = base(&mut session, &options.directory)?;
    session.enter()?;
    Ok(session)
}

fn lost(error: io::Error) -> Failure {
    Failure::lost(os::reason(&error))
}

/// Connects to the first address of the server that answers.
fn open(options: &Options) -> Result<TcpStream, Failure> {
    let addresses = (options.host.as_str(), options.port)
        .to_socket_addrs()
        .map_err(|error| {
            Failure::lost(format!(
                "the name of the server is not known: {}",
                os::reason(&error)
            ))
        })?;
    let mut last = Failure::lost("the name of the server has no address");
    for address in addresses {
        let socket = TcpStream::connect_timeout(&address, CONNECT).and_then(|socket| {
            let stall = Some(CONNECT.min(options.stall));
            socket.set_read_timeout(stall)?;
            socket.set_write_timeout(stall)?;
            socket.set_nodelay(true)?;
            sockopt::set_socket_keepalive(&socket, true)?;
            sockopt::set_tcp_keepidle(&socket, KEEP_ALIVE)?;
            Ok(socket)
        });
        match socket {
            Ok(socket) => return Ok(socket),
            Err(error) => last = lost(error),
        }
    }
    Err(last)
}

fn greeting(control: &mut Control, options: &Options) -> Result<(), Failure> {
    for _ in 0..MOST_DELAYS {
        let reply = control.reply().map_err(|failure| {
            match (failure.kind, options.tls) {
                (ErrorKind::Unreachable, Tls::None | Tls::Explicit) => failure.with(
                    "before that, the server said nothing. If it speaks TLS from the beginning, write `kind = \"ftps\"` \
                     and `implicit_tls = true`",
                ),
                _ => failure,
            }
        })?;
        match reply.code {
            220 => return Ok(()),
            // It will be ready soon.
            120 => {}
            code::NOT_AVAILABLE => return Err(reply.refusal(options.password.as_slice())),
            _ => {
                let failure = reply.refusal(options.password.as_slice());
                return Err(failure.of_kind(ErrorKind::Overloaded));
            }
        }
    }
    control.is_broken = true;
    let failure = Failure::lost("the server says again and again that it will be ready soon");
    Err(failure.of_kind(ErrorKind::Overloaded))
}

fn no_tls(reply: &Reply, options: &Options) -> Failure {
    reply.refusal(options.password.as_slice()).known_as(
        ErrorKind::Answer,
        "the server has no TLS. Nothing was sent. Only `kind = \"ftp\"` works with it, and then everybody on the way can \
         read the password",
    )
}

fn login(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let reply = session
        .ask(&format!("USER {}", options.user), &[230, 232, 331])
        .map_err(|failure| match (options.tls, failure.code) {
            (_, Some(code::NOT_AVAILABLE)) | (_, None) => failure,
            // The password was not asked for.
            (Tls::None, Some(_)) => {
                let failure = failure.with("if the server wants TLS, write `kind = \"ftps\"`");
                failure.of_kind(ErrorKind::Unauthorized)
            }
            (_, Some(code::UNAVAILABLE | code::WANTS_PROTECTION)) => {
                failure.of_kind(ErrorKind::Unauthorized)
            }
            _ => failure,
        })?;
    if reply.code != 331 {
        return Ok(());
    }
    let password = options.password.as_ref().map_or("", |it| it.as_str());
    let command = Zeroizing::new(format!("PASS {password}"));
    session.ask(&command, &[230, 202]).map(drop)
}

/// The names of what the server can do beyond the first standard. Not every server says it.
fn features(session: &mut Session) -> Result<Vec<String>, Failure> {
    match session.ask("FEAT", &[211]) {
        Ok(reply) => Ok(reply
            .lines
            .iter()
            .filter_map(|line| std::str::from_utf8(line).ok())
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_ascii_uppercase)
            .collect()),
        Err(_) if !session.is_broken() => Ok(Vec::new()),
        Err(failure) => Err(failure),
    }
}

/// The absolute path of a directory. A relative one begins where the login begins.
fn base(session: &mut Session, directory: &str) -> Result<String, Failure> {
    if directory.starts_with('/') {
        return Ok(directory.to_owned());
    }
    let reply = session.ask("PWD", &[257])?;
    let login = quoted(&reply.text)
        .filter(|path| (1..=LONGEST_PATH).contains(&path.len()))
        .ok_or_else(|| Failure::answer("the server does not say where the login begins"))?;
    Ok(match (login.as_str(), directory) {
        (login, "") => login.to_owned(),
        (login, directory) if login.ends_with('/') => format!("{login}{directory}"),
        (login, directory) => format!("{login}/{directory}"),
    })
}

/// The path between quotation marks; two of them stand for one in the path.
fn quoted(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut rest = text.split_once('"')?.1.chars().peekable();
    let mut path = String::new();
    loop {
        match rest.next()? {
            '"' if rest.peek() == Some(&'"') => {
                rest.next();
                path.push('"');
            }
            '"' => return Some(path),
            one => path.push(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_in_an_answer_is_found() {
        for (text, path) in [
            (
                r#""/home/web1" is the current directory"#,
                Some("/home/web1"),
            ),
            (r#""/a ""b"" c""#, Some(r#"/a "b" c"#)),
            (r#""/" "#, Some("/")),
            (r#""/x"#, None),
            ("/x", None),
        ] {
            assert_eq!(quoted(text.as_bytes()).as_deref(), path, "{text}");
        }
    }
}
