//! `freezerd config show`: every setting, its value, and the origin of the value.

use serde_json::{Map, Value, json};

use super::exit::{Exit, Failure};
use super::output;
use super::table::Table;
use crate::config::{Origin, Settings};
use crate::job::rate_limit::RateLimit;
use crate::limits::{self, NoEffect};
use crate::schedule::zone::inverted;

/// Show the settings
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the value in effect of each setting, and where it comes from
    ///
    /// A flag has precedence over an environment variable (FREEZERD_ and the name of the setting in capitals), the
    /// variable over freezerd.toml, and freezerd.toml over the default.
    #[command(after_help = "Example: freezerd config show --state-dir /srv/freezerd")]
    Show {
        /// Print the settings as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Args {
    /// True if the subcommand is to print JSON.
    pub fn wants_json(&self) -> bool {
        let Command::Show { json } = self.command;
        json
    }
}

/// Runs `freezerd config`.
pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let zone = settings.zone();
    if args.wants_json() {
        let mut object = Map::new();
        for chosen in &settings.chosen {
            object.insert(
                chosen.setting.name.to_owned(),
                json!({"value": chosen.text, "origin": chosen.origin}),
            );
        }
        let without_effect: Vec<String> = limits::unavailable(settings.limits())
            .iter()
            .map(NoEffect::to_string)
            .collect();
        let zone = json!({"name": zone.name(), "source": zone.source()});
        let storages: Map<String, Value> = storages(settings)
            .map(|(name, origin, shown)| {
                (name.clone(), json!({"keys": keys(shown), "origin": origin}))
            })
            .collect();
        let receivers: Map<String, Value> = settings
            .receivers
            .iter()
            .map(|(receiver, origin)| {
                let keys = keys(&receiver.shown);
                (
                    receiver.name.clone(),
                    json!({"keys": keys, "origin": origin}),
                )
            })
            .collect();
        output::json(&json!({
            "settings": Value::Object(object), "storages": storages, "receivers": receivers, "zone_in_use": zone,
            "limits_without_effect": without_effect,
        }));
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["SETTING", "VALUE", "FROM", "MEANING"]);
    for chosen in &settings.chosen {
        table.row(vec![
            chosen.setting.name.to_owned(),
            if chosen.text.is_empty() {
                "–".to_owned()
            } else {
                chosen.text.clone()
            },
            chosen.origin.to_string(),
            chosen.setting.help.to_owned(),
        ]);
    }
    table.print();
    for (name, origin, keys) in storages(settings) {
        println!();
        println!("Storage {name} ({origin}):");
        for (key, value) in keys {
            println!("  {key} = {value}");
        }
    }
    for (receiver, origin) in &settings.receivers {
        println!();
        println!("Receiver {} ({origin}):", receiver.name);
        for (key, value) in &receiver.shown {
            println!("  {key} = {value}");
        }
    }
    println!();
    let bandwidth = settings.bandwidth();
    for (name, limit) in [
        ("Upload limit", bandwidth.upload),
        ("Download limit", bandwidth.download),
    ] {
        if let Some(limit) = limit.filter(RateLimit::has_times) {
            println!("{name}: {}", limit.in_words());
        }
    }
    println!("Time zone in use: {} ({})", zone.name(), zone.source());
    if let Some((what, _)) = inverted(zone.name()) {
        println!("Note: this zone is {what} Greenwich: its sign is the other way round.");
    }
    for what in limits::unavailable(settings.limits()) {
        println!("Note: {what}.");
    }
    Ok(Exit::Success)
}

fn keys(shown: &[(&'static str, String)]) -> Map<String, Value> {
    let keys = shown.iter();
    keys.map(|(key, value)| ((*key).to_owned(), value.as_str().into()))
        .collect()
}

/// The named storages: the name, where it is defined, and its keys without secrets.
fn storages(
    settings: &Settings,
) -> impl Iterator<Item = (&String, &Origin, &[(&'static str, String)])> {
    settings
        .storages
        .iter()
        .zip(&settings.storage_origins)
        .map(|((name, storage), origin)| (name, origin, storage.shown.as_slice()))
}
