//! A walk over a document: one element at a time, local names only, with limits that hold before they cost.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{DecodeError, MAX_ATTRIBUTES, MAX_DEPTH};
use crate::csta::owned::Text;

/// The walk. An element is *open* from its start tag on; every method that opens one hands it to a closure and closes
/// it afterwards, so what nobody reads is skipped.
pub(super) struct Cursor<'a> {
    source: &'a str,
    reader: Reader<&'a [u8]>,
    /// Open elements.
    depth: usize,
    /// The innermost open element was `<x/>`: no end tag will come.
    empty: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let mut reader = Reader::from_str(source);
        // A name such as `R&D` must not cost the event.
        reader.config_mut().allow_dangling_amp = true;
        Self { source, reader, depth: 0, empty: false }
    }

    /// Opens the root; its local name.
    pub(super) fn root(&mut self) -> Result<&'a str, DecodeError> {
        loop {
            let from = self.position();
            match self.read()? {
                Event::Start(tag) => return self.open(from, &tag, false),
                Event::Empty(tag) => return self.open(from, &tag, true),
                Event::Eof => return Err(DecodeError::NoRoot),
                _ => {}
            }
        }
    }

    /// Walks the children of the open element and closes it: `on_child` gets each child opened, by local name. The text
    /// between them is returned, trimmed, entities resolved.
    pub(super) fn content(
        &mut self,
        mut on_child: impl FnMut(&mut Self, &'a str) -> Result<(), DecodeError>,
    ) -> Result<Text<'a>, DecodeError> {
        let inside = self.depth;
        if self.empty {
            self.close_to(inside.saturating_sub(1))?;
            return Ok(Cow::Borrowed(""));
        }
        let mut text = Collected::default();
        loop {
            let from = self.position();
            match self.read()? {
                Event::Start(tag) => {
                    let name = self.open(from, &tag, false)?;
                    on_child(self, name)?;
                    self.close_to(inside)?;
                }
                Event::Empty(tag) => {
                    let name = self.open(from, &tag, true)?;
                    on_child(self, name)?;
                    self.close_to(inside)?;
                }
                Event::End(_) => {
                    self.depth = inside.saturating_sub(1);
                    return Ok(text.finish());
                }
                Event::Text(_) => text.push(self.slice(from, 0, 0)),
                // `<![CDATA[` and `]]>`
                Event::CData(_) => text.push(self.slice(from, 9, 3)),
                Event::GeneralRef(reference) => text.push_reference(&reference, self.slice(from, 0, 0)),
                Event::Eof => return Err(DecodeError::Truncated),
                _ => {}
            }
        }
    }

    /// Each child of the open element, opened; text between them does not count.
    pub(super) fn each(
        &mut self,
        on_child: impl FnMut(&mut Self, &'a str) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.content(on_child).map(drop)
    }

    /// The text of the open element, trimmed; elements in it are skipped.
    pub(super) fn text(&mut self) -> Result<Text<'a>, DecodeError> {
        self.content(|_, _| Ok(()))
    }

    /// The markup inside the open element, as it stands in the source.
    pub(super) fn raw(&mut self) -> Result<Text<'a>, DecodeError> {
        let from = self.position();
        if self.empty {
            return self.text();
        }
        let to = self.close_to(self.depth.saturating_sub(1))?;
        Ok(Cow::Borrowed(self.source.get(from..to).unwrap_or_default().trim()))
    }

    /// Closes open elements until `depth` are left; where the last end tag began.
    fn close_to(&mut self, depth: usize) -> Result<usize, DecodeError> {
        let mut end = self.position();
        while self.depth > depth {
            if self.empty {
                self.empty = false;
                self.depth -= 1;
                continue;
            }
            end = self.position();
            match self.read()? {
                Event::Start(tag) => {
                    self.open(end, &tag, false)?;
                }
                Event::Empty(tag) => check_attributes(&tag)?,
                Event::End(_) => self.depth -= 1,
                Event::Eof => return Err(DecodeError::Truncated),
                _ => {}
            }
        }
        Ok(end)
    }

    fn open(&mut self, from: usize, tag: &BytesStart<'_>, empty: bool) -> Result<&'a str, DecodeError> {
        if self.depth >= MAX_DEPTH {
            return Err(DecodeError::TooDeep);
        }
        check_attributes(tag)?;
        self.depth += 1;
        self.empty = empty;
        let start = from + 1;
        let name = self.source.get(start..start + tag.name().0.len()).unwrap_or_default();
        Ok(name.rsplit_once(':').map_or(name, |(_, local)| local))
    }

    fn read(&mut self) -> Result<Event<'a>, DecodeError> {
        match self.reader.read_event() {
            Ok(Event::DocType(_)) => Err(DecodeError::DocType),
            Ok(event) => Ok(event),
            Err(error) => Err(self.refusal(&error)),
        }
    }

    fn refusal(&self, error: &Error) -> DecodeError {
        let offset = usize::try_from(self.reader.error_position()).unwrap_or(usize::MAX);
        match error {
            Error::Syntax(SyntaxError::UnclosedDoctype) => DecodeError::DocType,
            Error::Syntax(_) => DecodeError::Truncated,
            other => DecodeError::Syntax { offset, reason: other.to_string().into() },
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// What was read since `from`, without so many bytes at its head and tail.
    fn slice(&self, from: usize, head: usize, tail: usize) -> &'a str {
        let to = self.position().saturating_sub(tail);
        self.source.get(from.saturating_add(head)..to).unwrap_or_default()
    }
}

fn check_attributes(tag: &BytesStart<'_>) -> Result<(), DecodeError> {
    if tag.attributes_raw().is_empty() {
        return Ok(());
    }
    // Without checks the iterator looks at each attribute once and stops at the limit.
    let many = tag.attributes().with_checks(false).nth(MAX_ATTRIBUTES).is_some();
    if many { Err(DecodeError::TooManyAttributes) } else { Ok(()) }
}

/// The text of an element: borrowed as long as it is one piece.
struct Collected<'a> {
    text: Text<'a>,
    /// Nothing but white space so far. Kept beside the text, because to look again at each piece would be quadratic.
    blank: bool,
}

impl Default for Collected<'_> {
    fn default() -> Self {
        Self { text: Cow::Borrowed(""), blank: true }
    }
}

impl<'a> Collected<'a> {
    fn push(&mut self, piece: &'a str) {
        if self.blank {
            self.text = Cow::Borrowed(piece);
            self.blank = piece.trim().is_empty();
        } else if !piece.is_empty() {
            self.text.to_mut().push_str(piece);
        }
    }

    /// One of the five entities of XML or a character; any other reference stays as it was written, unexpanded.
    fn push_reference(&mut self, reference: &BytesRef<'_>, written: &'a str) {
        let resolved = match &**reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        match resolved {
            Some(character) => {
                self.text.to_mut().push(character);
                self.blank = false;
            }
            None => self.push(written),
        }
    }

    fn finish(self) -> Text<'a> {
        match self.text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }
}
