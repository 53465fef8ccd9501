//! The keys by which servers are known: files in the format of OpenSSH's `known_hosts`. Pure.
//!
//! As `ssh` does it, a line that cannot be read is left out, and so is a key of a kind that is not known here. A name may
//! be hashed, have wildcards, or be excluded by `!`. Certificates of hosts are not supported: lines that begin with
//! `@cert-authority` say nothing about a plain key.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{Algorithm, HashAlg, PublicKey};
use sha1::Sha1;

/// The port that names in these files do not mention.
const PORT: u16 = 22;

/// A file, and what is in it.
#[derive(Clone, Debug)]
pub struct KnownHosts {
    pub path: PathBuf,
    /// Empty if the file does not exist.
    pub content: String,
}

/// The keys of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    keys: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    key: PublicKey,
    is_revoked: bool,
    /// The name has no port although the server does not have the usual one. Such a line makes a key known, and a
    /// missing one does not make it wrong: it may be about another server of the host.
    is_without_port: bool,
    file: PathBuf,
    /// Counted from 1.
    number: usize,
}

/// What the files say about the key of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    /// Nothing is known of the server.
    Unknown,
    /// The server is known by another key, in this line of this file.
    Changed {
        file: PathBuf,
        line: usize,
    },
    /// This line says that the key must not be trusted any more.
    Revoked {
        file: PathBuf,
        line: usize,
    },
}

impl Known {
    /// The lines about a server.
    pub fn find(files: &[KnownHosts], host: &str, port: u16) -> Known {
        let host = host.to_ascii_lowercase();
        let with_port = match port {
            PORT => host.clone(),
            port => format!("[{host}]:{port}"),
        };
        let mut keys = Vec::new();
        for file in files {
            for (number, line) in (1..).zip(file.content.lines()) {
                let Some(parsed) = parse(line) else { continue };
                let is_exact = matches(parsed.names, &with_port);
                if !is_exact && (port == PORT || !matches(parsed.names, &host)) {
                    continue;
                }
                keys.push(Line {
                    key: parsed.key,
                    is_revoked: parsed.is_revoked,
                    is_without_port: !is_exact,
                    file: file.path.clone(),
                    number,
                });
            }
        }
        Known { keys }
    }

    /// What the lines say about this key of the server.
    pub fn judge(&self, key: &PublicKey) -> Verdict {
        let same = |line: &&Line| line.key.key_data() == key.key_data();
        if let Some(line) = self.keys.iter().find(|line| line.is_revoked && same(line)) {
            return Verdict::Revoked {
                file: line.file.clone(),
                line: line.number,
            };
        }
        if self.keys.iter().any(|line| !line.is_revoked && same(&line)) {
            return Verdict::Known;
        }
        let other = |line: &&Line| !line.is_revoked && !line.is_without_port;
        // A line with a key of the same kind says most about what has changed.
        let of_kind = |line: &&Line| other(line) && line.key.algorithm() == key.algorithm();
        let changed = self.keys.iter().find(of_kind);
        match changed.or_else(|| self.keys.iter().find(other)) {
            Some(line) => Verdict::Changed {
                file: line.file.clone(),
                line: line.number,
            },
            None => Verdict::Unknown,
        }
    }

    /// The kinds of keys to ask the server for, with those first that are known. Otherwise a server that is known by one
    /// of its keys would look unknown by another one.
    pub fn algorithms(&self, all: &[Algorithm]) -> Vec<Algorithm> {
        let is_known = |algorithm: &&Algorithm| {
            self.keys.iter().any(|line| {
                let known = line.key.algorithm();
                let both_rsa = matches!(known, Algorithm::Rsa { .. })
                    && matches!(algorithm, Algorithm::Rsa { .. });
                !line.is_revoked && (both_rsa || known == **algorithm)
            })
        };
        // Signatures with SHA-1 are not safe any more.
        let usable = all
            .iter()
            .filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None }));
        let (mut first, second): (Vec<_>, Vec<_>) = usable.partition(is_known);
        first.extend(second);
        first.into_iter().cloned().collect()
    }
}

/// The fingerprint as `ssh` shows it.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The command that adds the keys of a server to a file.
pub(super) fn accepting_command(host: &str, port: u16, file: &Path) -> String {
    let port = match port {
        PORT => String::new(),
        port => format!("-p {port} "),
    };
    format!("ssh-keyscan {port}{host} >> {}", file.display())
}

struct Parsed<'a> {
    names: &'a str,
    key: PublicKey,
    is_revoked: bool,
}

/// A line about a plain key; `None` for every other one.
fn parse(line: &str) -> Option<Parsed<'_>> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let mut names = words.next()?;
    let is_revoked = names == "@revoked";
    if names.starts_with('@') {
        if !is_revoked {
            return None;
        }
        names = words.next()?;
    }
    let kind = words.next()?;
    let blob = STANDARD.decode(words.next()?).ok()?;
    let key = russh::keys::key::parse_public_key(&blob).ok()?;
    // The word in front of the key must be the one in the key.
    (key.algorithm().as_str() == kind).then_some(Parsed {
        names,
        key,
        is_revoked,
    })
}

/// Whether a list of names is about this host. One name that is excluded decides.
fn matches(names: &str, host: &str) -> bool {
    let mut found = false;
    for name in names.split(',') {
        if let Some(hashed) = name.strip_prefix("|1|") {
            found |= is_hash_of(hashed, host);
        } else if let Some(excluded) = name.strip_prefix('!') {
            if is_like(excluded, host) {
                return false;
            }
        } else {
            found |= is_like(name, host);
        }
    }
    found
}

/// `SALT|HASH`, both in Base64.
fn is_hash_of(hashed: &str, host: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else {
        return false;
    };
    let Ok(mac) = Hmac::<Sha1>::new_from_slice(&salt) else {
        return false;
    };
    mac.chain_update(host).verify_slice(&hash).is_ok()
}

/// Whether a name with `*` and `?` stands for this host. It takes at most as many steps as both are long, multiplied.
fn is_like(pattern: &str, host: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let (pattern, host) = (pattern.as_bytes(), host.as_bytes());
    let (mut at, mut place) = (0, 0);
    // The last `*`, and where the host goes on behind what it stands for.
    let mut star: Option<(usize, usize)> = None;
    while place < host.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(&one) if one == b'?' || one == host[place] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((before, longer)) = star else {
                    return false;
                };
                star = Some((before, longer + 1));
                at = before + 1;
                place = longer + 1;
            }
        }
    }
    pattern[at..].iter().all(|one| *one == b'*')
}

#[cfg(test)]
mod tests;
