//! written settings → [`Config`]: the variables of configuration, their defaults and what each accepts.
//!
//! A value comes from a `config` block, from an earlier cell or from the process environment, which wins:
//! [`Settings`] keeps which variables that holds for.
//!
//! *Not here:* where settings stand in a program and how a wrong one is reported (`check::config`).

use std::collections::BTreeSet;

use crate::diagnostic::suggest::nearest;

/// A value as it is written, or of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true`, `false`
    Bool(bool),
    /// A number that is not negative.
    Int(u64),
    /// A string or a bare word.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl Value {
    /// The value of a text from outside a program: a number where it reads as one.
    pub fn of_text(text: &str) -> Self {
        match crate::syntax::literal::int(text) {
            Ok(number) if !text.is_empty() => Self::Int(number),
            _ => Self::Text(text.to_owned()),
        }
    }
}

/// What a setting has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The variable of this name has the value.
    Set(&'static str),
    /// Likewise, though an old name of it was used.
    Renamed(&'static str),
    /// The variable had a meaning in old versions of bpftrace, or has none here; the reason.
    NoEffect(&'static str),
}

/// Why a setting is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such variable; the one that was perhaps meant.
    Unknown(Option<&'static str>),
    /// It can be set as an environment variable alone.
    EnvironmentOnly,
    /// The variable of this name does not take the value but what is described.
    Value(&'static str, String),
}

/// A type of variables.
trait Variable: Sized {
    fn read(value: &Value) -> Option<Self>;
    fn show(&self) -> Value;
    /// What can be written.
    fn expected() -> String;
}

impl Variable for bool {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            Value::Int(value) => Some(*value != 0),
            Value::Text(word) if word.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(word) if word.eq_ignore_ascii_case("false") => Some(false),
            Value::Text(_) => None,
        }
    }

    fn show(&self) -> Value {
        Value::Bool(*self)
    }

    fn expected() -> String {
        "true or false".into()
    }
}

impl Variable for u32 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some((*value).into()),
            Value::Int(value) => (*value).try_into().ok(),
            Value::Text(_) => None,
        }
    }

    fn show(&self) -> Value {
        Value::Int((*self).into())
    }

    fn expected() -> String {
        format!("a number up to {}", u32::MAX)
    }
}

impl Variable for String {
    fn read(value: &Value) -> Option<Self> {
        Some(value.to_string())
    }

    fn show(&self) -> Value {
        Value::Text(self.clone())
    }

    fn expected() -> String {
        "a string".into()
    }
}

/// Types whose values are words; `else` gives what other values mean.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $value:ident = $word:literal,)* } else $other:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $value,)*
        }

        impl $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),*];

            /// The word for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)*
                }
            }
        }

        impl Variable for $name {
            fn read(value: &Value) -> Option<Self> {
                let other: fn(&Value) -> Option<Self> = $other;
                let text = value.to_string();
                other(value).or_else(|| Self::WORDS.iter().find(|(word, _)| *word == text).map(|(_, it)| *it))
            }

            fn show(&self) -> Value {
                Value::Text(self.word().into())
            }

            fn expected() -> String {
                let words: Vec<_> = Self::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
                let (last, rest) = words.split_last().expect("words");
                format!("{} or {last}", rest.join(", "))
            }
        }
    )*};
}

