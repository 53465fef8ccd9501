//! What can be seen of the receivers without sending anything: secrets, programs, and what is not safe.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::{Origin, Settings};
use crate::os;
use crate::tell::channel::Channel;
use crate::tell::receiver::{Receiver, Weakness};

/// What a section of `freezerd.toml` defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Receiver,
    Storage,
}

impl Of {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Of::Receiver => "receiver",
            Of::Storage => "storage",
        }
    }
}

/// What is wrong with a receiver or a storage.
pub struct Found {
    pub of: Of,
    pub name: String,
    /// Where it is defined.
    pub origin: Origin,
    /// Whether it cannot be used because of it.
    pub is_broken: bool,
    /// A clause about it.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What is wrong with each receiver, in the order of their names. It runs no command.
pub fn look(settings: &Settings) -> Vec<Found> {
    let all = settings.receivers.iter();
    all.flat_map(|(receiver, origin)| {
        let found = broken(receiver).into_iter();
        found
            .map(|(message, help)| (true, message, help))
            .chain(weak(receiver).map(|(message, help)| (false, message, help)))
            .map(|(is_broken, message, help)| Found {
                of: Of::Receiver,
                name: receiver.name.clone(),
                origin: origin.clone(),
                is_broken,
                message,
                help,
            })
            .collect::<Vec<Found>>()
    })
    .collect()
}

fn broken(receiver: &Receiver) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, secret) in receiver.channel.secrets() {
        if secret.is_printed() {
            continue;
        }
        if let Err(error) = secret.read(&|_| ()) {
            let help = format!(
                "correct `{key}_file` or `{key}_env` of [notify.{}]; what only the service has, as a credential or a \
                 variable, this command does not see",
                receiver.name
            );
            found.push((format!("`{key}`: {error}"), help));
        }
    }
    if let Some(path) = &receiver.ca_file
        && let Err(error) = std::fs::File::open(path)
    {
        found.push((
            format!("`ca_file`: {}: {}", path.display(), os::reason(&error)),
            "name a file with certificates in PEM format".to_owned(),
        ));
    }
    let program = match &receiver.channel {
        Channel::Command(words) => words.first(),
        Channel::Sendmail(sendmail) => Some(&sendmail.program),
        _ => None,
    };
    if let Some(why) = program.and_then(|program| not_a_program(program)) {
        found.push((
            why,
            "correct the path of the program, or install it".to_owned(),
        ));
    }
    found
}

/// What is wrong with the path of a program. A name is looked for in the `PATH` of the service, which is not known here.
fn not_a_program(program: &str) -> Option<String> {
    if !program.contains('/') {
        return None;
    }
    match std::fs::metadata(program) {
        Err(error) => Some(format!("the program {program}: {}", os::reason(&error))),
        Ok(file) if !file.is_file() || file.permissions().mode() & 0o111 == 0 => {
            Some(format!("{program} is not a program that can be run"))
        }
        Ok(_) => None,
    }
}

/// What to say of a file with a secret that everybody can read, and the correction.
pub fn open_to_all(path: &Path) -> Option<(String, String)> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o007 != 0).then(|| {
        let path = path.display();
        (
            format!("everybody can read {path} (mode {mode:04o})"),
            format!("`chmod 600 {path}`"),
        )
    })
}

fn weak(receiver: &Receiver) -> impl Iterator<Item = (String, String)> {
    let weaknesses = receiver.weaknesses().into_iter();
    let secrets = receiver.channel.secrets().into_iter();
    let open = secrets.filter_map(|(_, secret)| open_to_all(secret.file()?));
    let others = weaknesses.map(|weakness| match weakness {
        Weakness::WrittenSecret(key) => (
            format!("`{key}` holds a secret, and whoever reads freezerd.toml or a copy of it has that, too"),
            format!(
                "write it to a file of its own (chmod 600), and name that file with `{key}_file`"
            ),
        ),
        Weakness::NotEncrypted => (
            "what is sent is not encrypted: everybody on the way can read it".to_owned(),
            "use an address that begins with https://, or `tls = \"tls\"` of a mail server"
                .to_owned(),
        ),
    });
    others.chain(open)
}
