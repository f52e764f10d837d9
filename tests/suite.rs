//! Fixtures → named tests: each file under `fixtures/FOLDER/` is one test, and its snapshot lies beside it.
//!
//! The folder names the check: `syntax` prints the tree, `errors` the diagnostics, `types` the typed
//! program, `codegen` IR and instructions for a fixed target, `run` what the program prints on this
//! machine, `display` its picture, `sessions` a notebook of cells split by `// %%`.
//!
//! A fixture that `needs:` what this Linux was built without is no test here; `tests/vm` runs it on a Linux
//! that has it. Where BPF may not be used, the tests that load programs are ignored and counted; `REQUIRE_LIVE=1` makes
//! them fail instead.

use std::path::Path;
use std::process::ExitCode;

use insta::{Settings, assert_snapshot};
use libtest_mimic::{Arguments, Failed, Trial};
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::environment::Environment;
use probebook_lang::source::Source;
use probebook_tests::fixture::{self, Fixture};
use probebook_tests::{host, run};

/// A check turns a fixture into the text of its snapshot.
type Check = fn(&Fixture) -> Result<String, String>;

/// Folder, whether its fixtures are loaded into Linux, and the check.
const FOLDERS: [(&str, bool, Check); 7] = [
    ("syntax", false, syntax),
    ("errors", false, errors),
    ("types", false, types),
    ("codegen", false, codegen),
    ("run", true, run::run),
    ("display", true, run::picture),
    ("sessions", true, run::session),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let live = run::is_live();
    let required = std::env::var_os("REQUIRE_LIVE").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    for (folder, loads, check) in FOLDERS {
        let fixtures = fixture::all(folder).unwrap_or_else(|error| panic!("fixtures/{folder}: {error}"));
        for fixture in fixtures {
            if loads && !fixture.needs.iter().all(|need| run::has(need)) {
                continue;
            }
            let name = format!("{folder}::{}", fixture.name);
            let trial = Trial::test(name, move || verify(&fixture, check));
            trials.push(trial.with_ignored_flag(loads && !live && !required));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Compares the check's text with the snapshot beside the fixture.
fn verify(fixture: &Fixture, check: Check) -> Result<(), Failed> {
    let text = check(fixture)?;
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(fixture.path.parent().unwrap_or(Path::new(".")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(&fixture.path);
    settings.bind(|| assert_snapshot!(fixture.name.as_str(), text));
    Ok(())
}

fn source(fixture: &Fixture) -> Source {
    let source = Source::new(format!("{}.bt", fixture.name), fixture.text.clone());
    probebook_lang::syntax::load(&source, &host::fixed(), &environment(fixture))
}

fn environment(fixture: &Fixture) -> Environment {
    let mut environment = Environment {
        parameters: fixture::parameters(fixture.args.clone()),
        cell: "cell 1".into(),
        unsafe_allowed: fixture.unsafe_allowed,
        ..Environment::default()
    };
    fixture.set_environment(&mut environment);
    environment
}

fn syntax(fixture: &Fixture) -> Result<String, String> {
    let source = source(fixture);
    let (program, diagnostics) = probebook_lang::syntax::parse(&source, &environment(fixture).parameters);
    let tree = probebook_lang::syntax::print::print(&program);
    Ok(format!("{tree}{}", render(&source, &diagnostics, Style::Plain)))
}

fn errors(fixture: &Fixture) -> Result<String, String> {
    let source = source(fixture);
    match probebook_lang::compile(&source, &host::fixed(), &environment(fixture)) {
        Ok(compiled) if compiled.warnings.is_empty() => Err("accepted without a warning".into()),
        Ok(compiled) => Ok(render(&source, &compiled.warnings, Style::Plain)),
        Err(diagnostics) => Ok(render(&source, &diagnostics, Style::Plain)),
    }
}

fn types(fixture: &Fixture) -> Result<String, String> {
    let source = source(fixture);
    let environment = environment(fixture);
    let (program, mut diagnostics) = probebook_lang::syntax::parse(&source, &environment.parameters);
    let (typed, checked) = probebook_lang::check::check(&program, &host::fixed(), &environment);
    diagnostics.extend(checked);
    if diagnostics.iter().any(probebook_lang::diagnostic::Diagnostic::is_error) {
        return Err(render(&source, &diagnostics, Style::Plain));
    }
    Ok(probebook_lang::typed::print(&typed))
}

fn codegen(fixture: &Fixture) -> Result<String, String> {
    let source = source(fixture);
    let compiled = probebook_lang::compile(&source, &host::fixed(), &environment(fixture))
        .map_err(|diagnostics| render(&source, &diagnostics, Style::Plain))?;
    run::instructions(&compiled.module)
}
