//! The formatter over all fixtures: stable, and nothing but layout changes.

use std::path::Path;

use probebook_lang::environment::Parameters;
use probebook_lang::format::{Refusal, format};
use probebook_lang::source::Source;
use probebook_lang::syntax::parse_cell;
use probebook_tests::fixture;

/// The program texts of all folders; notebooks cell by cell, without their magics.
fn programs() -> Vec<(String, String)> {
    let folders = ["syntax", "errors", "types", "codegen", "run", "display", "sessions"];
    let fixtures = folders.iter().flat_map(|folder| fixture::all(folder).expect("readable folder"));
    let cells = |fixture: fixture::Fixture| {
        let name = fixture.path.strip_prefix(fixture::root()).unwrap_or(Path::new("?")).display().to_string();
        let cells: Vec<(String, String)> = fixture
            .text
            .split("// %%\n")
            .map(|cell| cell.lines().skip_while(|line| line.starts_with('%')).collect::<Vec<_>>().join("\n"))
            .map(|cell| (name.clone(), cell))
            .collect();
        cells
    };
    fixtures.flat_map(cells).collect()
}

/// The words and comments of a text.
fn words(text: &str) -> Vec<String> {
    let source = Source::new("text", text);
    let parsed = parse_cell(&source, &Parameters::default());
    let texts = parsed.tokens.iter().flat_map(|token| source.slice(token.span).lines().map(str::trim));
    texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[test]
fn fixtures_keep_their_words_and_settle_at_once() {
    let mut laid_out = 0;
    for (name, text) in programs() {
        let source = Source::new(name.clone(), text.clone());
        match format(&source) {
            Ok(once) => {
                laid_out += 1;
                assert_eq!(words(&once), words(&text), "{name}");
                let twice = format(&Source::new(name.clone(), once.clone()));
                assert_eq!(twice.as_ref(), Ok(&once), "{name}");
                assert!(
                    once.lines().all(|line| line.trim_end() == line),
                    "{name}: blanks at the end of a line"
                );
            }
            Err(Refusal::Program(_)) => assert!(!name.starts_with("run/"), "{name}: refused"),
            Err(Refusal::WouldChange) => panic!("{name}: would change\n{text}"),
        }
    }
    assert!(laid_out > 100, "only {laid_out}");
}

/// Programs that were squeezed or spread are laid out alike: only line ends and comments guide the layout.
#[test]
fn blanks_do_not_matter() {
    for (name, text) in programs() {
        let Ok(expected) = format(&Source::new(name.clone(), text.clone())) else { continue };
        let source = Source::new(name.clone(), text.clone());
        let parsed = parse_cell(&source, &Parameters::default());
        let mut spread = String::new();
        for token in &parsed.tokens {
            let piece = source.slice(token.span);
            let is_blank = piece.chars().all(|c| c == ' ' || c == '\t');
            spread.push_str(if is_blank { " \t  " } else { piece });
        }
        let found = format(&Source::new(name.clone(), spread));
        // Blanks inside of a C declaration stay.
        if !expected.contains("struct ") && !expected.contains("enum ") && !expected.contains("union ") {
            assert_eq!(found, Ok(expected), "{name}");
        }
    }
}
