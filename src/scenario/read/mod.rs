//! From text to the scenario as written. Nothing here stops at a mistake: every reader complains and goes on with what
//! it has, so that one look at a file tells everything that is wrong with it.

#![allow(clippy::result_large_err, reason = "a complaint is made once per mistake, not once per event")]

mod desk;
mod file;
mod files;
mod value;
mod view;

use toml::de::DeTable;

use super::written::Scenario;
use crate::diag::{Complaint, Source, code};

pub(crate) use super::tables::laws::{counts, fill_shares, law};
pub(crate) use desk::Desk;
pub(crate) use file::{check_name, named, segment};
pub use files::values;
pub(crate) use files::{arrivals as recorded, samples};
pub(crate) use value::{
    array, as_number, bad, bandwidth, count, count_or, duration, flag, number, rate, share, size, suggest, table,
    target, text, time_text, weight, whole, wrong_kind, zone,
};
pub(crate) use view::{View, all_spoken, listed, not_yet, rule, spoken, unknown_word};

/// A value of the parsed text, with its place.
pub(crate) type Value<'t> = toml::Spanned<toml::de::DeValue<'t>>;

/// Reads a text. A scenario comes back whenever the text is TOML, however wrong; it may be used only without errors.
pub(super) fn read(source: &Source) -> (Option<Scenario>, Desk<'_>) {
    let mut desk = Desk::new(source);
    if source.text.trim().is_empty() {
        desk.push(
            Complaint::error(code::EMPTY, "the file is empty")
                .help("begin with `version = 1`, a client and a service; `hoptax new` writes an example"),
        );
        return (None, desk);
    }
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        desk.complaints.extend(errors.iter().map(|error| syntax(error, &source.text)));
        return (None, desk);
    }
    let scenario = file::read(&mut desk, table.get_ref());
    // A file of another version has another vocabulary: what this one makes of the rest is beside the point.
    if let Some(version) =
        desk.complaints.iter().find(|c| c.code == code::BAD_VERSION && c.label == file::OTHER_VERSION)
    {
        desk.complaints = vec![version.clone()];
        return (None, desk);
    }
    (Some(scenario), desk)
}

fn syntax(error: &toml::de::Error, text: &str) -> Complaint {
    let place = error.span().unwrap_or_else(|| deepest(text));
    Complaint::error(code::SYNTAX, format!("not TOML: {}", error.message())).at(place)
}

/// Where brackets, or the parts of a key, are inside each other the most: the parser gives up there without saying where.
fn deepest(text: &str) -> std::ops::Range<usize> {
    let (mut depth, mut most, mut at) = (0_usize, 0, 0);
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' | b'.' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' if text[..i].ends_with(|c: char| c.is_alphanumeric() || c == '"') => depth = 0,
            _ => {}
        }
        if depth > most {
            (most, at) = (depth, i);
        }
    }
    at..(at + 1).min(text.len())
}
