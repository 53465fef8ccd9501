//! `freezerd notify --test`: one message to each receiver, all at the same time.

use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::{Value, json};

use super::words::advice;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::config::Settings;
use crate::escape::harmless;
use crate::tell::message::{Kind, Message};
use crate::tell::receiver::Receiver;
use crate::tell::send::{SendError, send};
use crate::units;

/// What came of it.
struct Tried<'a> {
    receiver: &'a Receiver,
    result: Result<(), SendError>,
    took: Duration,
}

/// Sends to the receivers of these names, or to all.
pub(super) fn run(settings: &Settings, names: &[String], as_json: bool) -> Result<Exit, Failure> {
    let receivers = chosen(settings, names)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, crate::os::reason(&error)))?;
    let host = settings.job_host().host_name;
    let at = settings.zone().to_local(Utc::now());
    let tried: Vec<Tried<'_>> = runtime.block_on(async {
        let began: Vec<_> = receivers
            .into_iter()
            .map(|receiver| {
                let message = Message {
                    id: 0,
                    at,
                    host: host.clone(),
                    job: None,
                    run: None,
                    kind: Kind::Test,
                    subject: format!("Test message from freezerd on {host}"),
                    text: format!(
                        "Nothing has happened. Somebody tries out the receiver {} of freezerd on {host}, and it works.",
                        receiver.name
                    ),
                    log: None,
                };
                let own = receiver.clone();
                let sent = tokio::spawn(async move {
                    let began = Instant::now();
                    (send(&own, &message).await, began.elapsed())
                });
                (receiver, sent)
            })
            .collect();
        let mut tried = Vec::new();
        for (receiver, sent) in began {
            let (result, took) = sent
                .await
                .unwrap_or((Err(SendError::Internal), Duration::ZERO));
            tried.push(Tried {
                receiver,
                result,
                took,
            });
        }
        tried
    });
    // A receiver that is given up may still hold a thread.
    runtime.shutdown_background();
    match as_json {
        true => {
            let receivers: Vec<Value> = tried.iter().map(to_json).collect();
            output::json(&json!({ "receivers": receivers }));
        }
        false => tried.iter().for_each(print),
    }
    Ok(match tried.iter().all(|it| it.result.is_ok()) {
        true => Exit::Success,
        false => Exit::RunFailed,
    })
}

/// The receivers with these names, or all.
pub(super) fn chosen<'a>(
    settings: &'a Settings,
    names: &[String],
) -> Result<Vec<&'a Receiver>, Failure> {
    let all = settings.receivers.iter().map(|(receiver, _)| receiver);
    if settings.receivers.is_empty() {
        return Err(Failure::new(
            Exit::NotFound,
            "there are no receivers; a section `[notify.NAME]` in freezerd.toml defines one",
        ));
    }
    for name in names {
        if !all.clone().any(|receiver| receiver.name == *name) {
            let known: Vec<&str> = all.map(|receiver| receiver.name.as_str()).collect();
            return Err(Failure::new(
                Exit::NotFound,
                format!(
                    "{}: there is no such receiver; freezerd.toml has {}",
                    harmless(name),
                    known.join(", ")
                ),
            ));
        }
    }
    Ok(all
        .filter(|receiver| names.is_empty() || names.contains(&receiver.name))
        .collect())
}

fn print(tried: &Tried<'_>) {
    let receiver = tried.receiver;
    let kind = receiver.channel.kind().word();
    match &tried.result {
        Ok(()) => println!(
            "ok      {} ({kind}): accepted within {}",
            receiver.name,
            units::duration(tried.took)
        ),
        Err(error) => {
            println!("failed  {} ({kind}): {error}", receiver.name);
            if let Some(advice) = advice(error) {
                println!("        → {advice}");
            }
        }
    }
}

fn to_json(tried: &Tried<'_>) -> Value {
    let error = tried.result.as_ref().err();
    json!({
        "receiver": tried.receiver.name,
        "type": tried.receiver.channel.kind().word(),
        "accepted": error.is_none(),
        "seconds": tried.took.as_secs_f64(),
        "error": error.map(|error| json!({
            "class": error.class().word(),
            "message": error.to_string(),
            "advice": advice(error),
            "retry_after": error.retry_after().map(|wait| wait.as_secs()),
        })),
    })
}
