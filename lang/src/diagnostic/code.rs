//! complaint → [`Code`]: the stable name of each complaint, which error fixtures are called after.
//!
//! *Invariant:* a code's name never changes meaning; every code has a name and one sentence, and stands in
//! [`Code::ALL`].

macro_rules! codes {
    ($($code:ident = $name:literal, $sentence:literal;)*) => {
        /// The stable name of a complaint.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $sentence] $code,)*
        }

        impl Code {
            /// All codes, in the order of the stages that report them.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// Its short name, as shown in brackets behind the severity.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// One sentence on what it means.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$code => $sentence,)*
                }
            }
        }
    };
}

// Sections: text, structure, not yet supported, macros, configuration, probes, names, types, maps, calls, control flow,
// running, loading.
codes! {
    InvalidCharacter = "invalid-character", "A character that has no meaning in the language.";
    InvalidNumber = "invalid-number", "A number whose digits, suffix or size cannot be read.";
    UnterminatedString = "unterminated-string", "A string that has no closing quote on its line.";
    InvalidEscape = "invalid-escape", "A backslash in a string followed by something that is no escape.";
    UnterminatedComment = "unterminated-comment", "A `/*` without its `*/`.";

    Expected = "expected", "Something else had to stand at this place.";
    ExpectedExpression = "expected-expression", "A value had to stand at this place.";
    DuplicateField = "duplicate-field", "A field of a record that is written twice.";
    UnclosedDelimiter = "unclosed-delimiter", "A bracket that is never closed.";
    UnmatchedDelimiter = "unmatched-delimiter", "A closing bracket that nothing opened.";
    InvalidAssignment = "invalid-assignment", "The left side of an assignment or step is not a variable or map.";
    InvalidAttachPoint = "invalid-attach-point", "An attach point that is not words separated by colons.";
    Misplaced = "misplaced", "A part of the program that has to stand elsewhere.";
    TooDeep = "too-deep", "Brackets, blocks or operators nested deeper than the compiler follows.";

    Unsupported = "unsupported", "A part of the language that Probebook does not support yet.";

    InvalidDirective = "invalid-directive", "A line for the C preprocessor that cannot be followed.";
    MissingHeader = "missing-header", "A header that is not found.";
    InvalidDeclaration = "invalid-declaration", "A C declaration that cannot be read, or has no layout.";
    DuplicateDefinition = "duplicate-definition", "A C name that the program defines twice.";
    InvalidDefine = "invalid-define", "A `#define` that is used as a value but is none.";
    InvalidImport = "invalid-import", "An import of what is not there or cannot be imported.";
    FunctionRedefinition = "function-redefinition", "A function that is defined twice.";
    FunctionRecursion = "function-recursion", "A function that calls itself, be it through others.";
    MissingReturn = "missing-return", "A function that can end without the result it promises.";
    InvalidParameter = "invalid-parameter", "A parameter that cannot be one, or stands there twice.";
    MacroRedefinition = "macro-redefinition", "A macro of which an earlier one takes all arguments.";
    LeavesMacro = "leaves-macro", "A `return`, `break` or `continue` that would leave its macro.";
    MacroRecursion = "macro-recursion", "A macro whose expansion calls it again.";
    MacroTooLarge = "macro-too-large", "Macros that expand to more than the compiler follows.";
    UnhygienicMap = "unhygienic-map", "A macro that uses a map which is not passed to it.";
    UnknownSetting = "unknown-setting", "A name in the `config` block that is no variable of configuration.";
    InvalidSetting = "invalid-setting", "A value that the variable of configuration does not take.";
    DuplicateSetting = "duplicate-setting", "A variable of configuration that is set twice.";
    OldSetting = "old-setting", "A variable of configuration that has another name now, or no effect.";

    UnknownProbeType = "unknown-probe-type", "The first word of an attach point names no provider.";
    InvalidProbe = "invalid-probe", "The parts of an attach point do not fit its provider.";
    NoMatch = "no-match", "An attach point names nothing that this machine has.";
    TooManyProbes = "too-many-probes", "A wildcard stands for more events than may be attached.";
    HostUnavailable = "host-unavailable", "A fact about this machine could not be read.";
    MissingParameter = "missing-parameter", "A positional parameter that the program was not given.";
    InvalidOption = "invalid-option", "An option of the program that is read or given in a wrong way.";
    UnexpectedOption = "unexpected-option", "An option that the program does not have.";
    NotAvailable = "not-available", "A builtin that means nothing in this kind of probe.";

    UnknownName = "unknown-name", "A name that is no builtin, function or constant.";
    UndefinedVariable = "undefined-variable", "A scratch variable that is used without being declared or assigned.";
    UnassignedVariable = "unassigned-variable", "A scratch variable that is read before it is assigned.";
    UnusedVariable = "unused-variable", "A scratch variable that is never read.";
    Shadowing = "shadowing", "A scratch variable that is declared again while the first is in scope.";
    UnknownField = "unknown-field", "A field that the record does not have.";
    UnknownType = "unknown-type", "A type name that stands for nothing.";

    TypeMismatch = "type-mismatch", "A value of one type where another is needed.";
    StringTooLong = "string-too-long", "A string that has no room in a value of type string.";
    InvalidCast = "invalid-cast", "A conversion between types that do not convert.";
    UnnecessaryCast = "unnecessary-cast", "A conversion to the type that the value has already.";
    InvalidIndex = "invalid-index", "An index that lies outside, or into something that has no elements.";
    NotConstant = "not-constant", "A value that is not known before the program runs, where it must be.";
    Refused = "refused", "A program that refuses itself: `fail` or `static_assert`.";
    ConstantOverflow = "constant-overflow", "A constant computation that overflows or divides by zero.";
    SignChange = "sign-change", "A conversion that may turn a large number negative or the other way round.";
    DistinctPointers = "distinct-pointers", "A comparison of pointers to different types.";
    SignedDivision = "signed-division", "A division that treats a signed number as unsigned.";

    UndefinedMap = "undefined-map", "A map that is used as a whole but is never assigned.";
    UnassignedMap = "unassigned-map", "A map that is read but is never assigned.";
    MapTypeMismatch = "map-type-mismatch", "A map whose key or value is not what it was elsewhere.";
    UnusedMap = "unused-map", "A map that is declared but never used.";
    InvalidMapKind = "invalid-map-kind", "A kind of map that does not exist or cannot hold the values.";
    MapReplaced = "map-replaced", "A map of an earlier cell that is made anew with another type.";
    MisplacedAggregation = "misplaced-aggregation", "An aggregation that is not the right side of a map assignment.";
    InvalidBuckets = "invalid-buckets", "Bucket parameters that make no histogram.";

    WrongArguments = "wrong-arguments", "A call with arguments that the function does not take.";
    InvalidFormat = "invalid-format", "A format string that does not fit its values.";
    DebugOutput = "debug-output", "Output that goes to a place which all of the machine shares.";
    UnsafeFunction = "unsafe-function", "A function that can harm the machine and was not allowed.";
    InvalidTarget = "invalid-target", "Something that cannot be assigned, or not in this way.";

    InvalidUnroll = "invalid-unroll", "An `unroll` whose count is not a constant from 1 to 100.";
    OutsideLoop = "outside-loop", "A `break` or `continue` that no loop surrounds.";
    Unstable = "unstable", "A part of the language that may still change.";
    Deprecated = "deprecated", "A part of the language that bpftrace is about to give up.";
    Unreachable = "unreachable", "A statement that is never reached.";
    UnusedValue = "unused-value", "A value that is computed and dropped.";

    Runtime = "runtime", "Something that went wrong while the program ran.";

    NotAttached = "not-attached", "A probe that Linux could not attach.";
    Verifier = "verifier", "A program that Linux's verifier refused.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_kebab_case() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_name_is_the_code_in_kebab_case() {
        for code in Code::ALL {
            let mut name = String::new();
            for c in format!("{code:?}").chars() {
                if c.is_uppercase() && !name.is_empty() {
                    name.push('-');
                }
                name.extend(c.to_lowercase());
            }
            assert_eq!(code.name(), name);
        }
    }
}
