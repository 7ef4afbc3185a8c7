//! What a text may do where it is shown: nothing but be read. Names, values and paths come from files of others; they may
//! neither move the cursor nor reorder a line, nor bury everything else by their length.

use unicode_width::UnicodeWidthChar as _;

/// A name or a sentence that can be shown: what would move the cursor, reorder the line or stay invisible becomes `�`.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// The same for what has several lines of its own.
pub fn clean_lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || is_harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// The same, and no longer than `room` characters: a value may be megabytes.
pub fn excerpt(text: &str, room: usize) -> String {
    let mut kept = clean(&text.chars().take(room).collect::<String>());
    if text.chars().nth(room).is_some() {
        kept.push('…');
    }
    kept
}

/// What so many of something are called: `nouns(1, "effect")` is `effect`, of all others `effects`.
pub fn nouns(count: u64, one: &str) -> String {
    if count == 1 { one.to_owned() } else { format!("{one}s") }
}

/// Whether a character does nothing but stand there.
pub fn is_harmless(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !unseen && c.width().is_some_and(|w| w > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor() {
        assert_eq!(clean("a\u{1b}[31mb\nc\u{202e}d\u{200b}e\u{61c}f"), "a�[31mb�c�d�e�f");
        assert_eq!(clean("café 支払い"), "café 支払い");
        assert_eq!(clean_lines("two\nlines\r\u{9b}31m"), "two\nlines��31m");
    }

    #[test]
    fn a_long_value_buries_nothing() {
        assert_eq!(excerpt("short", 5), "short");
        assert_eq!(excerpt("longer", 5), "longe…");
        assert_eq!(excerpt(&"x".repeat(50 << 20), 20).chars().count(), 21);
    }
}
