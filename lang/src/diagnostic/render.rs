//! [`Diagnostic`]s → text with the lines they are about, for people.
//!
//! *Not here:* the text of runtime messages, which follow bpftrace's form.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::source::{File, Source, Span};

/// Whether colours can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// Text with ANSI escape codes.
    Ansi,
}

/// The width that lines are cut to: what fits beside a notebook's margin.
const WIDTH: usize = 110;

/// All diagnostics in order: severity and code, the lines with carets, notes and helps, and an empty line
/// between one and the next. Without a line end.
pub fn render(source: &Source, diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Ansi => Renderer::styled(),
    };
    let renderer = renderer.term_width(WIDTH);
    let texts: Vec<_> = diagnostics.iter().map(|one| renderer.render(&[group(source, one)])).collect();
    texts.join("\n\n")
}

fn group<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = (AnnotationKind::Primary, diagnostic.span, &diagnostic.label, &diagnostic.of);
    let others = diagnostic.labels.iter().map(|l| (AnnotationKind::Context, l.span, &l.text, &l.of));
    let places = std::iter::once(primary).chain(others).map(|(kind, span, label, of)| {
        let file = of.as_deref().unwrap_or(source).file(span.start);
        Place { kind, span, label, file }
    });
    let notes = diagnostic.notes.iter().map(|note| Level::NOTE.message(note.as_str()));
    let helps = diagnostic.helps.iter().map(|help| Level::HELP.message(help.as_str()));
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.name());
    title.elements(snippets(places)).elements(notes).elements(helps)
}

/// A place in one of the texts.
struct Place<'a> {
    kind: AnnotationKind,
    span: Span,
    label: &'a str,
    file: &'a File,
}

/// One piece of text for each file, that of the first place first.
fn snippets<'a>(places: impl Iterator<Item = Place<'a>>) -> Vec<Snippet<'a, Annotation<'a>>> {
    let mut files: Vec<(&File, Vec<Place<'_>>)> = Vec::new();
    for place in places {
        match files.iter_mut().find(|(file, _)| *file == place.file) {
            Some((_, places)) => places.push(place),
            None => files.push((place.file, vec![place])),
        }
    }
    let snippet = |(file, places): (&'a File, Vec<Place<'a>>)| {
        let annotations = places.into_iter().map(|place| annotation(&place));
        Snippet::source(&**file.text()).path(file.name()).annotations(annotations)
    };
    files.into_iter().map(snippet).collect()
}

fn annotation<'a>(place: &Place<'a>) -> Annotation<'a> {
    let annotation = place.kind.span(place.file.range(place.span));
    if place.label.is_empty() { annotation } else { annotation.label(place.label) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    fn sample() -> (Source, Diagnostic) {
        let source = Source::new("cell 3", "begin {\n    @x = cuont();\n}\n");
        let diagnostic =
            Diagnostic::error(Code::UnknownName, Span::new(17, 22), "there is no function `cuont`")
                .label("not known")
                .at(Span::new(12, 14), "to be assigned here")
                .note("a fact")
                .help("did you mean `count`?");
        (source, diagnostic)
    }

    #[test]
    fn a_diagnostic_shows_its_line() {
        let (source, diagnostic) = sample();
        let expected = "\
error[unknown-name]: there is no function `cuont`
 --> cell 3:2:10
  |
2 |     @x = cuont();
  |     --   ^^^^^ not known
  |     |
  |     to be assigned here
  |
  = note: a fact
  = help: did you mean `count`?";
        assert_eq!(render(&source, &[diagnostic], Style::Plain), expected);
    }

    #[test]
    fn colours_are_only_added() {
        let (source, diagnostic) = sample();
        let plain = render(&source, std::slice::from_ref(&diagnostic), Style::Plain);
        let ansi = render(&source, &[diagnostic], Style::Ansi);
        let mut stripped = String::new();
        let mut rest = ansi.as_str();
        while let Some(at) = rest.find('\x1b') {
            stripped.push_str(&rest[..at]);
            rest = rest[at..].split_once('m').expect("escape codes end in m").1;
        }
        stripped.push_str(rest);
        assert_ne!(ansi, plain);
        assert_eq!(stripped, plain);
    }

    #[test]
    fn each_file_shows_its_own_lines() {
        let (mut source, mut diagnostic) = sample();
        let header = source.attach("dir/x.h", "#define A 1\n#define B A +\n").expect("small");
        let start = source.get(header).span().start;
        diagnostic.labels[0].span = Span::new(start + 20, start + 21);
        let expected = "\
error[unknown-name]: there is no function `cuont`
 --> cell 3:2:10
  |
2 |     @x = cuont();
  |          ^^^^^ not known
  |
 ::: dir/x.h:2:9
  |
2 | #define B A +
  |         - to be assigned here
  |
  = note: a fact
  = help: did you mean `count`?";
        assert_eq!(render(&source, &[diagnostic], Style::Plain), expected);
    }

    #[test]
    fn places_at_the_very_end_are_shown() {
        let source = Source::new("cell", "begin {");
        let diagnostic = Diagnostic::warning(Code::Expected, Span::new(7, 7), "more");
        assert!(render(&source, &[diagnostic], Style::Plain).contains("cell:1:8"));
        let empty = Source::new("cell", "");
        let diagnostic = Diagnostic::warning(Code::Expected, Span::new(0, 0), "more");
        assert!(render(&empty, &[diagnostic], Style::Plain).contains("more"));
    }
}
