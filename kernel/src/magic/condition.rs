//! `@n["key"] >= 1000` → [`Condition`]: what `%%trace until` waits for.

use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_ebpf::value::Value;
use probebook_lang::source::Span;

use super::Fault;

/// A comparison of a number in a map with a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The map, without the `@`.
    pub map: String,
    subject: Subject,
    operator: Operator,
    number: i128,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// `@m`: of a keyed map, any of its elements.
    Any,
    /// `@m[key]`
    Element(Vec<Literal>),
    /// `len(@m)`
    Len,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Number(i128),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

impl Condition {
    /// Reads a condition from the front of `text`, and gives back what follows it.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<(Self, &str), Fault> {
        let mut reader = Reader { text, rest: text };
        let is_len = reader.eat("len(");
        if !reader.eat("@") {
            return Err(reader.fault("a condition starts with a map"));
        }
        let map = reader.identifier();
        let mut subject = if is_len { Subject::Len } else { Subject::Any };
        if is_len {
            if !reader.eat(")") {
                return Err(reader.fault("`)` is missing"));
            }
        } else if reader.eat("[") {
            subject = Subject::Element(reader.key()?);
        }
        let operator = reader.operator()?;
        let number = reader.number().ok_or_else(|| reader.fault("a whole number is missing"))?;
        Ok((Self { map, subject, operator, number }, reader.rest))
    }

    /// Whether it holds now; never for a map that is not there.
    pub fn holds(&self, snapshot: &MapSnapshot) -> bool {
        match &self.subject {
            Subject::Len => self.compare(snapshot.entries.len() as i128),
            Subject::Any => snapshot.entries.iter().any(|entry| self.holds_for(entry)),
            Subject::Element(key) => {
                snapshot.entries.iter().filter(|entry| is_key(entry, key)).any(|entry| self.holds_for(entry))
            }
        }
    }

    fn holds_for(&self, entry: &Entry) -> bool {
        number_of(&entry.value).is_some_and(|number| self.compare(number))
    }

    fn compare(&self, number: i128) -> bool {
        match self.operator {
            Operator::Lt => number < self.number,
            Operator::Le => number <= self.number,
            Operator::Gt => number > self.number,
            Operator::Ge => number >= self.number,
            Operator::Eq => number == self.number,
            Operator::Ne => number != self.number,
        }
    }
}

fn is_key(entry: &Entry, key: &[Literal]) -> bool {
    entry.key.len() == key.len()
        && entry.key.iter().zip(key).all(|(value, literal)| match literal {
            Literal::Number(number) => integer(value) == Some(*number),
            Literal::Text(text) => matches!(value, Value::String(bytes) if bytes == text.as_bytes()),
        })
}

