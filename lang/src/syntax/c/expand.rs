//! macros and where they are used → what they stand for.
//!
//! *Invariant:* a macro is not expanded again inside its own expansion.

use std::collections::HashSet;
use std::rc::Rc;

use super::preprocess::{MOST_TOKENS, Preprocessor};
use super::token::{Kind, Token};
use crate::source::Span;

/// How deep calls of macros may stand in each other's arguments.
const MAX_NESTING: usize = 64;

/// What `#define` defines.
#[derive(Clone, Debug)]
pub struct Macro {
    /// `None` if it has none, not even `()`.
    pub parameters: Option<Parameters>,
    /// What it stands for.
    pub body: Vec<Token>,
    /// Where its name stands in the definition.
    pub name: Span,
    /// Where the body stands.
    pub place: Span,
}

/// The parameters of a macro.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    names: Vec<Rc<str>>,
    /// The last one takes all arguments that are left.
    is_open: bool,
}

impl Parameters {
    /// Reads what stands between the parentheses.
    pub fn new(tokens: &[Token]) -> Self {
        let mut parameters = Self::default();
        for token in tokens {
            if token.kind == Kind::Word {
                parameters.names.push(token.text.clone());
            } else if token.is("...") {
                parameters.is_open = true;
                let is_named = tokens.iter().rev().nth(1).is_some_and(|before| before.kind == Kind::Word);
                if !is_named {
                    parameters.names.push("__VA_ARGS__".into());
                }
            }
        }
        parameters
    }
}

/// What is still to be read.
enum Item {
    Token(Token),
    /// The expansion of a macro ends here.
    End(Rc<str>),
}

impl Preprocessor<'_> {
    /// All macros in a row of tokens expanded.
    pub(super) fn expand(&mut self, tokens: Vec<Token>) -> Vec<Token> {
        self.expand_within(tokens, &HashSet::new())
    }

    fn expand_within(&mut self, tokens: Vec<Token>, outer: &HashSet<Rc<str>>) -> Vec<Token> {
        let mut output = Vec::with_capacity(tokens.len());
        let mut active = outer.clone();
        let mut input: Vec<Item> = tokens.into_iter().rev().map(Item::Token).collect();
        while let Some(item) = input.pop() {
            let mut token = match item {
                Item::Token(token) => token,
                Item::End(name) => {
                    active.remove(&name);
                    continue;
                }
            };
            let is_macro =
                token.kind == Kind::Word && !token.is_final && self.macros.contains_key(&token.text);
            if !is_macro || self.made > MOST_TOKENS {
                output.push(token);
                continue;
            }
            if active.contains(&token.text) {
                token.is_final = true;
                output.push(token);
                continue;
            }
            let definition = self.macros[&token.text].clone();
            let body = match &definition.parameters {
                None => paste(&definition.body),
                Some(parameters) => {
                    let Some(arguments) = arguments(&mut input, &mut active) else {
                        output.push(token);
                        continue;
                    };
                    self.nesting += 1;
                    if self.nesting > MAX_NESTING {
                        self.made = MOST_TOKENS + 1;
                    }
                    let body = self.substitute(&definition, parameters, arguments, &active);
                    self.nesting -= 1;
                    body
                }
            };
            self.made += body.len();
            active.insert(token.text.clone());
            input.push(Item::End(token.text.clone()));
            let is_first = |index: usize| index == 0;
            input.extend(body.into_iter().enumerate().rev().map(|(index, made)| {
                let is_spaced = if is_first(index) { token.is_spaced } else { made.is_spaced };
                Item::Token(Token { span: token.span, starts_line: false, is_spaced, ..made })
            }));
        }
        output
    }

    /// The body of a macro with its arguments in the places of its parameters.
    fn substitute(
        &mut self,
        definition: &Macro,
        parameters: &Parameters,
        mut arguments: Vec<Vec<Token>>,
        active: &HashSet<Rc<str>>,
    ) -> Vec<Token> {
        let count = parameters.names.len();
        if parameters.is_open && arguments.len() > count {
            let rest = arguments.split_off(count - 1);
            let comma = |token: &Token| Token { kind: Kind::Punct, text: ",".into(), ..token.clone() };
            let joined = rest.into_iter().reduce(|mut all, next| {
                all.extend(all.last().or(next.first()).map(comma));
                all.extend(next);
                all
            });
            arguments.extend(joined);
        }
        arguments.resize(count.max(arguments.len()), Vec::new());
        let position = |token: &Token| {
            (token.kind == Kind::Word)
                .then(|| parameters.names.iter().position(|n| *n == token.text))
                .flatten()
        };
        let body = &definition.body;
        let mut filled = Vec::new();
        let mut at = 0;
        while let Some(token) = body.get(at) {
            let next = body.get(at + 1);
            let is_pasted = at > 0 && body[at - 1].is("##") || next.is_some_and(|token| token.is("##"));
            if token.is("#")
                && let Some(index) = next.and_then(position)
            {
                filled.push(stringify(token, &arguments[index]));
                at += 2;
                continue;
            }
            match position(token) {
                // `, ## __VA_ARGS__` without arguments leaves no comma.
                Some(index) if is_pasted && arguments[index].is_empty() && parameters.is_open => {
                    let is_rest = index + 1 == count;
                    let has_comma =
                        matches!(filled.as_slice(), [.., comma, paste] if comma.is(",") && paste.is("##"));
                    if is_rest && has_comma {
                        filled.truncate(filled.len() - 2);
                    }
                }
                Some(index) if is_pasted => filled.extend(arguments[index].iter().cloned()),
                Some(index) => filled.extend(self.expand_within(arguments[index].clone(), active)),
                None => filled.push(token.clone()),
            }
            at += 1;
        }
        paste(&filled)
    }
}

