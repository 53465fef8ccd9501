//! The terminal on which progress bars are drawn.

use std::io::{self, Write};
use std::sync::Mutex;

use indicatif::{ProgressDrawTarget, TermLike};

/// A terminal at standard error, which may go away at any time. indicatif panics over an error of its terminal, so this one
/// reports none.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    /// What was drawn since the last flush.
    drawn: Mutex<String>,
}

impl Terminal {
    /// Where progress bars are drawn, a few times a second.
    pub(super) fn draw_target() -> ProgressDrawTarget {
        ProgressDrawTarget::term_like_with_hz(Box::<Terminal>::default(), 8)
    }

    fn draw(&self, text: &str) -> io::Result<()> {
        if let Ok(mut drawn) = self.drawn.lock() {
            drawn.push_str(text);
        }
        Ok(())
    }

    fn move_cursor(&self, cells: usize, direction: char) -> io::Result<()> {
        match cells {
            0 => Ok(()),
            _ => self.draw(&format!("\x1b[{cells}{direction}")),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        let size = rustix::termios::tcgetwinsize(io::stderr());
        size.map_or(80, |size| size.ws_col.max(1))
    }

    fn height(&self) -> u16 {
        let size = rustix::termios::tcgetwinsize(io::stderr());
        size.map_or(24, |size| size.ws_row.max(1))
    }

    fn move_cursor_up(&self, cells: usize) -> io::Result<()> {
        self.move_cursor(cells, 'A')
    }

    fn move_cursor_down(&self, cells: usize) -> io::Result<()> {
        self.move_cursor(cells, 'B')
    }

    fn move_cursor_right(&self, cells: usize) -> io::Result<()> {
        self.move_cursor(cells, 'C')
    }

    fn move_cursor_left(&self, cells: usize) -> io::Result<()> {
        self.move_cursor(cells, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        if let Ok(mut drawn) = self.drawn.lock() {
            let text = std::mem::take(&mut *drawn);
            // If the terminal is gone, nobody sees the bars.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
        Ok(())
    }
}