/// An aggregation of numbers counts as its average, a histogram as the number of its values, a time series as its
/// last number.
fn number_of(value: &EntryValue) -> Option<i128> {
    match value {
        EntryValue::Plain(value) | EntryValue::Number(value) => integer(value),
        EntryValue::Average { count: 0, .. } => None,
        EntryValue::Average { total, count } => Some(i128::from(*total) / i128::from(*count)),
        EntryValue::Series(points) => points.last().and_then(|point| integer(&point.value)),
        EntryValue::Buckets(counts) => Some(counts.iter().map(|&count| i128::from(count)).sum()),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(value) => Some(i128::from(*value)),
        Value::Int(value) | Value::Enum(value, _) => Some(i128::from(*value)),
        Value::Uint(value) | Value::Pointer(value) => Some(i128::from(*value)),
        Value::String(_)
        | Value::Buffer(_)
        | Value::Handle { .. }
        | Value::Tuple(_)
        | Value::Array(_)
        | Value::Record(_) => None,
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    fn identifier(&mut self) -> String {
        self.take_while(|c| c.is_alphanumeric() || c == '_')
    }

    fn key(&mut self) -> Result<Vec<Literal>, Fault> {
        let mut key = Vec::new();
        loop {
            if self.eat("\"") {
                key.push(Literal::Text(self.take_while(|c| c != '"')));
                if !self.eat("\"") {
                    return Err(self.fault("the quote is not closed"));
                }
            } else {
                let number =
                    self.number().ok_or_else(|| self.fault("a key is a number or a text in quotes"))?;
                key.push(Literal::Number(number));
            }
            if self.eat("]") {
                return Ok(key);
            }
            if !self.eat(",") {
                return Err(self.fault("`]` is missing"));
            }
        }
    }

    fn operator(&mut self) -> Result<Operator, Fault> {
        const OPERATORS: [(&str, Operator); 6] = [
            ("<=", Operator::Le),
            (">=", Operator::Ge),
            ("==", Operator::Eq),
            ("!=", Operator::Ne),
            ("<", Operator::Lt),
            (">", Operator::Gt),
        ];
        let found = OPERATORS.into_iter().find(|(token, _)| self.eat(token));
        found.map(|(_, operator)| operator).ok_or_else(|| self.fault("a comparison is missing"))
    }

    /// With `_` between digits, and the suffixes `K`, `M`, `G` for powers of 1000.
    fn number(&mut self) -> Option<i128> {
        let is_negative = self.eat("-");
        self.rest = self.rest.trim_start();
        let digits = self.take_while(|c| c.is_ascii_digit() || c == '_');
        let number: i64 = digits.replace('_', "").parse().ok()?;
        let factor = match self.take_while(|c| c.is_ascii_alphabetic()).as_str() {
            "" => 1,
            "K" | "k" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            _ => return None,
        };
        Some(i128::from(number) * factor * if is_negative { -1 } else { 1 })
    }

    fn fault(&self, message: &str) -> Fault {
        let rest = self.rest.trim_start();
        let start = self.text.len() - rest.len();
        let end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
        Fault::new(Span::new(start as u32, end as u32), message)
            .help("write `until @n >= 1000`, `until @n[\"cat\"] > 5` or `until len(@n) == 3`")
    }
}

#[cfg(test)]
mod tests {
    use probebook_lang::types::{MapType, MapValue};

    use super::*;

    fn snapshot() -> MapSnapshot {
        let entry = |name: &str, n| Entry {
            key: vec![Value::String(name.into()), Value::Int(-3)],
            value: EntryValue::Number(Value::Uint(n)),
        };
        let ty = MapType { key: None, value: MapValue::Count, unit: None };
        MapSnapshot { name: "n".into(), ty, entries: vec![entry("cat", 5), entry("a b", 2000)] }
    }

    fn holds(text: &str) -> bool {
        let (condition, rest) = Condition::parse(text).unwrap();
        assert_eq!(rest.trim(), "");
        condition.holds(&snapshot())
    }

    #[test]
    fn compares() {
        assert!(holds("@n >= 2K") && !holds("@n > 2_000"));
        assert!(holds("@n[\"cat\", -3] == 5") && !holds("@n[\"cat\",-3]!=5"));
        assert!(!holds("@n[\"cat\"] == 5") && !holds("@n[\"dog\", -3] < 9"));
        assert!(holds("len(@n) == 2") && holds("@n <= 5") && !holds("@n < -1"));
    }

    #[test]
    fn leaves_the_rest_of_the_line() {
        let (condition, rest) = Condition::parse(" @ >= 7 -c x").unwrap();
        assert_eq!((condition.map.as_str(), rest), ("", " -c x"));
    }

    #[test]
    fn averages_and_histograms_have_numbers() {
        assert_eq!(number_of(&EntryValue::Average { total: -9, count: 2 }), Some(-4));
        assert_eq!(number_of(&EntryValue::Average { total: 0, count: 0 }), None);
        assert_eq!(number_of(&EntryValue::Buckets(vec![1, 2])), Some(3));
    }

    #[test]
    fn faults() {
        for text in ["n > 1", "@n", "@n > x", "@n[", "@n[\"a > 1", "@n[1 > 1", "len(@n > 1", "@n > 1x"] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
    }
}
