//! Text that has to fit: widths as a terminal counts them, names made harmless, cuts with an ellipsis.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::diag::{clean, clean_lines};

/// A verb that agrees with a name: of several where the name is a plural, as `browsers` is.
pub fn agree<'w>(name: &str, one: &'w str, several: &'w str) -> &'w str {
    if name.ends_with('s') && !name.ends_with("ss") { several } else { one }
}

/// Columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The beginning of `text` that fits `room` columns; an ellipsis shows that there was more.
pub fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > room {
            break;
        }
        kept.push(c);
        used += wide;
    }
    if room > 0 {
        kept.push('…');
    }
    kept
}

/// A name in `room` columns: beginning and end of it, because that is where long names differ; of an edge or a pair those of
/// both.
pub fn cut_name(name: &str, room: usize) -> String {
    if width(name) <= room {
        return name.to_owned();
    }
    if let Some((from, between, to)) =
        BETWEEN.iter().find_map(|between| name.split_once(between).map(|(from, to)| (from, between, to)))
    {
        let each = room.saturating_sub(width(between)) / 2;
        let spare = |other: &str| each + each.saturating_sub(width(other));
        return format!("{}{between}{}", cut_name(from, spare(to)), cut_name(to, spare(from)));
    }
    let tail = room.saturating_sub(1) / 2;
    let end: String = name.chars().rev().take(tail).collect();
    let end: String = end.chars().rev().collect();
    cut(name, room.saturating_sub(width(&end))) + &end
}

/// Between the ends of an edge, and between two of a pair.
const BETWEEN: [&str; 2] = [" -> ", " · "];

/// Joins `parts` by ` · ` into lines of at most `room` columns; a part too long for a line is cut.
pub fn joined(parts: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let part = cut(part, room);
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(&part) <= room => {
                line.push_str(" · ");
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}

/// How many of a kind a sentence names.
const OF_A_KIND: usize = 4;

/// What is said of several for the same reason, in one sentence: the first few, and how many more there are.
pub fn grouped(kind: &str, what: Vec<String>) -> Vec<String> {
    let more = what.len().saturating_sub(OF_A_KIND);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let said = what.iter().take(OF_A_KIND).map(String::as_str).collect::<Vec<_>>().join("; ");
    if said.is_empty() { Vec::new() } else { vec![format!("{kind}{said}{more}")] }
}

/// Words of which none is a number without its unit.
fn together(text: &str) -> Vec<String> {
    const UNITS: [&str; 8] = ["%", "ns", "µs", "ms", "s", "min", "k", "M"];
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = UNITS.contains(&word.trim_end_matches([',', '.', ';', ':', ')', ']']));
        match words.last_mut() {
            Some(number) if is_unit && number.ends_with(|c: char| c.is_ascii_digit()) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Breaks a sentence between words into lines of at most `room` columns.
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in together(text) {
        let word = cut(&word, room);
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&word) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_fits_and_shows() {
        assert_eq!(cut("payments", 8), "payments");
        assert_eq!(cut("payments", 5), "paym…");
        assert_eq!(cut("支払いサービス", 7), "支払い…");
        assert_eq!(cut("payments", 0), "");
        assert!(width(&cut("支払いサービス", 6)) <= 6);
    }

    #[test]
    fn names_keep_both_their_ends() {
        assert_eq!(cut_name("payments", 8), "payments");
        assert_eq!(cut_name("payments-of-the-north", 11), "payme…north");
        assert_eq!(cut_name("a -> payments-of-the-north", 16), "a -> payme…north");
        assert_eq!(cut_name("payments-east -> payments-west", 18), "pay…ast -> pay…est");
        assert!((0..30).all(|room| width(&cut_name("支払いサービスの台帳", room)) <= room));
    }

    #[test]
    fn what_is_of_one_kind_is_one_sentence() {
        let of = |n: usize| (1..=n).map(|i| format!("d{i}")).collect();
        assert!(grouped("lost: ", of(0)).is_empty());
        assert_eq!(grouped("lost: ", of(2)), ["lost: d1; d2"]);
        assert_eq!(grouped("lost: ", of(9)), ["lost: d1; d2; d3; d4; and 5 more"]);
    }

    #[test]
    fn lines_keep_within_their_room() {
        let parts: Vec<String> = ["seed 1", "10 × 60 s", "a very long part"].map(String::from).into();
        assert_eq!(joined(&parts, 20), ["seed 1 · 10 × 60 s", "a very long part"]);
        assert_eq!(wrapped("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("lost 79.0 %, after 5 s.", 9), ["lost", "79.0 %,", "after", "5 s."]);
        assert!(wrapped(&"x".repeat(99), 20).iter().all(|line| width(line) <= 20));
    }
}