words! {
    /// What happens where a feature is used that may change in later versions.
    Policy {
        /// Nothing.
        Enable = "enable",
        /// A warning.
        Warn = "warn",
        /// An error.
        Error = "error",
    } else |value| match value {
        Value::Bool(false) | Value::Int(0) => Some(Self::Error),
        Value::Bool(true) | Value::Int(_) => Some(Self::Enable),
        Value::Text(word) => {
            let word = word.to_lowercase();
            Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, it)| *it)
        }
    };

    /// What happens where an attach point matches nothing or cannot be attached.
    MissingProbes {
        /// The program does not run.
        Error = "error",
        /// It runs without, with a warning.
        Warn = "warn",
        /// It runs without.
        Ignore = "ignore",
    } else |_| None;

    /// How stacks are shown.
    StackMode {
        /// `function+offset`
        Bpftrace = "bpftrace",
        /// As perf does.
        Perf = "perf",
        /// Addresses.
        Raw = "raw",
        /// Build ids with offsets.
        BuildId = "build_id",
    } else |_| None;

    /// How long symbols of user programs are kept.
    SymbolCache {
        /// By process.
        PerPid = "PER_PID",
        /// By program.
        PerProgram = "PER_PROGRAM",
        /// Not at all.
        None = "NONE",
    } else |value| match value {
        Value::Bool(false) | Value::Int(0) => Some(Self::PerPid),
        Value::Bool(true) | Value::Int(_) => Some(Self::PerProgram),
        Value::Text(_) => None,
    };

    /// A licence that lets a program use all helpers of Linux.
    License {
        /// GPL
        Gpl = "GPL",
        /// Version 2 alone.
        GplV2 = "GPL v2",
        /// GPL and more.
        GplAndMore = "GPL and additional rights",
        /// BSD or GPL
        DualBsd = "Dual BSD/GPL",
        /// MIT or GPL
        DualMit = "Dual MIT/GPL",
        /// MPL or GPL
        DualMpl = "Dual MPL/GPL",
    } else |_| None;
}

macro_rules! variables {
    ($($name:ident: $ty:ty = $default:expr, $about:literal;)*) => {
        /// The variables of configuration.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {
            $(#[doc = $about] pub $name: $ty,)*
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// Every variable with what it means, in the order of the `config` record.
        pub const VARIABLES: &[(&str, &str)] = &[$((stringify!($name), $about)),*];

        impl Config {
            /// The value of a variable of [`VARIABLES`].
            pub fn get(&self, name: &str) -> Option<Value> {
                match name {
                    $(stringify!($name) => Some(self.$name.show()),)*
                    _ => None,
                }
            }

            fn put(&mut self, name: &str, value: &Value) -> Result<(), String> {
                match name {
                    $(stringify!($name) => {
                        self.$name = Variable::read(value).ok_or_else(<$ty as Variable>::expected)?;
                    })*
                    _ => {}
                }
                Ok(())
            }
        }
    };
}

variables! {
    cpp_demangle: bool = true, "Demangle C++ names in stacks and symbols.";
    lazy_symbolication: bool = true, "Resolve user symbols when they are printed.";
    print_maps_on_exit: bool = true, "Print all maps at the end.";
    use_blazesym: bool = false, "Resolve symbols with blazesym, which only bpftrace has.";
    show_debug_info: bool = false, "Add files and lines to stacks.";
    log_size: u32 = 1_000_000, "Bytes of the verifier's log.";
    max_bpf_progs: u32 = 1024, "How many BPF programs a program may make.";
    max_cat_bytes: u32 = 10240, "How much of a file `cat` prints.";
    max_map_keys: u32 = 4096, "How many keys a map holds that does not say so itself.";
    max_probes: u32 = 1024, "How many events a program may be attached to.";
    max_strlen: u32 = 1024, "Bytes of a string or buffer that is read without a length.";
    on_stack_limit: u32 = 32, "Larger objects do not live on the stack.";
    perf_rb_pages: u32 = 0, "Pages of the ring buffer; 0 chooses by the memory of the machine.";
    str_trunc_trailer: String = "..".into(), "What follows a string that was cut.";
    unstable_import_statement: Policy = Policy::Error, "Imports inside of blocks.";
    unstable_tseries: Policy = Policy::Warn, "`tseries`";
    unstable_typeinfo: Policy = Policy::Error, "`typeinfo`";
    unstable_dw_ustack: Policy = Policy::Warn, "`dw_ustack`";
    missing_probes: MissingProbes = MissingProbes::Error, "What happens where an attach point matches nothing.";
    stack_mode: StackMode = StackMode::Bpftrace, "How stacks are shown.";
    license: License = License::Gpl, "The licence of the BPF programs.";
    cache_user_symbols: SymbolCache = SymbolCache::PerPid, "How long symbols of user programs are kept.";
}

/// Old names of variables.
const RENAMED: &[(&str, &str)] = &[
    ("strlen", "max_strlen"),
    ("no_cpp_demangle", "cpp_demangle"),
    ("cat_bytes_max", "max_cat_bytes"),
    ("map_keys_max", "max_map_keys"),
];

/// Variables that do nothing, with the reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("symbol_source", OLD),
    ("max_type_res_iterations", OLD),
    ("unstable_addr", OLD),
    ("unstable_import", OLD),
    ("unstable_macro", OLD),
    ("unstable_map_decl", OLD),
    ("on_stack_limit", "code generation decides itself what fits on the stack"),
    ("use_blazesym", "there is one way to resolve symbols"),
];

