//! `/proc/kallsyms` → addresses of Linux's symbols.
//!
//! The file has some hundred thousand lines and is only read when a program asks for a symbol.

use std::fs::File;
use std::io::{BufRead, BufReader};

use probebook_lang::host::Unavailable;

const PATH: &str = "/proc/kallsyms";

/// The address of the first symbol of a name; `None` if there is none.
///
/// # Errors
/// In words, where the file cannot be read, or hides addresses from us.
pub fn address(name: &str) -> Result<Option<u64>, Unavailable> {
    let unreadable = |error| Unavailable(format!("{PATH}: {error}"));
    let mut file = BufReader::new(File::open(PATH).map_err(unreadable)?);
    let mut line = String::new();
    while file.read_line(&mut line).map_err(unreadable)? > 0 {
        if let Some((address, found)) = parse(&line)
            && found == name
        {
            if address == 0 {
                let why = "Linux hides the addresses of its symbols from this process";
                return Err(Unavailable(format!("{why} (kernel.kptr_restrict)")));
            }
            return Ok(Some(address));
        }
        line.clear();
    }
    Ok(None)
}

/// A line as `ffffffff81000000 T _text` or `ffffffffc0000000 t init\t[module]`.
fn parse(line: &str) -> Option<(u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    Some((address, words.nth(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(parse("ffffffff81000000 T _text\n"), Some((0xffff_ffff_8100_0000, "_text")));
        assert_eq!(parse("ffffffffc0000000 t init\t[module]\n"), Some((0xffff_ffff_c000_0000, "init")));
        assert_eq!(parse("\n"), None);
    }

    #[test]
    fn what_is_not_there() {
        assert_eq!(address("no such symbol"), Ok(None));
    }
}
