//! `probebook dump`: a program after one stage of the compiler, as the text that the stage prints itself as.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use probebook_ebpf::{codegen, isa};
use probebook_lang::diagnostic::{Diagnostic, Style, render};
use probebook_lang::environment::{Environment, Parameters};
use probebook_lang::source::Source;
use probebook_lang::{check, compile, ir, syntax, typed};

use super::{Failed, machine};

/// What to show.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// After which stage
    #[arg(long, value_enum)]
    stage: Stage,
    /// The program's file (`-` for stdin)
    file: PathBuf,
    /// Its parameters $1, $2, …
    parameters: Vec<String>,
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Stage {
    /// The lexer: tokens
    Tokens,
    /// The parser: syntax tree
    Ast,
    /// The checker: the tree with types
    Types,
    /// Lowering and optimisation: intermediate representation
    Ir,
    /// Instruction selection: BPF over virtual registers
    Vcode,
    /// Register allocation: BPF instructions
    Asm,
}

/// Prints the program after the stage; diagnostics go to stderr.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    machine::end_with_reader();
    let mut text = String::new();
    if arguments.file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(&arguments.file)
            .map_err(|error| Failed(format!("{}: {error}", arguments.file.display())))?;
    }
    let source = Source::new(arguments.file.to_string_lossy(), text);
    let mut environment = Environment::default();
    machine::configure(&mut environment)?;
    environment.parameters = Parameters::from_words(arguments.parameters.iter().cloned());
    let (shown, diagnostics) = shown(arguments.stage, &source, &environment)?;
    print!("{shown}");
    if !diagnostics.is_empty() {
        eprintln!("{}", render(&source, &diagnostics, Style::Plain).trim_end());
    }
    let is_wrong = diagnostics.iter().any(Diagnostic::is_error);
    Ok(if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A program after a stage, with what is wrong with it.
pub(super) fn shown(
    stage: Stage,
    source: &Source,
    environment: &Environment,
) -> Result<(String, Vec<Diagnostic>), Failed> {
    let (_, host) = machine::live();
    let source = &syntax::load(source, &*host, environment);
    let (program, mut diagnostics) = syntax::parse(source, &environment.parameters);
    let shown = match stage {
        Stage::Tokens => syntax::token::print(source),
        Stage::Ast => syntax::print::print(&program),
        Stage::Types => {
            let (typed, checked) = check::check(&program, &*host, environment);
            diagnostics.extend(checked);
            typed::print(&typed)
        }
        Stage::Ir | Stage::Vcode | Stage::Asm => match compile(source, &*host, environment) {
            Ok(compiled) => {
                diagnostics = compiled.warnings;
                generate(stage, &compiled.module)?
            }
            Err(found) => {
                diagnostics = found;
                String::new()
            }
        },
    };
    Ok((shown, diagnostics))
}

/// The stages behind the IR. What the machine cannot express is an error of its own.
fn generate(stage: Stage, module: &ir::Module) -> Result<String, Failed> {
    let target = machine::target();
    let text = match stage {
        Stage::Vcode => codegen::print_vcode(module, &target),
        Stage::Asm => codegen::generate(module, &target).map(|object| {
            let programs = object.programs.iter();
            programs
                .map(|program| format!("program {}:\n{}", program.name, isa::disassemble(program)))
                .collect()
        }),
        _ => Ok(ir::print::print(module)),
    };
    text.map_err(|unsupported| Failed(unsupported.message))
}
