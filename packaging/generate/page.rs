//! Builds a manual page, part by part, from the macros of man(7).

use roff::{Inline, Roff, bold, italic, roman};

/// A manual page in the making.
pub struct Page {
    roff: Roff,
    /// True while the last heading has no text below it.
    fresh: bool,
}

impl Page {
    /// Begins a page with its title and its NAME section.
    pub fn new(name: &str, section: &str, about: &str) -> Page {
        let mut page = Page::titled(name, section);
        page.section("NAME");
        page.paragraph(&format!("{name} - {about}"));
        page
    }

    /// Begins a page with its title only.
    pub fn titled(name: &str, section: &str) -> Page {
        let mut roff = Roff::new();
        let version = concat!("freezerd ", env!("CARGO_PKG_VERSION"));
        let manual = match section {
            "5" => "File formats",
            _ => "System administration",
        };
        roff.control("TH", [name, section, &date(), version, manual]);
        Page { roff, fresh: true }
    }

    /// Begins a section.
    pub fn section(&mut self, title: &str) {
        self.roff.control("SH", [title]);
        self.fresh = true;
    }

    /// Begins a subsection.
    pub fn subsection(&mut self, title: &str) {
        self.roff.control("SS", [title]);
        self.fresh = true;
    }

    /// Adds a paragraph. `` `words` `` become bold.
    pub fn paragraph(&mut self, text: &str) {
        self.gap();
        self.roff.text(rich(text));
    }

    /// Adds an entry of a list: its head, and its text, one paragraph for each string.
    pub fn entry(&mut self, head: Vec<Inline>, text: &[String]) {
        self.fresh = false;
        self.roff.control("TP", []);
        self.roff.text(head);
        for (index, text) in text.iter().enumerate() {
            if index > 0 {
                self.roff.control("br", []);
            }
            self.roff.text(rich(text));
        }
    }

    /// Adds lines that are shown as they are.
    pub fn example(&mut self, lines: &str) {
        self.gap();
        self.roff.control("RS", ["4"]);
        self.roff.control("nf", []);
        for line in lines.lines() {
            self.roff.text([roman(line)]);
        }
        self.roff.control("fi", []);
        self.roff.control("RE", []);
    }

    fn gap(&mut self) {
        if !std::mem::take(&mut self.fresh) {
            self.roff.control("PP", []);
        }
    }

    /// Adds the SEE ALSO section. Each pair is a page's name and its section.
    pub fn see_also(&mut self, pages: &[(&str, &str)]) {
        self.section("SEE ALSO");
        let mut line = Vec::new();
        for (index, (name, section)) in pages.iter().enumerate() {
            let end = if index + 1 == pages.len() { "" } else { ", " };
            line.push(bold(*name));
            line.push(roman(format!("({section}){end}")));
        }
        self.roff.text(line);
    }

    /// Returns the page's source.
    pub fn render(&self) -> String {
        self.roff.to_roff()
    }
}

/// The head of an entry: a name in bold, and what follows it in italics.
pub fn head(name: &str, more: &str) -> Vec<Inline> {
    let mut line = vec![bold(name)];
    if !more.is_empty() {
        line.push(roman(" "));
        line.push(italic(more));
    }
    line
}

/// Splits a text into parts, with `` `words` `` in bold.
fn rich(text: &str) -> Vec<Inline> {
    text.split('`')
        .enumerate()
        .filter(|(_, piece)| !piece.is_empty())
        .map(|(index, piece)| {
            if index % 2 == 1 {
                bold(piece)
            } else {
                roman(piece)
            }
        })
        .collect()
}

/// The day on which the source was changed, if the build sets it (`SOURCE_DATE_EPOCH`). It is empty otherwise, so the
/// same source always gives the same page.
fn date() -> String {
    std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .map_or_else(String::new, |moment| moment.format("%Y-%m-%d").to_string())
}
