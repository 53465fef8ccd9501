//! Which storage an action names: this host, one of `freezerd.toml`, or one that the action describes itself.

use super::codes;
use super::decode::Field;
use super::diagnostic::{Diagnostic, quoted};
use super::json::Value;
use super::keys::suggested_word;
use super::storage::{Exposure, NOT_SUPPORTED, NamedStorage, StorageKind};
use super::values::ValueReader;

/// What the key `storage` names.
#[derive(Clone, Copy, Debug)]
pub enum NamedPlace<'h> {
    Local,
    Named(&'h NamedStorage),
    /// The action describes it itself.
    InJob(StorageKind),
}

/// The kinds that an action can describe itself.
const IN_JOB: [StorageKind; 5] = [
    StorageKind::Ftp,
    StorageKind::Ftps,
    StorageKind::S3,
    StorageKind::Sftp,
    StorageKind::Swift,
];

impl<'h> ValueReader<'h> {
    /// The storage that the key names; `None` if there is no such storage, or this version does not support it.
    pub fn storage(&mut self, field: Option<Field<'_>>) -> Option<NamedPlace<'h>> {
        // An empty text, which a template may leave, does not stand for this host: the backup would stay here.
        let is_empty =
            |value: &Value| matches!(value, Value::Text(text) if text.content.trim().is_empty());
        let field = field.filter(|field| is_empty(&field.node.value) || !field.node.is_unset());
        let Some(field) = field else {
            return Some(NamedPlace::Local);
        };
        let Value::Text(text) = &field.node.value else {
            self.wrong_type(&field, "a word", "`local`, or the name of a storage");
            return None;
        };
        let written = text.content.trim();
        if written == StorageKind::Local.word() {
            return Some(NamedPlace::Local);
        }
        if let Some(storage) = self.host.storages.get(written) {
            return Some(NamedPlace::Named(storage));
        }
        if let Some(kind) = StorageKind::of_word(written)
            && IN_JOB.contains(&kind)
        {
            return Some(NamedPlace::InJob(kind));
        }
        let fault = if written.is_empty() {
            Diagnostic::error(codes::UNKNOWN_STORAGE, "the storage has no name")
                .label("empty")
                .help("name a storage; or remove the key, or write `\"storage\": \"local\"`, if the container is on this host")
        } else if NOT_SUPPORTED.contains(&written) {
            let message = format!(
                "this version does not support the storage {}",
                quoted(written)
            );
            Diagnostic::error(codes::UNSUPPORTED_STORAGE, message)
                .label("not in this version")
                .help(
                    "write `\"storage\": \"local\"`, with a directory of this host as `container`; it may be on a \
                     mounted file system. Or name a storage that `freezerd.toml` defines",
                )
        } else if StorageKind::of_word(written).is_some() {
            is_a_kind(written)
        } else {
            let names: Vec<&str> = std::iter::once(StorageKind::Local.word())
                .chain(self.host.storages.keys().map(String::as_str))
                .collect();
            let fault = Diagnostic::error(
                codes::UNKNOWN_STORAGE,
                format!("there is no storage {}", quoted(written)),
            )
            .label("unknown storage");
            match suggested_word(written, names.iter().copied()) {
                Some(suggestion) => fault.help(format!("did you mean `{suggestion}`?")),
                None => fault.help(format!(
                    "`freezerd.toml` defines storages in sections such as `[storage.offsite]`; here are: {}",
                    names.join(", ")
                )),
            }
        };
        self.report(fault.at(field.node.span.clone()));
        None
    }

    /// As [`ValueReader::storage`], where no other keys can describe the storage.
    pub fn defined_storage(&mut self, field: Option<Field<'_>>) -> Option<NamedPlace<'h>> {
        match (self.storage(field), field) {
            (Some(NamedPlace::InJob(kind)), Some(field)) => {
                self.report(is_a_kind(kind.word()).at(field.node.span.clone()));
                None
            }
            (place, _) => place,
        }
    }

    /// Warns where somebody on the way to the server can read its password.
    pub(super) fn warn_of_listeners(&mut self, field: Option<Field<'_>>, storage: &NamedStorage) {
        let fault = match storage.exposure() {
            None => return,
            Some(Exposure::Password) => Diagnostic::warning(
                codes::INSECURE_STORAGE,
                "the password of the storage goes over the network as it is",
            )
            .label("the connection to it is not encrypted")
            .help(match storage.place.kind() {
                StorageKind::Ftp => {
                    "use the kind `ftps`, if the server knows TLS; `ca_file` names a certificate of your own. The backup itself \
                     is encrypted"
                }
                _ => "write `https://`, if the server knows TLS; `ca_file` names a certificate of your own",
            }),
            Some(Exposure::Server) => Diagnostic::warning(
                codes::INSECURE_STORAGE,
                "the certificate of the storage is not checked",
            )
            .label("it has `insecure`")
            .help("name the certificate that you trust with `ca_file`, and remove `insecure`"),
        };
        if let Some(field) = field {
            self.report(fault.at(field.node.span.clone()));
        }
    }
}

/// A word for a kind stands where a name does.
fn is_a_kind(written: &str) -> Diagnostic {
    let message = format!(
        "{} is a kind of storage, and this key takes the name of a storage",
        quoted(written)
    );
    Diagnostic::error(codes::UNKNOWN_STORAGE, message)
        .label("not the name of a storage")
        .help(format!(
            "define it in `freezerd.toml`: `[storage.offsite]` with `kind = \"{written}\"`, and write `offsite` here"
        ))
}
