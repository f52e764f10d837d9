//! a misspelt word and the words that exist → the nearest of them, for "did you mean".

/// The candidate that differs least from the word, if it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate, limit), candidate))
        .filter(|&(distance, candidate)| distance <= limit && candidate != word)
        .min_by_key(|&(distance, candidate)| (distance, candidate.len().abs_diff(word.len())))
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour, case apart;
/// anything above `limit` once it is more.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let a: Vec<_> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<_> = b.chars().flat_map(char::to_lowercase).collect();
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let words = ["print", "printf", "count", "comm"];
        assert_eq!(nearest("prinft", words), Some("printf"));
        assert_eq!(nearest("cont", words), Some("count"));
        assert_eq!(nearest("Comm", words), Some("comm"));
        assert_eq!(nearest("frobnicate", words), None);
    }
}
