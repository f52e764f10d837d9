//! the `config` block → the [`Config`] of a program.
//!
//! *Not here:* the variables and what they accept (`crate::config`).

use crate::config::{Accepted, Config, Refused, Settings, VARIABLES};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::Setting;

/// The settings of the block over those that were there before. Variables that the process environment has
/// set keep their value.
pub fn configure(block: &[Setting], settings: &Settings) -> (Config, Vec<Diagnostic>) {
    let mut config = settings.config.clone();
    let mut diagnostics = Vec::new();
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for setting in block {
        let span = setting.name.span.to(setting.value_span);
        let mut changed = config.clone();
        match changed.set(&setting.name.text, &setting.value) {
            Err(refused) => diagnostics.push(refusal(setting, refused)),
            Ok(Accepted::NoEffect(reason)) => {
                let message = format!("`{}` has no effect", setting.name.text);
                diagnostics.push(Diagnostic::warning(Code::OldSetting, span, message).note(reason));
                config = changed;
            }
            Ok(accepted @ (Accepted::Set(name) | Accepted::Renamed(name))) => {
                if matches!(accepted, Accepted::Renamed(_)) {
                    let message = format!("`{}` is now called `{name}`", setting.name.text);
                    diagnostics.push(
                        Diagnostic::warning(Code::OldSetting, setting.name.span, message)
                            .help(format!("write `{name}`")),
                    );
                }
                if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
                    let message = format!("`{name}` is set twice; this value counts");
                    diagnostics.push(
                        Diagnostic::warning(Code::DuplicateSetting, span, message)
                            .at(*first, "set here before"),
                    );
                }
                seen.push((name, span));
                if !settings.is_fixed(name) {
                    config = changed;
                }
            }
        }
    }
    (config, diagnostics)
}

fn refusal(setting: &Setting, refused: Refused) -> Diagnostic {
    let name = &setting.name;
    match refused {
        Refused::Unknown(near) => {
            let message = format!("there is no setting `{}`", name.text);
            let diagnostic = Diagnostic::error(Code::UnknownSetting, name.span, message);
            match near {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => {
                    let all: Vec<_> = VARIABLES.iter().map(|(name, _)| *name).collect();
                    diagnostic.note(format!("the settings are {}", all.join(", ")))
                }
            }
        }
        Refused::EnvironmentOnly => {
            let message = format!("`{}` cannot be set in a program", name.text);
            let variable = name.text.to_uppercase();
            let variable = variable.strip_prefix(crate::config::PREFIX).unwrap_or(&variable);
            Diagnostic::error(Code::UnknownSetting, name.span, message)
                .help(format!("set the environment variable BPFTRACE_{variable}"))
        }
        Refused::Value(name, expected) => {
            let message = format!("`{name}` does not take this value");
            Diagnostic::error(Code::InvalidSetting, setting.value_span, message)
                .label(format!("it takes {expected}"))
        }
    }
}
