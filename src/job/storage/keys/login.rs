//! Who asks the server: users, keys and their secrets.

use super::{S3, SFTP, SWIFT, StorageKey, WITH_PASSWORD, key};

pub(super) const KEYS: &[StorageKey] = &[
    key(
        "access_key",
        S3,
        "word",
        "The id of the key, which is not secret. Without it, `profile` and `credentials_file`, the environment \
         (`AWS_ACCESS_KEY_ID` and others), a web identity, `~/.aws/credentials`, and the role of the container or of \
         the machine are tried, in this order.",
    ),
    key(
        "secret_key_file",
        S3,
        "path",
        "A file that holds the secret key of the access key. It is read as `password_file` is.",
    ),
    key(
        "secret_key_command",
        S3,
        "text, or list of words",
        "A command that prints the secret key. It is run as `password_command` is.",
    ),
    key(
        "secret_key_env",
        S3,
        "name",
        "The variable of the environment of the service that holds the secret key.",
    ),
    key(
        "session_token_file",
        S3,
        "path",
        "A file that holds the session token of keys that end soon. When the server says that they have ended, the \
         secret key and the token are read again.",
    ),
    key(
        "session_token_command",
        S3,
        "text, or list of words",
        "A command that prints the session token.",
    ),
    key(
        "session_token_env",
        S3,
        "name",
        "The variable of the environment of the service that holds the session token.",
    ),
    key(
        "profile",
        S3,
        "text",
        "The section of the file with credentials. Default: `default`.",
    ),
    key(
        "credentials_file",
        S3,
        "path",
        "A file with credentials, in the format of `~/.aws/credentials`, which is the default.",
    ),
    key(
        "username",
        WITH_PASSWORD,
        "text",
        "The user at the server. `ftp`, `ftps` and `sftp` need one. Default for `swift`: `OS_USERNAME` of the environment.",
    ),
    key(
        "user_domain_name",
        SWIFT,
        "text",
        "The domain of the user. Default: the one that the environment names (`OS_USER_DOMAIN_NAME`), or the one with \
         the id `default`.",
    ),
    key(
        "user_domain_id",
        SWIFT,
        "text",
        "The id of the domain of the user, in place of its name.",
    ),
    key(
        "password_file",
        WITH_PASSWORD,
        "path",
        "A file that holds the password of the user. White space at its ends is not a part of the password. `%d/NAME` is \
         a credential that systemd gives to the service (`LoadCredential=NAME:FILE`).",
    ),
    key(
        "password_command",
        WITH_PASSWORD,
        "text, or list of words",
        "A command that prints the password. `/bin/sh -c` runs a text. It runs once for each action, and has a minute.",
    ),
    key(
        "password_env",
        WITH_PASSWORD,
        "name",
        "The variable of the environment of the service that holds the password.",
    ),
    key(
        "key_file",
        SFTP,
        "path",
        "The secret key of SSH to log in with. `%d/NAME` is a credential that systemd gives to the service. Default: \
         `id_ed25519`, `id_ecdsa` and `id_rsa` in `~/.ssh`, if the storage has no password and no `ssh_agent`.",
    ),
    key(
        "key_password_file",
        SFTP,
        "path",
        "A file that holds the passphrase of the secret key, as `password_file` does.",
    ),
    key(
        "key_password_command",
        SFTP,
        "text, or list of words",
        "A command that prints the passphrase of the secret key, as `password_command` does.",
    ),
    key(
        "key_password_env",
        SFTP,
        "name",
        "The variable of the environment of the service that holds the passphrase of the secret key.",
    ),
    key(
        "ssh_agent",
        SFTP,
        "true or false",
        "Log in with the keys of the SSH agent whose socket is in `SSH_AUTH_SOCK`, in the environment of the service. \
         Default: `false`.",
    ),
    key(
        "known_hosts",
        SFTP,
        "path",
        "A file with the keys by which servers are known, as `ssh` has it. A server that is not in it is refused. Default: \
         `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`.",
    ),
    key(
        "osrc",
        SWIFT,
        "path",
        "A file with variables of OpenStack, such as `export OS_USERNAME=backup`, that take the place of the environment of \
         the service. No shell runs: a line that is not an assignment of a text is left out, with a warning. `%d/NAME` is a \
         credential that systemd gives to the service.",
    ),
    key(
        "application_credential_id",
        SWIFT,
        "text",
        "The id of an application credential, in place of a user and a password. Default, if the storage names no user: \
         `OS_APPLICATION_CREDENTIAL_ID` of the environment.",
    ),
    key(
        "application_credential_name",
        SWIFT,
        "text",
        "The name of an application credential of `username`, in place of its id.",
    ),
    key(
        "application_credential_secret_file",
        SWIFT,
        "path",
        "A file that holds the secret of the application credential. It is read as `password_file` is.",
    ),
    key(
        "application_credential_secret_command",
        SWIFT,
        "text, or list of words",
        "A command that prints the secret. It is run as `password_command` is.",
    ),
    key(
        "application_credential_secret_env",
        SWIFT,
        "name",
        "The variable of the environment of the service that holds the secret.",
    ),
];
