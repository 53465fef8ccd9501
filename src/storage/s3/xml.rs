//! Reads the XML of a server: the texts of its elements, one after the other. Nothing is trusted: the size is limited,
//! and so is the depth; entities of the document's own are refused.

use std::io::{self, BufRead};

use quick_xml::errors::Error;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// Documents of S3 have five levels.
const DEEPEST: usize = 16;

/// The largest text that is kept, in bytes. A key of S3 has 1024, which may be escaped; a token may have a few thousand.
const LARGEST: usize = 16 * 1024;

/// Why a document was not read to its end.
#[derive(Debug)]
pub(super) enum Fault {
    /// The source failed, or ended in the middle.
    Source(io::Error),
    /// It is not a document of this kind.
    Document,
}

/// What is found in a document.
pub(super) enum Found<'a> {
    /// The text of an element that has no elements. The path has the names of the elements around it, and its own.
    Text { path: &'a [String], text: &'a str },
    /// The end of any element.
    End { path: &'a [String] },
}

/// Reads a document to its end. `take` returns false for what cannot be.
pub(super) fn read(
    source: impl BufRead,
    mut take: impl FnMut(Found<'_>) -> bool,
) -> Result<(), Fault> {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut buffer = Vec::new();
    let mut is_done = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => {
                if path.len() >= DEEPEST || is_done {
                    return Err(Fault::Document);
                }
                path.push(start.local_name().as_ref().to_owned());
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Ok(Event::CData(part)) => text.push_str(&part.xml_content(XmlVersion::Implicit1_0)),
            Ok(Event::GeneralRef(reference)) => {
                let Ok(character) = reference.resolve_char_ref() else {
                    return Err(Fault::Document);
                };
                match (character, &*reference.xml_content(XmlVersion::Implicit1_0)) {
                    (Some(character), _) => text.push(character),
                    (None, "lt") => text.push('<'),
                    (None, "gt") => text.push('>'),
                    (None, "amp") => text.push('&'),
                    (None, "quot") => text.push('"'),
                    (None, "apos") => text.push('\''),
                    (None, _) => return Err(Fault::Document),
                }
            }
            Ok(Event::End(_)) => {
                let is_taken = take(Found::Text {
                    path: &path,
                    text: text.trim(),
                }) && take(Found::End { path: &path });
                if !is_taken {
                    return Err(Fault::Document);
                }
                text.clear();
                path.pop();
                is_done = path.is_empty();
            }
            Ok(Event::Eof) if is_done => return Ok(()),
            Ok(Event::Eof) => return Err(Fault::Source(io::ErrorKind::UnexpectedEof.into())),
            Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => {}
            Ok(Event::DocType(_) | Event::Empty(_)) => return Err(Fault::Document),
            Err(Error::Io(error)) => {
                return Err(Fault::Source(io::Error::new(error.kind(), error)));
            }
            // The end came inside of a tag.
            Err(Error::Syntax(_)) if reader.get_mut().fill_buf().is_ok_and(<[u8]>::is_empty) => {
                return Err(Fault::Source(io::ErrorKind::UnexpectedEof.into()));
            }
            Err(_) => return Err(Fault::Document),
        }
        let is_outside = path.is_empty() && !text.trim().is_empty();
        if text.len() > LARGEST || is_outside {
            return Err(Fault::Document);
        }
    }
}

/// The text of the first element with each of these names, wherever it is. For small documents.
pub(super) fn first<const COUNT: usize>(
    document: &[u8],
    names: [&str; COUNT],
) -> [Option<String>; COUNT] {
    let mut found = [const { None }; COUNT];
    // A document that is cut still tells what was read.
    let _ = read(document, |part| {
        if let Found::Text { path, text } = part
            && let Some(name) = path.last()
            && let Some(place) = names.iter().position(|wanted| wanted == name)
            && let Some(slot) = found.get_mut(place)
            && slot.is_none()
        {
            *slot = Some(text.to_owned());
        }
        true
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_names_with_all_references_resolved() {
        let document = b"<?xml version=\"1.0\"?><Error xmlns=\"x\"><Code>A&amp;B&#x41;</Code><n:Region xmlns:n='y'> eu \
            </n:Region><Empty/><C><![CDATA[<x>]]></C></Error>";
        assert_eq!(
            first(document, ["Code", "Region", "Empty", "C", "No"]),
            [Some("A&BA"), Some("eu"), Some(""), Some("<x>"), None].map(|it| it.map(str::to_owned))
        );
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "<a>".repeat(100_000);
        let long = format!("<a>{}</a>", "x".repeat(100_000));
        for document in [
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&x;</a>",
            "<a>&#0;</a>",
            "<a>&#xFFFFFFFF;</a>",
            "<a></b>",
            "<a/><b/>",
            "hello",
            "<a/>hello",
            &deep,
            &long,
        ] {
            let fault = read(document.as_bytes(), |_| true).unwrap_err();
            let start: String = document.chars().take(40).collect();
            assert!(matches!(fault, Fault::Document), "{start}: {fault:?}");
        }
    }

    #[test]
    fn a_document_that_is_cut_is_not_whole_wherever_that_is() {
        let document = "<a><b>text</b><c x='y'/></a>";
        for end in 0..document.len() {
            let fault = read(&document.as_bytes()[..end], |_| true).unwrap_err();
            let is_cut = matches!(&fault, Fault::Source(error) if error.kind() == io::ErrorKind::UnexpectedEof);
            assert!(is_cut, "{end}: {fault:?}");
        }
        assert!(read(document.as_bytes(), |_| true).is_ok());
    }
}
