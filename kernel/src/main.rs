//! The `probebook` command.

fn main() -> std::process::ExitCode {
    probebook::cli::main()
}
