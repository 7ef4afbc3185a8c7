//! JSON: the contract as it stands, indented, without a timestamp, so that the same input gives the same bytes.

use serde::Serialize;

use crate::diag::is_harmless;
use crate::experiment::summary::Summary;

/// One summary as an object.
pub fn one(summary: &Summary) -> String {
    pretty(summary)
}

/// Several summaries (a file's variants) as an array, in the order given.
pub fn several(summaries: &[Summary]) -> String {
    pretty(&summaries)
}

/// One object for one summary, an array for several.
pub fn render(summaries: &[Summary]) -> String {
    match summaries {
        [summary] => one(summary),
        _ => several(summaries),
    }
}

/// Indented JSON with a newline at the end. A summary has string keys and plain values, which cannot fail. What could
/// reorder or hide text on a terminal is escaped; such characters stand in strings only.
pub fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        text.push('\n');
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c == '\n' || is_harmless(c) {
            shown.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        }
    }
    shown.push('\n');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn one_is_an_object_and_several_an_array() {
        let summary = sample::summary();
        let one: serde_json::Value = serde_json::from_str(&render(std::slice::from_ref(&summary))).unwrap();
        assert_eq!(one["scenario"]["name"], "chain");
        assert_eq!(one["run"]["note"], "simulated, not measured");
        let two: serde_json::Value = serde_json::from_str(&render(&[summary.clone(), summary])).unwrap();
        assert_eq!(two.as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_could_reorder_a_line_is_escaped() {
        let name = "a\u{202e}b\u{200b}c\u{85}d\u{e0041}é";
        let text = pretty(&name);
        assert_eq!(text, "\"a\\u202eb\\u200bc\\u0085d\\udb40\\udc41é\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
    }

    #[test]
    fn bytes_repeat_and_end_in_a_newline() {
        let text = render(&[sample::summary()]);
        assert_eq!(text, render(&[sample::summary()]));
        assert!(text.ends_with("}\n"));
    }
}