const OLD: &str = "it belongs to old versions of bpftrace";

/// Variables of the environment that are none of a program.
const ENVIRONMENT_ONLY: &[&str] = &["btf", "color", "kernel_build", "kernel_source", "vmlinux"];

/// Variables that make no sense as 0.
const POSITIVE: &[&str] = &["max_map_keys", "max_strlen"];

/// The prefix of environment variables, which a program may write as well.
pub const PREFIX: &str = "BPFTRACE_";

impl Config {
    /// Sets a variable, given by its name in any of the ways it can be written.
    ///
    /// # Errors
    /// There is no such variable, or it does not take the value.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<Accepted, Refused> {
        let lower = name.to_lowercase();
        let name = lower.strip_prefix("bpftrace_").unwrap_or(&lower);
        if ENVIRONMENT_ONLY.contains(&name) {
            return Err(Refused::EnvironmentOnly);
        }
        let renamed = RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
        let wanted = renamed.unwrap_or(name);
        let no_effect = WITHOUT_EFFECT.iter().find(|(other, _)| *other == wanted).map(|(_, reason)| *reason);
        let Some(&(name, _)) = VARIABLES.iter().find(|(other, _)| *other == wanted) else {
            return match no_effect {
                Some(reason) => Ok(Accepted::NoEffect(reason)),
                None => Err(Refused::Unknown(nearest(name, VARIABLES.iter().map(|(other, _)| *other)))),
            };
        };
        if POSITIVE.contains(&name) && matches!(value, Value::Int(0) | Value::Bool(false)) {
            return Err(Refused::Value(name, "a number from 1 up".into()));
        }
        self.put(name, value).map_err(|expected| Refused::Value(name, expected))?;
        Ok(match (no_effect, renamed) {
            (Some(reason), _) => Accepted::NoEffect(reason),
            (None, Some(_)) => Accepted::Renamed(name),
            (None, None) => Accepted::Set(name),
        })
    }
}

/// The configuration that a program starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The values.
    pub config: Config,
    /// Variables of the process environment: a `config` block does not change them.
    fixed: BTreeSet<&'static str>,
}

impl Settings {
    /// Takes a variable of the process environment, its prefix included; those that set nothing are passed
    /// over.
    ///
    /// # Errors
    /// What it should have been.
    pub fn fix(&mut self, name: &str, text: &str) -> Result<(), String> {
        let Some(short) = name.strip_prefix(PREFIX) else { return Ok(()) };
        let Some(&(variable, _)) = VARIABLES.iter().find(|(other, _)| other.eq_ignore_ascii_case(short))
        else {
            return Ok(());
        };
        match self.config.set(variable, &Value::of_text(text)) {
            Ok(_) => drop(self.fixed.insert(variable)),
            Err(Refused::Value(_, expected)) => {
                return Err(format!("the environment variable {name} is `{text}`; it takes {expected}"));
            }
            Err(Refused::Unknown(_) | Refused::EnvironmentOnly) => {}
        }
        Ok(())
    }

