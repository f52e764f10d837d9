//! printf format → its conversions, to check arguments against.
//!
//! *Not here:* making the text, which user space does when the record arrives (`probebook_ebpf::event`).

use crate::types::Type;

/// A conversion in a format: what stands between `%` and its letter does not matter for types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// As written, with the `%`.
    pub text: String,
    /// The letter.
    pub letter: char,
}

/// The conversions of a format in order, or the text of the first that is none.
pub fn conversions(format: &[u8]) -> Result<Vec<Conversion>, String> {
    let text: Vec<char> = String::from_utf8_lossy(format).chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] != '%' {
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        if text.get(at) == Some(&'%') {
            at += 1;
            continue;
        }
        while text.get(at).is_some_and(|c| "-+ #0123456789.*hljztL".contains(*c)) {
            at += 1;
        }
        let letter = text.get(at).copied().unwrap_or(' ');
        at = (at + 1).min(text.len());
        let text: String = text[start..at].iter().collect();
        if !"diuxXocps".contains(letter) {
            return Err(text);
        }
        found.push(Conversion { text, letter });
    }
    Ok(found)
}

impl Conversion {
    /// Whether a value of the type can be printed so.
    pub fn accepts(&self, ty: &Type) -> bool {
        match self.letter {
            's' => *ty != Type::Void,
            _ => ty.is_scalar(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_conversions() {
        let letters = |format: &str| {
            conversions(format.as_bytes()).map(|found| found.iter().map(|c| c.letter).collect::<String>())
        };
        assert_eq!(letters("%d %-5s 100%% %08llx%c"), Ok("dsxc".into()));
        assert_eq!(letters("%*.2s"), Ok("s".into()));
        assert_eq!(letters("%5f"), Err("%5f".into()));
        assert_eq!(letters("100%"), Err("%".into()));
    }
}
