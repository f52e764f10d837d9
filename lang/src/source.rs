//! text → [`Source`]: owns the text of a program and of the files it names, and turns byte offsets into files,
//! lines and columns.
//!
//! Every later stage refers to the text by [`Span`] only, so that a diagnostic, a verifier complaint or a
//! runtime error can point into the cell.
//!
//! *Invariant:* a `Span` made for a `Source` lies inside one of its files and on character boundaries.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A half-open byte range of a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: u32, end: u32) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span just behind this one, where something missing belongs.
    pub fn after(self) -> Self {
        Self { start: self.end, end: self.end }
    }

    /// As a range to index the text with.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and column, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A named text among those of a [`Source`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    name: String,
    text: Arc<str>,
    /// Where its text begins in the numbering of the source.
    start: u32,
    lines: Vec<u32>,
}

impl File {
    fn new(name: String, text: Arc<str>, start: u32) -> Self {
        let lines = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        Self { name, text, start, lines }
    }

    /// What diagnostics call it: `cell 3`, `stdin`, a path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// All of it, in the numbering of the source.
    pub fn span(&self) -> Span {
        Span::new(self.start, self.start + self.text.len() as u32)
    }

    /// A span of the source as a range of this text; what lies outside is cut off.
    pub fn range(&self, span: Span) -> std::ops::Range<usize> {
        let inside = |offset: u32| (offset.saturating_sub(self.start) as usize).min(self.text.len());
        inside(span.start)..inside(span.end)
    }
}

/// How a text names others that are read with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mention {
    /// Without being named: the cells before this one that declare something.
    Earlier,
    /// Without being named: the headers that the command line gives.
    Given,
    /// `#include <name>` and `#include "name"`
    Header {
        /// Between the brackets or quotes.
        name: String,
        /// In brackets, so that it is not looked for beside the file that names it.
        is_system: bool,
    },
    /// `import "name"`: a file, or those of a directory.
    Import(String),
}

/// Which file of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(u32);

impl FileId {
    /// The program's own text.
    pub const OWN: Self = Self(0);
}

/// The files that a mention stands for, or why there are none.
pub type Found = Result<Vec<FileId>, String>;

/// The text of a program, and the texts of all files that reading it brings in.
///
/// Their bytes are numbered one file after the other, so that a [`Span`] says which file it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The program's own text first; each starts one past the end of the one before.
    files: Vec<File>,
    mentions: BTreeMap<(FileId, Mention), Found>,
}

/// All texts of a source together are no longer: what names more is no program but an accident.
const MOST_BYTES: usize = 256 << 20;

impl Source {
    /// Takes the text of a cell or file; `name` is what diagnostics call it (`cell 3`, `stdin`, a path).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { files: vec![File::new(name.into(), text.into().into(), 0)], mentions: BTreeMap::new() }
    }

    /// Takes in another file; the one of that name, if there is one already.
    ///
    /// # Errors
    /// All files together have become too large.
    pub fn attach(&mut self, name: &str, text: impl Into<Arc<str>>) -> Result<FileId, String> {
        if let Some(index) = self.files.iter().skip(1).position(|file| file.name == name) {
            return Ok(FileId(index as u32 + 1));
        }
        let text = text.into();
        let start = self.files.last().map_or(0, |file| file.span().end + 1);
        if start as usize + text.len() > MOST_BYTES {
            return Err(format!("{name} is one file too many: they fill more than {} MiB", MOST_BYTES >> 20));
        }
        self.files.push(File::new(name.to_owned(), text, start));
        Ok(FileId(self.files.len() as u32 - 1))
    }

    /// Notes which files a mention stands for.
    pub fn connect(&mut self, from: FileId, mention: Mention, found: Found) {
        self.mentions.insert((from, mention), found);
    }

    /// The files that a mention stands for, if it was looked for.
    pub fn mentioned(&self, from: FileId, mention: &Mention) -> Option<&Found> {
        self.mentions.get(&(from, mention.clone()))
    }

    /// One of its files.
    pub fn get(&self, FileId(index): FileId) -> &File {
        &self.files[index as usize]
    }

    /// The same files around another text of the program itself, which must be as long.
    pub fn with_text(&self, text: impl Into<String>) -> Self {
        let mut source = self.clone();
        let own = &mut source.files[0];
        let text: String = text.into();
        debug_assert_eq!(text.len(), own.text.len());
        *own = File::new(std::mem::take(&mut own.name), text.into(), 0);
        source
    }

    /// What diagnostics call the program's own text.
    pub fn name(&self) -> &str {
        &self.files[0].name
    }

    /// The program's own text.
    pub fn text(&self) -> &str {
        &self.files[0].text
    }

    /// The file that a byte is in.
    pub fn file(&self, offset: u32) -> &File {
        self.get(self.file_id(offset))
    }

    /// Which file a byte is in.
    pub fn file_id(&self, offset: u32) -> FileId {
        let index = self.files.partition_point(|file| file.start <= offset);
        FileId(index.saturating_sub(1) as u32)
    }

    /// The text under a span, which lies in one file.
    pub fn slice(&self, span: Span) -> &str {
        let file = self.file(span.start);
        &file.text[file.range(span)]
    }

    /// The line and column of a byte, in its file.
    pub fn position(&self, offset: u32) -> Position {
        let file = self.file(offset);
        let end = file.range(Span { start: offset, end: offset }).start;
        let line = file.lines.partition_point(|&start| start as usize <= end) - 1;
        let start = file.lines[line] as usize;
        Position { line: line as u32 + 1, column: file.text[start..end].chars().count() as u32 + 1 }
    }

    /// A place as messages of running programs name it: `NAME:LINE:COLUMN-COLUMN`, the second column being the
    /// one behind it, or `NAME:LINE-LINE` where it spans several.
    pub fn place(&self, span: Span) -> String {
        let (from, to) = (self.position(span.start), self.position(span.end));
        let name = self.file(span.start).name();
        if from.line == to.line {
            format!("{}:{}:{}-{}", name, from.line, from.column, to.column)
        } else {
            format!("{}:{}-{}", name, from.line, to.line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_numbered_one_after_the_other() {
        let mut source = Source::new("cell", "ab\nc");
        let second = source.attach("b.h", "x\ny").unwrap();
        assert_eq!(source.attach("b.h", "other").unwrap(), second);
        let span = source.get(second).span();
        assert_eq!((span.start, span.end), (5, 8));
        assert_eq!(source.slice(Span::new(3, 4)), "c");
        assert_eq!(source.slice(Span::new(7, 8)), "y");
        assert_eq!((source.file(4).name(), source.file(5).name()), ("cell", "b.h"));
        assert_eq!(source.position(4), Position { line: 2, column: 2 });
        assert_eq!(source.position(7), Position { line: 2, column: 1 });
        let other = source.with_text("12\n3");
        assert_eq!((other.text(), other.slice(span)), ("12\n3", "x\ny"));
    }

    #[test]
    fn places_are_columns_or_lines() {
        let source = Source::new("stdin", "ab\ncdé f\n");
        assert_eq!(source.place(Span::new(3, 7)), "stdin:2:1-4");
        assert_eq!(source.place(Span::new(1, 4)), "stdin:1-2");
    }
}
