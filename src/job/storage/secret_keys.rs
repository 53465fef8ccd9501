//! The secrets of a storage, and the keys that say where each is.

/// The keys of one secret: it is in a file, printed by a command, or in the environment.
#[derive(Clone, Copy, Debug)]
pub struct SecretKeys {
    /// The name of the secret itself. It is no key: no secret is written into a file that others can read.
    pub name: &'static str,
    pub file: &'static str,
    pub command: &'static str,
    pub variable: &'static str,
}

/// The password of the user at the server.
pub const PASSWORD: SecretKeys = SecretKeys {
    name: "password",
    file: "password_file",
    command: "password_command",
    variable: "password_env",
};

/// The secret that belongs to an access key of S3.
pub const SECRET_KEY: SecretKeys = SecretKeys {
    name: "secret_key",
    file: "secret_key_file",
    command: "secret_key_command",
    variable: "secret_key_env",
};

/// The token that belongs to keys of S3 that end soon.
pub const SESSION_TOKEN: SecretKeys = SecretKeys {
    name: "session_token",
    file: "session_token_file",
    command: "session_token_command",
    variable: "session_token_env",
};

/// The passphrase of a secret key of SSH.
pub const KEY_PASSWORD: SecretKeys = SecretKeys {
    name: "key_password",
    file: "key_password_file",
    command: "key_password_command",
    variable: "key_password_env",
};

/// The secret that belongs to an application credential of Keystone.
pub const APPLICATION_CREDENTIAL: SecretKeys = SecretKeys {
    name: "application_credential_secret",
    file: "application_credential_secret_file",
    command: "application_credential_secret_command",
    variable: "application_credential_secret_env",
};

/// The password of rclone's configuration.
pub const CONFIG_PASSWORD: SecretKeys = SecretKeys {
    name: "config_password",
    file: "config_password_file",
    command: "config_password_command",
    variable: "config_password_env",
};

/// Every secret.
pub static SECRETS: [SecretKeys; 6] = [
    CONFIG_PASSWORD,
    PASSWORD,
    SECRET_KEY,
    SESSION_TOKEN,
    KEY_PASSWORD,
    APPLICATION_CREDENTIAL,
];
