//! Texts with placeholders, such as `{subject}`, which a message fills.

use serde_json::Value;

use super::message::Message;

/// A placeholder without its braces, and what takes its place.
pub struct Placeholder {
    pub name: &'static str,
    pub about: &'static str,
}

const fn placeholder(name: &'static str, about: &'static str) -> Placeholder {
    Placeholder { name, about }
}

/// Every placeholder.
pub const PLACEHOLDERS: [Placeholder; 10] = [
    placeholder("subject", "the subject, one line"),
    placeholder("text", "the text, several lines"),
    placeholder("kind", "the kind, such as `failed`"),
    placeholder("severity", "`info`, `warning` or `error`"),
    placeholder("host", "the name of this host"),
    placeholder("job", "the id of the job; empty if it is not about one"),
    placeholder("run", "the run; empty if it is not about one"),
    placeholder("at", "the time, such as `2026-11-27T02:31:00+01:00`"),
    placeholder(
        "id",
        "the name of the message, the same if it is delivered again",
    ),
    placeholder("log", "the end of the log; empty without `log = true`"),
];

/// How what fills a placeholder is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As in a text of JSON. The whole is JSON.
    Json,
    /// As in the fields of a form: `a=b&c=d`.
    Fields,
    /// As it is.
    Plain,
    /// In small letters, digits, `-` and `_`.
    Slug,
}

/// A text, some of whose parts are placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// One of [`PLACEHOLDERS`].
    Filled(&'static str),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    #[error("there is no `{{{0}}}`; the placeholders are {names}", names = names())]
    Unknown(String),
    #[error(
        "this is not JSON once the placeholders are filled: {0}. Put each placeholder between quotation marks, or write \
         `content_type = \"text/plain\"`"
    )]
    NotJson(String),
    #[error("a slug has small letters, digits, `-` and `_`, besides placeholders")]
    NotASlug,
}

fn names() -> String {
    let names: Vec<String> = PLACEHOLDERS
        .iter()
        .map(|it| format!("`{{{}}}`", it.name))
        .collect();
    names.join(", ")
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// When it has an unknown placeholder, or should be JSON and is not.
    pub fn parse(text: &str, form: Form) -> Result<Template, TemplateFault> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            plain.push_str(before);
            let Some((word, after_word)) = placeholder_at(after) else {
                plain.push('{');
                rest = after;
                continue;
            };
            let Some(known) = PLACEHOLDERS.iter().find(|it| it.name == word) else {
                return Err(TemplateFault::Unknown(word.to_owned()));
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Filled(known.name));
            rest = after_word;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        let is_slug = |part: &Part| match part {
            Part::Text(plain) => slug(plain) == *plain,
            Part::Filled(_) => true,
        };
        if form == Form::Slug && !parts.iter().all(is_slug) {
            return Err(TemplateFault::NotASlug);
        }
        let template = Template { parts, form };
        if form == Form::Json {
            serde_json::from_str::<Value>(&template.with(|_| "x".to_owned()))
                .map_err(|error| TemplateFault::NotJson(error.to_string()))?;
        }
        Ok(template)
    }

    /// The text for a message. The log is in it only `with_log`.
    pub fn fill(&self, message: &Message, with_log: bool) -> String {
        self.with(|name| self.written(&value(name, message, with_log)))
    }

    fn with(&self, filled: impl Fn(&'static str) -> String) -> String {
        self.parts.iter().fold(String::new(), |mut text, part| {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Filled(name) => text.push_str(&filled(name)),
            }
            text
        })
    }

    fn written(&self, value: &str) -> String {
        match self.form {
            Form::Plain => value.to_owned(),
            Form::Json => {
                let quoted = Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Form::Fields => percent(value),
            Form::Slug => slug(value),
        }
    }
}

/// The word of a placeholder whose brace has just begun, and what is behind it.
fn placeholder_at(text: &str) -> Option<(&str, &str)> {
    let (word, after) = text.split_once('}')?;
    let is_word = !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase());
    is_word.then_some((word, after))
}

fn value(name: &str, message: &Message, with_log: bool) -> String {
    match name {
        "subject" => message.subject.clone(),
        "text" => message.text.clone(),
        "kind" => message.kind.word().to_owned(),
        "severity" => message.kind.severity().word().to_owned(),
        "host" => message.host.clone(),
        "job" => message.job.clone().unwrap_or_default(),
        "run" => message.run.clone().unwrap_or_default(),
        "at" => message.at.to_rfc3339(),
        "id" => message.key(),
        _ if with_log => message.log.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

/// With escapes for all that is not a letter, a digit or one of `-._~`.
pub(super) fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// A message that is about no job has the slug of freezerd itself.
fn slug(text: &str) -> String {
    let letters = text.chars().map(|it| match it.to_ascii_lowercase() {
        it @ ('a'..='z' | '0'..='9' | '-' | '_') => it,
        _ => '-',
    });
    let slug: String = letters.take(100).collect();
    match slug.is_empty() {
        true => "freezerd".to_owned(),
        false => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::failed;
    use super::*;

    #[test]
    fn what_fills_a_template_of_json_stays_inside_of_its_texts() {
        let text = r#"{"a": {"title": "{severity}: {subject}"}, "text": "{text}", "log": "{log}"}"#;
        let template = Template::parse(text, Form::Json).unwrap();
        let filled: Value = serde_json::from_str(&template.fill(&failed(), false)).unwrap();
        assert_eq!(filled["a"]["title"], format!("error: {}", failed().subject));
        assert_eq!(filled["text"], failed().text, "its `{{job}}` is not filled");
        assert_eq!(filled["log"], "");
        let filled: Value = serde_json::from_str(&template.fill(&failed(), true)).unwrap();
        assert_eq!(filled["log"], "secret log line\n");
    }

    #[test]
    fn a_text_a_form_and_a_slug_are_filled_as_they_need_it() {
        let fill = |text, form| Template::parse(text, form).unwrap().fill(&failed(), false);
        assert_eq!(fill("{job} {X} {} }{", Form::Plain), "nightly {X} {} }{");
        assert_eq!(
            fill("t={kind}&h={host}&s={at}", Form::Fields),
            "t=failed&h=web1&s=2026-11-27T02%3A31%3A00%2B01%3A00"
        );
        assert_eq!(fill("{host}-{job}", Form::Slug), "web1-nightly");
        let mut odd = failed();
        odd.job = Some("Ä/b?c".to_owned());
        let slug = Template::parse("{job}", Form::Slug).unwrap();
        assert_eq!(slug.fill(&odd, false), "--b-c");
        odd.job = None;
        assert_eq!(slug.fill(&odd, false), "freezerd");
    }

    #[test]
    fn a_wrong_template_says_what_is_wrong_with_it() {
        let fault = Template::parse("{subjct}", Form::Plain).unwrap_err();
        assert!(fault.to_string().contains("there is no `{subjct}`"));
        assert!(fault.to_string().contains("`{subject}`, `{text}`"));
        for text in ["{\"a\": {subject}}", "hello {job}", "{\"a\": \"{job}\""] {
            let fault = Template::parse(text, Form::Json).unwrap_err();
            assert!(matches!(fault, TemplateFault::NotJson(_)), "{text}");
        }
        let fault = Template::parse("Of {job}", Form::Slug).unwrap_err();
        assert_eq!(fault, TemplateFault::NotASlug);
    }
}
