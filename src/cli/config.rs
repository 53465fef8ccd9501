//! `freezerd config show`: every setting, its value, and the origin of the value.

use serde_json::{Map, Value, json};

use super::exit::{Exit, Failure};
use super::table::Table;
use crate::config::{KEYS, Settings};
use crate::limits::{self, NoEffect};

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
    pub fn wants_json(&self) -> bool {
        let Command::Show { json } = self.command;
        json
    }
}

pub fn run(settings: &Settings, args: &Args) -> Result<Exit, Failure> {
    let zone = settings.zone();
    if args.wants_json() {
        let mut object = Map::new();
        for line in &settings.effective {
            object.insert(
                line.key.to_owned(),
                json!({"value": line.value, "origin": line.origin}),
            );
        }
        let without_effect: Vec<String> = limits::unavailable(settings.limits)
            .iter()
            .map(NoEffect::to_string)
            .collect();
        let zone = json!({"name": zone.name(), "source": zone.source()});
        println!(
            "{:#}",
            json!({
                "settings": Value::Object(object), "zone_in_use": zone, "limits_without_effect": without_effect,
            })
        );
        return Ok(Exit::Success);
    }
    let mut table = Table::new(&["SETTING", "VALUE", "FROM", "MEANING"]);
    for line in &settings.effective {
        let help = KEYS
            .iter()
            .find(|key| key.name == line.key)
            .map_or("", |key| key.help);
        table.row(vec![
            line.key.to_owned(),
            if line.value.is_empty() {
                "–".to_owned()
            } else {
                line.value.clone()
            },
            line.origin.to_string(),
            help.to_owned(),
        ]);
    }
    table.print();
    println!("\nTime zone in use: {} ({})", zone.name(), zone.source());
    for what in limits::unavailable(settings.limits) {
        println!("Note: {what}.");
    }
    Ok(Exit::Success)
}