/// Joins what stands on both sides of `##`.
fn paste(body: &[Token]) -> Vec<Token> {
    let mut pasted: Vec<Token> = Vec::with_capacity(body.len());
    let mut rest = body.iter();
    while let Some(token) = rest.next() {
        if !token.is("##") {
            pasted.push(token.clone());
            continue;
        }
        let Some(right) = rest.next() else { break };
        match pasted.last_mut() {
            Some(left) => {
                left.text = format!("{}{}", left.text, right.text).into();
                if left.kind == Kind::Punct {
                    left.kind = right.kind;
                }
            }
            None => pasted.push(right.clone()),
        }
    }
    pasted
}

/// Takes the arguments of a call off the input; `None`, and nothing taken, if it is no call.
fn arguments(input: &mut Vec<Item>, active: &mut HashSet<Rc<str>>) -> Option<Vec<Vec<Token>>> {
    let next = input.iter().rev().find_map(|item| match item {
        Item::Token(token) => Some(token),
        Item::End(_) => None,
    })?;
    if !next.is("(") {
        return None;
    }
    let mut open = 0;
    let mut all = vec![Vec::new()];
    while let Some(item) = input.pop() {
        let token = match item {
            Item::Token(token) => token,
            Item::End(name) => {
                active.remove(&name);
                continue;
            }
        };
        if token.is("(") {
            open += 1;
            if open == 1 {
                continue;
            }
        } else if token.is(")") {
            open -= 1;
            if open == 0 {
                break;
            }
        } else if token.is(",") && open == 1 {
            all.push(Vec::new());
            continue;
        }
        if let Some(argument) = all.last_mut() {
            argument.push(token);
        }
    }
    Some(all)
}

/// `#parameter`: the argument as a string.
fn stringify(hash: &Token, argument: &[Token]) -> Token {
    let mut text = String::from("\"");
    for (index, token) in argument.iter().enumerate() {
        if index > 0 && token.is_spaced {
            text.push(' ');
        }
        let is_quoted = matches!(token.kind, Kind::String | Kind::Char);
        for c in token.text.chars() {
            if is_quoted && matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    text.push('"');
    Token { kind: Kind::String, text: text.into(), ..hash.clone() }
}
