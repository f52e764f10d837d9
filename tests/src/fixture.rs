//! A file under `fixtures/` → [`Fixture`]: the program and the directives in its leading comments.
//!
//! A directive is a comment line `// name: words` before the program:
//! * `args:` positional parameters and options; `TID` stands for the thread that runs the workload;
//! * `needs:` what Linux must have for it, by the names of its probes: `kprobe`;
//! * `unsafe: on` allows unsafe functions;
//! * `env: NAME=value` a variable of the process environment;
//! * `watch: everything` or `nothing`: what programs notice of what goes wrong (`-k`, `--no-warnings`);
//! * `call:` the workload, run once the probes are live: see [`Workload`].

use std::path::{Path, PathBuf};
use std::{fs, io};

use probebook_lang::environment::{Environment, Parameters, Watch};

/// What a fixture does once its probes are live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workload {
    /// `getppid n`: the system call, n times.
    Getppid(u32),
    /// `close n`: closes a descriptor that is not open.
    Close(i32),
    /// `write n TEXT`: the system call with a descriptor that is not open and n bytes of the text.
    Write(usize, String),
    /// `exec ARGUMENTS`: the system call for a program that is not there, whose arguments these are.
    Exec(Vec<String>),
    /// `open PATH`: opens a file that is not there.
    Open(String),
    /// `atoi TEXT`: libc's function.
    Atoi(String),
    /// `fault n`: touches n fresh pages.
    Fault(usize),
    /// `signal n`: SIGUSR1 for the `self` probes, n times.
    Signal(u32),
    /// `sleep n`: sleeps a millisecond, n times.
    Sleep(u32),
}

/// A program with its directives.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The file.
    pub path: PathBuf,
    /// The file's name without its ending.
    pub name: String,
    /// The whole text; directives are comments of the language.
    pub text: String,
    /// `args:`
    pub args: Vec<String>,
    /// `needs:`
    pub needs: Vec<String>,
    /// `unsafe: on`
    pub unsafe_allowed: bool,
    /// `env:`
    pub env: Vec<(String, String)>,
    /// `watch:`
    pub watch: Watch,
    /// `call:`
    pub workload: Option<Workload>,
}

impl Fixture {
    /// Reads a fixture.
    ///
    /// # Panics
    /// On a file that cannot be read and on a directive it does not know: both are faults of the fixture.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut fixture = Self {
            path: path.to_owned(),
            name,
            args: vec![],
            needs: vec![],
            unsafe_allowed: false,
            env: vec![],
            watch: Watch::default(),
            workload: None,
            text: String::new(),
        };
        for line in text.lines().take_while(|line| line.starts_with("//")) {
            let Some((directive, words)) = line.trim_start_matches('/').trim().split_once(": ") else {
                continue;
            };
            match directive {
                "args" => {
                    fixture.args = words.split(' ').map(|word| word.trim_matches('"').to_owned()).collect()
                }
                "needs" => fixture.needs = words.split(' ').map(str::to_owned).collect(),
                "unsafe" => fixture.unsafe_allowed = words == "on",
                "env" => {
                    let (name, value) = words.split_once('=').unwrap_or((words, ""));
                    fixture.env.push((name.to_owned(), value.to_owned()));
                }
                "watch" => {
                    fixture.watch = match words {
                        "everything" => Watch::Everything,
                        "nothing" => Watch::Nothing,
                        _ => panic!("not a level: {words}"),
                    }
                }
                "call" => fixture.workload = Some(Workload::parse(words)),
                _ => {}
            }
        }
        fixture.text = text;
        fixture
    }
}

impl Fixture {
    /// Sets what `env:` and `watch:` say.
    ///
    /// # Panics
    /// On a value that the variable does not take.
    pub fn set_environment(&self, environment: &mut Environment) {
        environment.watch = self.watch;
        for (name, value) in &self.env {
            environment.settings.fix(name, value).unwrap_or_else(|reason| panic!("{reason}"));
        }
    }
}

/// What `args:` says.
pub fn parameters(words: Vec<String>) -> Parameters {
    Parameters { is_strict: true, ..Parameters::from_words(words) }
}

impl Workload {
    fn parse(words: &str) -> Self {
        let (call, argument) = words.split_once(' ').unwrap_or((words, ""));
        let number = || argument.parse().unwrap_or_else(|_| panic!("not a number: {argument}"));
        match call {
            "getppid" => Self::Getppid(number() as u32),
            "close" => Self::Close(number()),
            "write" => {
                let (count, text) = argument.split_once(' ').unwrap_or((argument, ""));
                let count = count.parse().unwrap_or_else(|_| panic!("not a number: {count}"));
                Self::Write(count, text.to_owned())
            }
            "exec" => Self::Exec(argument.split(' ').map(str::to_owned).collect()),
            "open" => Self::Open(argument.to_owned()),
            "atoi" => Self::Atoi(argument.to_owned()),
            "fault" => Self::Fault(number() as usize),
            "signal" => Self::Signal(number() as u32),
            "sleep" => Self::Sleep(number() as u32),
            _ => panic!("unknown call: {call}"),
        }
    }
}

/// The fixtures of a folder, by name.
///
/// # Errors
/// Where the folder cannot be read.
pub fn all(folder: &str) -> io::Result<Vec<Fixture>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(root().join(folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "bt"))
        .collect();
    paths.sort();
    Ok(paths.iter().map(|path| Fixture::read(path)).collect())
}

/// The folder of all fixtures.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
