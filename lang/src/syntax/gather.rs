//! [`Source`] with all its files → one [`Program`]: own text, imports, C part, and what earlier cells declared.
//!
//! Two ways through the same files: [`load`] asks the host for those that are named and not there yet, so that
//! afterwards the source holds everything; [`gather`] reads what is there.
//!
//! *Invariant:* no file is read twice, so imports may go round in circles.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::ast::{Import, Program};
use super::c::{self, Files, Text};
use super::parser::Parser;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Environment, Parameters};
use crate::host::Host;
use crate::source::{FileId, Found, Mention, Source};

/// Brings in all files that reading the program will ask for: imports, headers, earlier cells.
pub fn load(source: &Source, host: &dyn Host, environment: &Environment) -> Source {
    let mut source = source.clone();
    let earlier = environment.declarations.iter();
    let earlier: Vec<FileId> =
        earlier.filter_map(|cell| source.attach(&cell.name, cell.text.clone()).ok()).collect();
    source.connect(FileId::OWN, Mention::Earlier, Ok(earlier));
    let directories = environment.include_directories.as_slice();
    let mut reader = Reader { source: Cow::Owned(source), host: Some(host), directories };
    let given = environment.headers.iter().map(|name| reader.header(FileId::OWN, name, false));
    let given: Result<Vec<FileId>, String> = given.collect();
    let mut source = reader.source.into_owned();
    source.connect(FileId::OWN, Mention::Given, given);
    let mut reader = Reader { source: Cow::Owned(source), host: Some(host), directories };
    let mut gathered = Gathered::default();
    gathered.all(&mut reader, &environment.parameters);
    c::follow(&gathered.texts, &mut reader);
    reader.source.into_owned()
}

/// Reads the program with everything that it brings in.
pub fn gather(source: &Source, parameters: &Parameters) -> (Program, Vec<Diagnostic>) {
    let mut reader = Reader { source: Cow::Borrowed(source), host: None, directories: &[] };
    let mut gathered = Gathered::default();
    gathered.all(&mut reader, parameters);
    let Gathered { programs, texts, mut diagnostics, .. } = gathered;
    let (part, found) = c::read(&texts, &mut reader);
    diagnostics.extend(found);
    let mut read = |file: FileId| {
        let text = source.get(file);
        let parsed = Parser::new(text, text.span(), parameters).with_defines(source, &part.defines).parse();
        diagnostics.extend(parsed.diagnostics);
        if file != FileId::OWN {
            diagnostics.extend(cannot_be_imported(&parsed.program));
        }
        parsed.program
    };
    // Probes that are imported come first.
    let mut whole = Program::default();
    programs.into_iter().filter(|file| *file != FileId::OWN).for_each(|file| whole.append(read(file)));
    whole.append(read(FileId::OWN));
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    whole.declared = part;
    (whole, diagnostics)
}

/// What an imported program has that only the importing one may have.
fn cannot_be_imported(program: &Program) -> Option<Diagnostic> {
    if let Some(setting) = program.config.first() {
        let message = "a `config` block cannot be imported";
        let diagnostic = Diagnostic::error(Code::InvalidImport, setting.name.span, message);
        return Some(diagnostic.help("put its settings into the program that imports"));
    }
    let statement = program.statements.first().map(|stmt| stmt.span);
    let span = statement.or(program.result.as_ref().map(|result| result.span))?;
    let message = "statements outside probes cannot be imported";
    Some(Diagnostic::error(Code::InvalidImport, span, message).help("put them into a `begin` probe"))
}

/// Which files a program consists of, in the order in which they count.
#[derive(Default)]
struct Gathered {
    /// Files with probes and macros.
    programs: Vec<FileId>,
    /// What C is read from.
    texts: Vec<Text>,
    seen: BTreeSet<FileId>,
    diagnostics: Vec<Diagnostic>,
}

impl Gathered {
    fn all(&mut self, reader: &mut Reader<'_>, parameters: &Parameters) {
        for file in reader.found(FileId::OWN, Mention::Earlier).unwrap_or_default() {
            self.program(file, true, reader, parameters);
        }
        match reader.found(FileId::OWN, Mention::Given) {
            Ok(headers) => self.texts.extend(headers.into_iter().map(Text::Header)),
            Err(reason) => {
                let span = reader.source.get(FileId::OWN).span();
                let message = "a header that was asked for with `--include` cannot be read";
                let span = crate::source::Span::new(span.start, span.start);
                self.diagnostics.push(Diagnostic::error(Code::MissingHeader, span, message).note(reason));
            }
        }
        self.program(FileId::OWN, false, reader, parameters);
    }

