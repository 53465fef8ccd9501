//! freezerd.toml(5), and the file itself with every setting commented out.

use freezerd::config::{Form, Setting, packaged};
use freezerd::job::storage::{StorageKind, storage_keys};
use freezerd::tell::keys::receiver_keys;
use freezerd::tell::kind::ReceiverKind;
use freezerd::tell::message::Kind;

use crate::page::{Page, head};

/// What the file is, and how its values are chosen.
pub const DESCRIPTION: [&str; 2] = [
    "Lines of `name = value`, in TOML: texts are in quotes, numbers and `true` and `false` are not; what follows a `#` is a \
     remark. The only sections are those of storages and of receivers of notices, which come last. An unknown setting, or a value that a setting cannot \
     have, is an error that names the line, and nothing starts.",
    "A flag on the command line overrides the environment, the environment overrides the file, and the file overrides the \
     default. `freezerd config show` prints every setting with its value and where it was set. A change takes effect when \
     freezerd starts again; `systemctl kill --kill-whom=main --signal=USR1 freezerd` makes it do so as soon as no action \
     runs.",
];

/// What a section of a storage is.
pub const STORAGES: &str = "A section `[storage.NAME]` defines a storage that is not on this host. A job uses it with \
     `\"storage\": \"NAME\"`, and gives a name in it as `container`. The name of a storage has letters, digits, `-` and `_`, and is not the word of a kind, such as `s3`. \
     The file contains no password: a storage names where its password is. `freezerd config show` lists the storages, and \
     `freezerd storage test` tries one out.";

/// What a section of a receiver is.
pub const RECEIVERS: &str = "A section `[notify.NAME]` defines a receiver of notices: somebody who is told of failures, or a \
     program that tells others. The name has letters, digits, `-` and `_`. A secret is in a file, in a credential of the \
     service, in a variable of its environment, or is printed by a command, and is read again for each message. `freezerd \
     config show` lists the receivers, and `freezerd notify --test` sends a test message.";

/// The kinds of messages, as a sentence.
pub fn message_kinds() -> String {
    let kinds: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| format!("`{}` ({})", kind.word(), kind.about()))
        .collect();
    format!("The kinds of messages are {}.", kinds.join(", "))
}

/// Parts of a `freezerd.toml`, each with a remark at its beginning.
pub const EXAMPLES: [&str; 11] = [
    "# At most one backup at a time, and time for it to end when the host goes down.\nconcurrent_jobs = 1\nstop_grace = \"10 minutes\"",
    "# During office hours, actions leave the line to others.\nupload_limit = [\"mon-fri 08:00-18:00 2M\", \"20M\"]",
    "# Containers on a server, whose password is a credential of the service.\n[storage.offsite]\nkind = \"rest\"\nendpoint = \"https://backup.example:8000/web1\"\nusername = \"web1\"\npassword_file = \"%d/offsite\"",
    "# Containers in a bucket.\n[storage.bucket]\nkind = \"s3\"\nendpoint = \"https://s3.example:9000\"\nbucket = \"backups\"\naccess_key = \"AKIA5EXAMPLE\"\nsecret_key_command = \"pass show backup/s3\"",
    "# Containers on a server with FTP and TLS.\n[storage.web]\nkind = \"ftps\"\nhost = \"ftp.example\"\nusername = \"web1\"\npassword_file = \"%d/web\"",
    "# Containers in a remote of rclone, whose configuration is encrypted.\n[storage.drive]\nkind = \"rclone\"\nremote = \"drive:backups\"\nconfig_file = \"/etc/freezerd/rclone.conf\"\nconfig_password_file = \"%d/rclone\"",
    "# Containers on a server with SSH. The server must be in known_hosts.\n[storage.nas]\nkind = \"sftp\"\nhost = \"nas.example\"\nusername = \"web1\"\ndirectory = \"/srv/backups\"\nkey_file = \"%d/nas\"",
    "# Containers in Swift. What is not said here comes from OS_USERNAME and other variables.\n[storage.cloud]\nkind = \"swift\"\nauth_url = \"https://cloud.example:5000/v3\"\nproject_name = \"web\"\nusername = \"backup\"\npassword_file = \"/etc/freezerd/cloud\"",
    "# Mail about failures. At night it waits.\n[notify.admin]\ntype = \"mail\"\nhost = \"mail.example\"\nusername = \"web1\"\npassword_file = \"%d/mail\"\nfrom = \"freezerd@web1.example\"\nto = [\"admin@example.org\"]\nquiet_hours = \"22:00-07:00\"",
    "# A channel of Slack.\n[notify.chat]\ntype = \"slack\"\nurl_file = \"/etc/freezerd/slack\"",
    "# A check of healthchecks.io for each job of this host.\n[notify.checks]\ntype = \"ping\"\nurl_file = \"/etc/freezerd/healthchecks\"\nslug = \"{host}-{job}\"\ncreate = true",
];

/// What a setting is where nobody says otherwise.
pub fn default_of(name: &str) -> String {
    packaged()
        .into_iter()
        .find(|(setting, _)| setting.name == name)
        .map(|(_, text)| text)
        .unwrap_or_default()
}

