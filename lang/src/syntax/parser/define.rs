//! The head of a program, which is the C part and imports, and names that a `#define` of it stands for.

use super::Parser;
use crate::builtins;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{CItem, CItemKind, Expr, ExprKind, Import, Program, Use};
use crate::syntax::literal;
use crate::syntax::token::TokenKind;

impl Parser<'_> {
    /// Consumes a piece of the C part or an import.
    pub(super) fn head_item(&mut self, program: &mut Program) -> bool {
        let next = self.peek(0);
        match next.kind {
            TokenKind::Directive => {
                self.bump();
                self.c_item(program, CItemKind::Directive, next.span);
            }
            TokenKind::Keyword if matches!(self.slice(next.span), "struct" | "union" | "enum") => {
                self.declaration(program);
            }
            TokenKind::Ident if self.slice(next.span) == "typedef" => self.declaration(program),
            TokenKind::Keyword if self.slice(next.span) == "import" => self.import(program),
            _ => return false,
        }
        true
    }

    fn c_item(&mut self, program: &mut Program, kind: CItemKind, span: Span) {
        let help = "move it to the top of the program";
        if !program.probes.is_empty() || !program.statements.is_empty() {
            let message = "C definitions come before probes and statements";
            self.report(Diagnostic::error(Code::Misplaced, span, message).help(help));
        } else if let Some(import) = program.imports.first() {
            let diagnostic = Diagnostic::error(Code::Misplaced, span, "C definitions come before imports");
            self.report(diagnostic.at(import.span, "imported here").help(help));
        }
        program.c.push(CItem { kind, span });
    }

    fn declaration(&mut self, program: &mut Program) {
        self.rewind_lexer();
        if let Some(token) = self.lexer.declaration() {
            self.tokens.push(token);
            self.last = token.span;
            return self.c_item(program, CItemKind::Declaration, token.span);
        }
        let word = self.bump().span;
        if !matches!(self.slice(word), "enum" | "typedef") && !self.at("{")
            || self.peek(0).kind == TokenKind::Ident
        {
            self.bump();
        }
        if let Some(opening) = self.eat("{") {
            let message = "expected `}`, found the end of the text";
            while !self.at_end() {
                self.bump();
            }
            let span = self.last.after();
            self.report_missing(
                Diagnostic::error(Code::UnclosedDelimiter, span, message).at(opening, "opened here"),
            );
        } else if self.slice(word) == "typedef" {
            while !self.at_end() {
                self.bump();
            }
            self.expected(Code::Expected, "`;`");
        } else {
            self.expected(Code::Expected, "`{`");
            self.skip_statement();
        }
    }

    /// `import "path";`
    fn import(&mut self, program: &mut Program) {
        let start = self.bump().span;
        let next = self.peek(0);
        if next.kind != TokenKind::String {
            self.expected(Code::Expected, "a path in quotes");
            return self.skip_statement();
        }
        self.bump();
        let (path, _) = literal::string(self.slice(next.span));
        let import = Import { path: String::from_utf8_lossy(&path).into_owned(), span: start.to(next.span) };
        if !program.probes.is_empty() || !program.statements.is_empty() {
            let message = "imports come before probes and statements";
            self.report(
                Diagnostic::error(Code::Misplaced, import.span, message)
                    .help("move it to the top of the program"),
            );
        }
        program.imports.push(import);
        self.expect(";");
    }

    /// What `#define` says that a name stands for; `None` if it says nothing about it.
    pub(super) fn defined(&mut self, name: &str, span: Span) -> Option<Expr> {
        let (source, defines) = self.defines?;
        let (name, define) = defines.get_key_value(name)?;
        let is_builtin = builtins::find(name).is_some_and(|found| found.kind == builtins::Kind::Variable);
        // `#define X X` lets C ask whether X is there; X itself is a constant of an enumeration.
        let is_itself = source.slice(define.body) == name;
        if is_builtin || is_itself || self.hidden.contains(name) {
            return None;
        }
        let wrong = |message: String| {
            Diagnostic::error(Code::InvalidDefine, span, message).at(define.name, "defined here")
        };
        let error = Expr { kind: ExprKind::Error, span };
        if define.has_parameters {
            let diagnostic = wrong(format!("`{name}` has parameters, so it can only be used in the C part"));
            self.report(diagnostic.help(format!("define it as `macro {name}(…) {{ … }}`")));
            return Some(error);
        }
        if self.expanding.contains(&name.as_str()) {
            self.report(wrong(format!("`{name}` is defined by itself")));
            return Some(error);
        }
        if define.body.start == define.body.end {
            self.report(wrong(format!("`{name}` is defined as nothing, so it has no value")));
            return Some(error);
        }
        if !self.descend() {
            return Some(error);
        }
        let file = source.file(define.body.start);
        let mut inner = Parser::new(file, define.body, self.parameters).with_defines(source, defines);
        inner.expanding.clone_from(&self.expanding);
        inner.expanding.push(name);
        inner.depth = self.depth;
        let expr = inner.expr();
        let is_whole = inner.at_end() && inner.diagnostics.is_empty();
        self.depth -= 1;
        self.uses.push(Use { name: name.clone(), body: define.body, span });
        self.uses.append(&mut inner.uses);
        if let Some(first) =
            inner.diagnostics.into_iter().next().filter(|one| one.code == Code::InvalidDefine)
        {
            self.report(first);
            return Some(error);
        }
        if !is_whole {
            let text = source.slice(define.body);
            self.report(wrong(format!("`{name}` cannot be used as a value: `{text}` is no expression")));
            return Some(error);
        }
        Some(Expr { span, ..expr })
    }
}