    /// Sets a variable for the programs that follow, whatever the process environment said.
    ///
    /// # Errors
    /// As [`Config::set`].
    pub fn set(&mut self, name: &str, value: &Value) -> Result<Accepted, Refused> {
        let accepted = self.config.set(name, value)?;
        if let Accepted::Set(name) | Accepted::Renamed(name) = accepted {
            self.fixed.remove(name);
        }
        Ok(accepted)
    }

    /// Forgets what programs have set.
    pub fn reset(&mut self) {
        let mut config = Config::default();
        for name in &self.fixed {
            if let Some(value) = self.config.get(name) {
                // It is a value of the variable's own.
                drop(config.put(name, &value));
            }
        }
        self.config = config;
    }

    /// Whether the process environment gave the variable its value.
    pub fn is_fixed(&self, name: &str) -> bool {
        self.fixed.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_several_spellings() {
        for name in ["max_strlen", "MAX_STRLEN", "BPFTRACE_MAX_STRLEN", "Bpftrace_Max_Strlen"] {
            let mut config = Config::default();
            assert_eq!(config.set(name, &Value::Int(7)), Ok(Accepted::Set("max_strlen")), "{name}");
            assert_eq!(config.get("max_strlen"), Some(Value::Int(7)));
        }
    }

    #[test]
    fn values_are_checked() {
        let mut config = Config::default();
        let mut set = |name: &str, value: Value| config.set(name, &value);
        let word = |word: &str| Value::Text(word.into());
        assert_eq!(set("stack_mode", word("perf")), Ok(Accepted::Set("stack_mode")));
        assert!(matches!(set("stack_mode", word("PERF")), Err(Refused::Value("stack_mode", _))));
        assert_eq!(set("unstable_tseries", Value::Bool(true)), Ok(Accepted::Set("unstable_tseries")));
        assert!(matches!(set("max_strlen", word("a")), Err(Refused::Value(..))));
        assert!(matches!(set("max_map_keys", Value::Int(0)), Err(Refused::Value(..))));
        assert!(matches!(set("max_probes", Value::Int(1 << 32)), Err(Refused::Value(..))));
        assert_eq!(set("max_strle", Value::Int(1)), Err(Refused::Unknown(Some("max_strlen"))));
        assert_eq!(set("btf", word("x")), Err(Refused::EnvironmentOnly));
        assert!(matches!(set("unstable_macro", Value::Int(1)), Ok(Accepted::NoEffect(_))));
        assert_eq!(set("strlen", Value::Int(9)), Ok(Accepted::Renamed("max_strlen")));
        assert_eq!((config.unstable_tseries, config.max_strlen), (Policy::Enable, 9));
    }

    #[test]
    fn every_variable_takes_its_own_value() {
        let mut config = Config::default();
        for (name, _) in VARIABLES {
            let value = config.get(name).expect("a value");
            assert!(config.set(name, &value).is_ok(), "{name} = {value}");
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn the_process_environment_wins() {
        let mut settings = Settings::default();
        assert_eq!(settings.fix("BPFTRACE_MAX_STRLEN", "0x40"), Ok(()));
        assert!(settings.is_fixed("max_strlen") && settings.config.max_strlen == 64);
        assert_eq!(settings.fix("BPFTRACE_PRINT_MAPS_ON_EXIT", "0"), Ok(()));
        assert!(!settings.config.print_maps_on_exit);
        for ignored in ["BPFTRACE_STRLEN", "BPFTRACE_FOO", "BPFTRACE_UNSTABLE_MACRO", "MAX_STRLEN"] {
            assert_eq!(settings.fix(ignored, "7"), Ok(()));
        }
        assert_eq!(settings.config.max_strlen, 64);
        for wrong in ["abc", "-4", ""] {
            assert!(settings.fix("BPFTRACE_MAX_STRLEN", wrong).is_err(), "{wrong}");
        }
    }
}