/// The manual page.
pub fn page() -> String {
    let mut page = Page::new(
        "freezerd.toml",
        "5",
        "settings of the backup scheduler freezerd",
    );
    page.section("SYNOPSIS");
    page.paragraph("`/etc/freezerd/freezerd.toml`");
    page.paragraph("`~/.config/freezerd/freezerd.toml`");
    page.section("DESCRIPTION");
    for text in DESCRIPTION {
        page.paragraph(text);
    }
    page.section("SETTINGS");
    for (setting, text) in packaged() {
        let default = default_sentence(setting, &text);
        let names = format!("`{}`, `{}`", setting.flag(), setting.variable());
        page.entry(head(setting.name, ""), &[sentence(setting), default, names]);
    }
    page.paragraph("A duration is a number and a unit, as `90 seconds`, `5 minutes` or `1 hour`. In a path, `~` and variables are not expanded, and are refused.");
    page.section("STORAGES");
    page.paragraph(STORAGES);
    for key in storage_keys() {
        let named = StorageKind::ALL.len() - 1;
        let mut about = vec![key.about.to_owned()];
        if key.kinds.len() < named {
            let kinds: Vec<String> = key
                .kinds
                .iter()
                .map(|kind| format!("`{}`", kind.word()))
                .collect();
            about.push(format!("Kinds: {}.", kinds.join(", ")));
        }
        page.entry(head(key.name, key.value), &about);
    }
    page.section("RECEIVERS");
    page.paragraph(RECEIVERS);
    page.paragraph("`/usr/share/doc/freezerd/notices.md` describes what each receiver gets.");
    page.paragraph(&message_kinds());
    for key in receiver_keys() {
        let mut about = vec![key.about.to_owned()];
        if key.kinds.len() < ReceiverKind::ALL.len() {
            let kinds: Vec<String> = key
                .kinds
                .iter()
                .map(|kind| format!("`{}`", kind.word()))
                .collect();
            about.push(format!("Types: {}.", kinds.join(", ")));
        }
        page.entry(head(key.name, key.value), &about);
    }
    page.section("FILES");
    page.paragraph("`/etc/freezerd/freezerd.toml` for root, `~/.config/freezerd/freezerd.toml` for everybody else.");
    page.section("EXAMPLES");
    for example in EXAMPLES {
        page.example(example);
    }
    page.see_also(&[
        ("freezerd", "8"),
        ("freezerd-jobs", "5"),
        ("freezerd-config", "8"),
        ("freezerd-notify", "8"),
    ]);
    page.render()
}

/// The file that the package installs.
pub fn template() -> String {
    let mut text = String::from(
        "# Settings of freezerd: see freezerd.toml(5). Each stands here with its default, commented out.\n\
         # `freezerd config show` prints what is in effect, and where it came from.\n",
    );
    for (setting, value) in packaged() {
        text.push_str(&format!("\n# {}\n", sentence(setting)));
        if let Some(words) = setting.default_in_words {
            text.push_str(&format!("# Default: {words}.\n"));
        }
        let value = match is_written(setting, &value) {
            true => value,
            false => setting.example.to_owned(),
        };
        text.push_str(&format!(
            "#{} = {}\n",
            setting.name,
            literal(setting, &value)
        ));
    }
    text.push_str(
        "\n# A storage away from this host, which jobs name as `\"storage\": \"offsite\"`. Sections come last.\n\
         #[storage.offsite]\n\
         #kind = \"rest\"\n\
         #endpoint = \"https://backup.example:8000/web1\"\n\
         #username = \"web1\"\n\
         #password_file = \"/etc/freezerd/offsite\"\n\
         \n# Somebody who is told of failures. `freezerd notify --test` sends a test message.\n\
         #[notify.admin]\n\
         #type = \"sendmail\"\n\
         #from = \"freezerd@web1.example\"\n\
         #to = [\"admin@example.org\"]\n",
    );
    text
}

/// Says what the default is. `text` is the default itself.
pub fn default_sentence(setting: &Setting, text: &str) -> String {
    match (is_written(setting, text), setting.default_in_words) {
        (true, Some(words)) => format!("Default: `{}`, {words}.", literal(setting, text)),
        (true, None) => format!("Default: `{}`.", literal(setting, text)),
        (false, Some(words)) => format!("Default: {words}."),
        (false, None) => "Default: none.".to_owned(),
    }
}

/// The meaning of a setting, as a sentence.
pub fn sentence(setting: &Setting) -> String {
    format!("{}.", setting.meaning())
}

/// Whether a default can be written down in `freezerd.toml`.
fn is_written(setting: &Setting, text: &str) -> bool {
    !text.is_empty() || setting.form == Form::List
}

/// A value in TOML.
pub fn literal(setting: &Setting, text: &str) -> String {
    match setting.form {
        Form::Text | Form::Word => format!("{text:?}"),
        Form::Number | Form::Switch => text.to_owned(),
        Form::List => format!("[{text}]"),
    }
}
