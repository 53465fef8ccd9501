//! Documents made by chance: whatever is in a file, it is judged, and its faults can be shown.
//!
//! The same checks run under `cargo fuzz`, see `fuzz/`.

use freezerd::job::render::{Look, locate, render_all};
use freezerd::job::{codes, parse};

use crate::support::{Dice, host};

/// What holds for every file.
fn judge(bytes: &[u8]) {
    let parsed = parse(bytes, "nightly.json", &host());
    let failed = parsed.diagnostics.iter().any(|it| it.is_error());
    assert_eq!(
        parsed.job.is_none(),
        failed,
        "{}",
        String::from_utf8_lossy(bytes)
    );
    assert!(parsed.diagnostics.len() <= 101);
    for fault in &parsed.diagnostics {
        assert_ne!(
            fault.code,
            codes::INTERNAL.name,
            "{}",
            String::from_utf8_lossy(bytes)
        );
        assert!(
            codes::find(&fault.code).is_some(),
            "{} has no story",
            fault.code
        );
        if let Some(span) = &fault.span {
            assert!(
                span.start <= span.end && span.end <= bytes.len(),
                "{span:?} of {}: {fault:?}",
                bytes.len()
            );
            if let Ok(text) = std::str::from_utf8(bytes) {
                assert!(
                    text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
                    "{span:?}: {fault:?} {text:?}"
                );
            }
        }
    }
    if let (Some(job), Some(id)) = (&parsed.job, &parsed.job_id) {
        assert_eq!(&job.id, id);
        assert!(
            !id.is_empty()
                && id
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-')
        );
        assert_eq!(parsed.spans.actions.len(), job.actions.len());
    }
}

fn draw(bytes: &[u8]) {
    let parsed = parse(bytes, "nightly.json", &host());
    let drawn = render_all(&parsed.diagnostics, "nightly.json", bytes, Look::PLAIN);
    assert!(
        drawn.chars().all(|it| it == '\n' || !it.is_control()),
        "{drawn:?}"
    );
    for fault in &parsed.diagnostics {
        locate(fault, "nightly.json", bytes);
    }
}

fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jobs");
    let mut names: Vec<_> = std::fs::read_dir(data)
        .expect("the directory")
        .map(|it| it.expect("a file").path())
        .collect();
    names.sort();
    samples.extend(
        names
            .into_iter()
            .map(|it| std::fs::read(it).expect("a file")),
    );
    samples.extend(
        codes::all()
            .filter_map(|it| it.example.files())
            .map(|(before, _)| before.into_bytes()),
    );
    samples
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    "\t",
    " ",
    "//",
    "/*",
    "*/",
    "#",
    "...",
    "…",
    "null",
    "true",
    "False",
    "None",
    "int",
    "0",
    "03",
    "-1",
    "1e999",
    "1.5",
    "\"\"",
    "\"x\"",
    "\u{feff}",
    "\0",
    "\u{1b}",
    "é",
    "日",
    "“",
    "”",
    "\\u00",
    "\\ud800",
    "\\u0000",
    "\"job\"",
    "\"job_id\":",
    "\"job_actions\":",
    "\"freezer_action\":",
    "\"action\": \"exec\"",
    "\"action\": \"restore\"",
    "\"command\":",
    "\"container\":",
    "\"job_schedule\":",
    "\"schedule_day\": \"2nd fri\"",
    "\"schedule_interval\":",
    "\"action_defaults\":",
    "\"timeout\": 5",
    "~",
    "/",
    "\u{a0}",
    "\u{202e}",
    "=",
    ";",
    "(",
    "mandatory",
    "{{",
    "}]",
];

