//! freezerd.toml(5), and the file itself with every setting commented out.

use freezerd::config::{Key, packaged};

use crate::page::{Page, head};

/// What a setting is where nobody says otherwise.
pub fn default_of(name: &str) -> String {
    packaged()
        .into_iter()
        .find(|(key, _)| key.name == name)
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
    page.paragraph(
        "Lines of `name = value`, in TOML: texts stand in quotes, numbers and `true` and `false` do not; what follows \
         a `#` is a remark. There are no sections. A setting that nobody knows, or a value that it cannot take, is an \
         error with the line it stands on, and nothing starts.",
    );
    page.paragraph(
        "A flag on the command line wins over the environment, the environment over the file, the file over the \
         default. `freezerd config show` prints every setting with its value and where that came from. A change takes \
         effect when freezerd starts anew; `systemctl kill --kill-whom=main --signal=USR1 freezerd` makes it do so as \
         soon as no action runs.",
    );
    page.section("SETTINGS");
    for (key, text) in packaged() {
        let mut about = vec![sentence(&key)];
        about.push(match default(key, &text) {
            Some(text) => format!("Default: `{text}`."),
            None => empty_default(key).to_owned(),
        });
        about.push(format!("`{}`, `{}`", key.flag(), key.variable()));
        page.entry(head(key.name, ""), &about);
    }
    page.paragraph("A duration is a number and a unit, as `90 seconds`, `5 minutes` or `1 hours`.");
    page.section("FILES");
    page.paragraph("`/etc/freezerd/freezerd.toml` for root, `~/.config/freezerd/freezerd.toml` for everybody else.");
    page.section("EXAMPLES");
    page.example("# At most one backup at a time, and time for it to end when the host goes down.\nconcurrent_jobs = 1\nstop_grace = \"10 minutes\"");
    page.see_also(&[
        ("freezerd", "8"),
        ("freezerd-jobs", "5"),
        ("freezerd-config", "8"),
    ]);
    page.render()
}

/// The file that the package installs.
pub fn template() -> String {
    let mut text = String::from(
        "# Settings of freezerd: see freezerd.toml(5). Each stands here with its default, commented out.\n\
         # `freezerd config show` prints what is in effect, and where it came from.\n",
    );
    for (key, value) in packaged() {
        text.push_str(&format!("\n# {}\n", sentence(&key)));
        match default(key, &value) {
            Some(value) => text.push_str(&format!("#{} = {value}\n", key.name)),
            None => text.push_str(&format!(
                "# {}\n#{} = {}\n",
                empty_default(key),
                key.name,
                sample(key)
            )),
        }
    }
    text
}

fn sentence(key: &&Key) -> String {
    if key
        .help
        .split_whitespace()
        .next()
        .is_some_and(|word| word.ends_with(','))
    {
        // A list of words: none of them has a capital.
        return format!("One of {}.", key.help);
    }
    let mut characters = key.help.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

/// The default in TOML; `None` where there is none to be written down.
fn default(key: &Key, text: &str) -> Option<String> {
    match key.name {
        "trusted_owners" if text.is_empty() => Some("[]".to_owned()),
        _ if text.is_empty() => None,
        _ if text == "true" || text == "false" || text.parse::<u64>().is_ok() => {
            Some(text.to_owned())
        }
        _ => Some(format!("{text:?}")),
    }
}

/// What holds where the default cannot be written down.
fn empty_default(key: &Key) -> &'static str {
    match key.name {
        "client_id" => "Default: the host's name.",
        _ => "Default: none.",
    }
}

/// A value for a setting without a default that can be written down.
fn sample(key: &Key) -> &'static str {
    match key.name {
        "client_id" => "\"web1\"",
        _ => "\"\"",
    }
}
