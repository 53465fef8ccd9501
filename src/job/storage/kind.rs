//! The kinds of storage: one row for each.
//!
//! The words in job files and in `freezerd.toml`, the keys of a named storage and the lists in messages come from here.
//! `location/` says where a container of the kind is, and `agent/reach/` opens it: each is a `match` that does not
//! compile without the new kind.

struct Row {
    word: &'static str,
    /// Other words for it, Freezer's among them.
    also: &'static [&'static str],
    /// What the kind is, for lists of words: a clause.
    about: &'static str,
}

/// Makes the kinds from their rows.
macro_rules! storage_kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $row:expr;)*) => {
        /// A kind of storage.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StorageKind {
            $($(#[doc = $doc])* $kind,)*
        }

        impl StorageKind {
            /// Every kind that works.
            pub const ALL: &'static [StorageKind] = &[$(StorageKind::$kind),*];

            const fn row(self) -> Row {
                match self {
                    $(StorageKind::$kind => $row,)*
                }
            }
        }
    };
}

storage_kinds! {
    /// A directory of this host. It needs no definition.
    Local = Row {
        word: "local",
        also: &[],
        about: "a directory of this host",
    };
    /// A server that speaks FTP, without TLS.
    Ftp = Row {
        word: "ftp",
        also: &[],
        about: "a server that speaks FTP, which does not protect the password",
    };
    /// A server that speaks FTP with TLS.
    Ftps = Row {
        word: "ftps",
        also: &[],
        about: "a server that speaks FTP with TLS",
    };
    /// One of the many places that the program rclone reaches.
    Rclone = Row {
        word: "rclone",
        also: &[],
        about: "a remote of the program rclone, which reaches many kinds of servers and services",
    };
    /// A server that speaks restic's REST protocol.
    Rest = Row {
        word: "rest",
        also: &[],
        about: "a server that speaks restic's REST protocol, such as `rest-server`, or `rclone serve restic`",
    };
    /// Amazon S3, or a server that speaks its protocol.
    S3 = Row {
        word: "s3",
        also: &[],
        about: "a bucket of Amazon S3, or of a server that speaks its protocol, such as Ceph, MinIO or SeaweedFS",
    };
    /// A server that speaks SFTP, the file transfer of SSH.
    Sftp = Row {
        word: "sftp",
        also: &["ssh"],
        about: "a server that speaks SFTP, the file transfer of SSH",
    };
    /// OpenStack Swift, with Keystone.
    Swift = Row {
        word: "swift",
        also: &[],
        about: "a container of OpenStack Swift, or of a server that speaks its protocol",
    };
}

/// The storages that Freezer or restic has and this version does not support.
pub const NOT_SUPPORTED: [&str; 4] = ["azure", "gs", "gcs", "b2"];

impl StorageKind {
    /// The word in job files and in `freezerd.toml`.
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// What the kind is, as a clause.
    pub const fn about(self) -> &'static str {
        self.row().about
    }

    /// The kind that a word names.
    pub fn of_word(word: &str) -> Option<StorageKind> {
        StorageKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.word() == word || kind.row().also.contains(&word))
    }
}

/// Whether a named storage cannot have this name, because it is the word of a kind.
pub fn is_reserved(name: &str) -> bool {
    StorageKind::of_word(name).is_some() || NOT_SUPPORTED.contains(&name)
}