fn change(dice: &mut Dice, sample: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(8) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => {
                bytes.remove(at);
            }
            2 if at < bytes.len() => bytes[at] = dice.roll() as u8,
            3 => {
                let end = (at + dice.below(30)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let other = dice.pick(others);
                let from = dice.below(other.len() + 1);
                let to = (from + dice.below(60)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            5 => bytes.insert(at, dice.roll() as u8),
            _ => {
                let token = dice.pick(TOKENS).bytes();
                bytes.splice(at..at, token);
            }
        }
    }
    bytes
}

#[test]
fn changed_documents_are_judged() {
    let samples = samples();
    let mut dice = Dice::new(0x5eed);
    for round in 0..30_000_u32 {
        let sample = dice.pick(&samples).clone();
        let bytes = change(&mut dice, &sample, &samples);
        judge(&bytes);
        if round % 16 == 0 {
            draw(&bytes);
        }
    }
}

#[test]
fn documents_made_of_pieces_are_judged() {
    let mut dice = Dice::new(0xf00d);
    for round in 0..100_000_u32 {
        let length = dice.below(14);
        let text: String = (0..length).map(|_| *dice.pick(TOKENS)).collect();
        judge(text.as_bytes());
        if round % 32 == 0 {
            draw(text.as_bytes());
        }
    }
}

#[test]
fn bytes_are_judged() {
    let mut dice = Dice::new(0xb17e);
    for _ in 0..20_000 {
        let length = dice.below(24);
        let bytes: Vec<u8> = (0..length).map(|_| dice.roll() as u8).collect();
        judge(&bytes);
    }
}

/// The damage that a full disk or a crash does.
#[test]
fn a_file_that_is_cut_off_anywhere_is_told_as_that() {
    let whole = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/jobs/freezer-api-answer.conf"
    ))
    .expect("a file");
    let end = whole.trim_ascii_end().len();
    for length in 0..end {
        let bytes = &whole[..length];
        judge(bytes);
        let parsed = parse(bytes, "nightly.json", &host());
        assert!(parsed.job.is_none(), "{length}");
        let told: Vec<&str> = parsed
            .diagnostics
            .iter()
            .map(|it| it.code.as_str())
            .collect();
        let expected = if bytes.trim_ascii().is_empty() {
            "empty-file"
        } else {
            "unexpected-end"
        };
        assert!(
            told.contains(&expected),
            "{length}: {told:?}\n{}",
            String::from_utf8_lossy(bytes)
        );
        assert!(told.len() <= 3, "{length}: {told:?}");
        // The tail overwritten with NULs, as some file systems leave it.
        let mut nulls = whole.clone();
        nulls[length..].fill(0);
        judge(&nulls);
    }
}

/// Long files of one kind of damage take no more than a moment.
#[test]
fn large_files_take_no_more_than_a_moment() {
    let size = (1 << 20) - 2;
    let fill = |piece: &str| piece.repeat(size / piece.len());
    let began = std::time::Instant::now();
    for text in [
        fill("{"),
        fill("["),
        fill("\""),
        fill("\\"),
        fill("a"),
        fill("1"),
        fill(","),
        fill("'"),
        fill("/"),
        fill("//"),
        fill("/*"),
        fill("#"),
        fill("."),
        fill("\n"),
        fill("\0"),
        fill("é"),
        fill("\u{a0}"),
        fill("\"a\n"),
        fill("\"a\":"),
        fill("[,"),
        fill("{}"),
        fill("}"),
        format!("\"{}", fill("a")),
        format!("{{\"{}", fill("a\n")),
        format!("[{}]", fill("1,")),
        format!("[{}", fill("\"\",")),
        format!(
            "{{\"job_actions\": [{}]}}",
            fill("{},").trim_end_matches(',')
        ),
        format!("{{{}}}", fill("\"a\":1,").trim_end_matches(',')),
        format!(
            "{{\"job_actions\": [], \"x\": \"{}\"}}",
            "\\u0041".repeat(150_000)
        ),
        format!("{{\"job_actions\": [], \"{}\": 1}}", "k".repeat(1_000_000)),
    ] {
        draw(text.as_bytes());
    }
    let took = began.elapsed();
    assert!(took.as_secs() < 120, "{took:?}");
}
