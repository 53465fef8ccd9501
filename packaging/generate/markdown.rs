//! Builds a page in Markdown, part by part.

/// The longest line, in characters.
const WIDTH: usize = 118;

/// A page in the making.
pub struct Markdown {
    text: String,
}

impl Markdown {
    /// Begins a page with its title, and with a remark that says where it comes from.
    pub fn new(title: &str) -> Markdown {
        Markdown {
            text: format!(
                "<!-- Generated from the tables of the program: `cargo run --example generate -- --docs`. -->\n# {title}\n"
            ),
        }
    }

    /// Begins a section. `level` is the number of `#`.
    pub fn section(&mut self, level: usize, title: &str) {
        self.text
            .push_str(&format!("\n{} {title}\n", "#".repeat(level)));
    }

    /// Adds a paragraph, in lines that are not too long.
    pub fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        self.lines("", "", text);
    }

    /// Adds an entry of a list.
    pub fn item(&mut self, text: &str) {
        self.lines("- ", "  ", text);
    }

    /// Ends a paragraph or a section, before a list.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Adds lines that are shown as they are.
    pub fn example(&mut self, language: &str, lines: &str) {
        let lines = lines.trim_end();
        self.text
            .push_str(&format!("\n```{language}\n{lines}\n```\n"));
    }

    /// Adds a table. Each row has as many cells as the head.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        self.text.push('\n');
        self.row(&head.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.text
            .push_str(&format!("|{}\n", "---|".repeat(head.len())));
        for row in rows {
            self.row(row);
        }
    }

    fn row(&mut self, cells: &[String]) {
        for cell in cells {
            self.text
                .push_str(&format!("| {} ", cell.replace('|', "\\|")));
        }
        self.text.push_str("|\n");
    }

    fn lines(&mut self, first: &str, rest: &str, text: &str) {
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split_whitespace() {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.text.push_str(&format!("{}\n", line.trim_end()));
                line = rest.to_owned();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.text.push_str(&format!("{}\n", line.trim_end()));
    }

    /// Returns the page.
    pub fn render(self) -> String {
        self.text
    }
}
