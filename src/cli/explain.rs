//! `freezerd explain`: explains the error codes of job files.

use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::output;
use super::table::Table;
use crate::job::{codes, explain};

/// Explain an error code of a job file, with a faulty and a corrected example
///
/// Without CODE the command lists all codes, one on each line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: freezerd explain unknown-key")]
pub struct Args {
    /// The code that `freezerd check` prints in brackets after `error` or `warning`
    code: Option<String>,
    /// Print the explanation as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs `freezerd explain`.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let Some(name) = &args.code else {
        return Ok(all(args.json));
    };
    let Some(code) = codes::find(name) else {
        let hint = codes::suggestion(name).map_or_else(
            || "`freezerd explain` lists all codes".to_owned(),
            |code| format!("did you mean {code}?"),
        );
        return Err(Failure::new(
            Exit::NotFound,
            format!("there is no code {name}; {hint}"),
        ));
    };
    if args.json {
        output::json(&as_json(code));
    } else {
        print!("{}", explain(code));
    }
    Ok(Exit::Success)
}

fn all(as_data: bool) -> Exit {
    if as_data {
        let codes: Vec<Value> = codes::all().map(as_json).collect();
        output::json(&json!({"codes": codes}));
        return Exit::Success;
    }
    let mut table = Table::new(&["CODE", "MEANING"]);
    for code in codes::all() {
        table.row(vec![code.name.to_owned(), code.title.to_owned()]);
    }
    table.print();
    Exit::Success
}

fn as_json(code: &codes::Code) -> Value {
    let (before, after) = code.example.files().unzip();
    json!({
        "code": code.name,
        "title": code.title,
        "story": code.story,
        "before": before,
        "after": after,
    })
}
