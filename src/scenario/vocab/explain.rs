//! The vocabulary in words.

/// What a word of the scenario file means; `None` for a word that is none.
pub fn explain(_word: &str) -> Option<String> {
    None
}
