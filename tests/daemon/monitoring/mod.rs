//! What monitoring sees: `freezerd status`, and the files in `metrics_dir`.

mod files;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::harness::Host;

/// Every sample, by its name and labels as they are written. Panics at anything that Prometheus would refuse.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let name = regex_lite::Regex::new(r"^[a-z][a-z0-9_]*$").expect("a pattern");
    let sample = regex_lite::Regex::new(
        r#"^([a-z][a-z0-9_]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (\S+)$"#,
    )
    .expect("a pattern");
    assert!(text.ends_with('\n'), "the last line has an end");
    let mut families = BTreeSet::new();
    let mut helped = String::new();
    let mut family = (String::new(), String::new());
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (metric, words) = help.split_once(' ').expect("a help text");
            assert!(name.is_match(metric) && !words.is_empty(), "{line}");
            assert!(families.insert(metric.to_owned()), "twice: {metric}");
            metric.clone_into(&mut helped);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (metric, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(metric, helped, "the type follows the help");
            assert!(matches!(kind, "gauge" | "counter"), "{line}");
            assert_eq!(kind == "counter", metric.ends_with("_total"), "{line}");
            family = (metric.to_owned(), kind.to_owned());
        } else {
            let parts = sample.captures(line).unwrap_or_else(|| panic!("{line:?}"));
            assert_eq!(&parts[1], family.0, "a sample stands under its type");
            let value: f64 = parts[3].parse().expect("a number");
            let series = line.rsplit_once(' ').expect("a value").0.to_owned();
            assert!(found.insert(series, value).is_none(), "twice: {line}");
        }
    }
    found
}

fn metrics(host: &Host) -> BTreeMap<String, f64> {
    samples(&host.read("metrics/freezerd.prom"))
}

fn of(samples: &BTreeMap<String, f64>, series: &str) -> f64 {
    *samples
        .get(series)
        .unwrap_or_else(|| panic!("no {series} in {samples:#?}"))
}

fn shown(host: &Host) -> Value {
    serde_json::from_str(&host.read("metrics/status.json")).expect("JSON")
}

fn with_metrics() -> Host {
    let host = Host::new();
    let dir = host.path("metrics");
    host.env("FREEZERD_METRICS_DIR", dir.to_str().expect("a plain path"))
}