    fn program(&mut self, file: FileId, is_earlier: bool, reader: &mut Reader<'_>, parameters: &Parameters) {
        if !self.seen.insert(file) {
            return;
        }
        let head = {
            let text = reader.source.get(file);
            Parser::new(text, text.span(), parameters).head()
        };
        if !is_earlier {
            self.programs.push(file);
        }
        if !head.c.is_empty() {
            let pieces = head.c.iter().map(|item| item.span).collect();
            self.texts.push(Text::Part { file, pieces, is_earlier });
        }
        for import in &head.imports {
            let found = reader.import(file, &import.path);
            match found {
                Ok(files) => {
                    for imported in files {
                        self.import(import, imported, is_earlier, reader, parameters);
                    }
                }
                // What an earlier cell imported may be gone.
                Err(_) if is_earlier => {}
                Err(reason) => {
                    let message = format!("`{}` cannot be imported", import.path);
                    let diagnostic = Diagnostic::error(Code::InvalidImport, import.span, message);
                    self.diagnostics.push(diagnostic.note(reason));
                }
            }
        }
    }

    fn import(
        &mut self,
        import: &Import,
        file: FileId,
        is_earlier: bool,
        reader: &mut Reader<'_>,
        parameters: &Parameters,
    ) {
        let name = reader.source.get(file).name().to_owned();
        if name.ends_with(".bt") {
            self.program(file, is_earlier, reader, parameters);
        } else if name.ends_with(".h") {
            if self.seen.insert(file) {
                self.texts.push(Text::Header(file));
            }
        } else if !is_earlier {
            let message = format!("`{name}` is C for clang, which Probebook does without");
            let diagnostic = Diagnostic::error(Code::Unsupported, import.span, message);
            self.diagnostics.push(diagnostic.help("write it as a `macro` or `fn` in a `.bt` file"));
        }
    }
}

/// Hands out the files of a source; with a host, those too that are not in it yet.
struct Reader<'a> {
    source: Cow<'a, Source>,
    host: Option<&'a dyn Host>,
    directories: &'a [String],
}

impl Reader<'_> {
    /// What a mention stands for. Where nothing was looked for there is nothing.
    fn found(&self, from: FileId, mention: Mention) -> Found {
        self.source.mentioned(from, &mention).cloned().unwrap_or(Ok(Vec::new()))
    }

    fn import(&mut self, from: FileId, path: &str) -> Found {
        let mention = Mention::Import(path.to_owned());
        if let Some(found) = self.source.mentioned(from, &mention) {
            return found.clone();
        }
        let Some(host) = self.host else { return Err("it was not looked for".into()) };
        let beside = host.import(path, self.source.get(from).name());
        // bpftrace itself starts from the program's own directory, whoever imports.
        let texts = beside.or_else(|reason| match from {
            FileId::OWN => Err(reason),
            _ => host.import(path, self.source.name()).map_err(|_| reason),
        });
        let found = texts.map_err(|reason| reason.0).and_then(|texts| {
            texts.into_iter().map(|text| self.source.to_mut().attach(&text.path, text.text)).collect()
        });
        self.source.to_mut().connect(from, mention, found.clone());
        found
    }
}

impl Files for Reader<'_> {
    fn source(&self) -> &Source {
        &self.source
    }

    fn header(&mut self, from: FileId, name: &str, is_system: bool) -> Result<FileId, String> {
        let mention = Mention::Header { name: name.to_owned(), is_system };
        let only =
            |found: Found| found.and_then(|files| files.first().copied().ok_or("there is none".into()));
        if let Some(found) = self.source.mentioned(from, &mention) {
            return only(found.clone());
        }
        let Some(host) = self.host else { return Err("it was not looked for".into()) };
        let text = host.header(name, self.source.get(from).name(), is_system, self.directories);
        let found = text
            .map_err(|reason| reason.0)
            .and_then(|text| self.source.to_mut().attach(&text.path, text.text).map(|file| vec![file]));
        self.source.to_mut().connect(from, mention, found.clone());
        only(found)
    }
}
