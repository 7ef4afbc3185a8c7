//! Complaints of one kind, told once: a file of forty services has one habit, not forty mistakes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Code, Complaint, Severity, Source, excerpt};

/// So many of a kind are told in full one by one.
const FEW: usize = 2;

/// So many of the rest are named.
const NAMED: usize = 12;

/// Complaints that differ by names and numbers only; the first speaks for all.
pub(super) struct Group<'c> {
    pub(super) first: &'c Complaint,
    rest: Vec<&'c Complaint>,
}

/// The complaints in their order; warnings and notes of a kind that comes more than twice stand where its first does.
pub(super) fn grouped(complaints: &[Complaint]) -> Vec<Group<'_>> {
    let all: Vec<Option<Kind>> = complaints.iter().map(kind).collect();
    let mut kinds: BTreeMap<&Kind, (usize, Option<usize>)> = BTreeMap::new();
    all.iter().flatten().for_each(|kind| kinds.entry(kind).or_default().0 += 1);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (complaint, kind) in complaints.iter().zip(&all) {
        let many = kind.as_ref().and_then(|kind| kinds.get_mut(kind)).filter(|(count, _)| *count > FEW);
        if let Some((_, Some(at))) = many {
            groups[*at].rest.push(complaint);
            continue;
        }
        if let Some((_, at)) = many {
            *at = Some(groups.len());
        }
        groups.push(Group { first: complaint, rest: Vec::new() });
    }
    groups
}

/// What complaints of a kind share: all but names in backticks and numbers. Errors are told one by one: each is cured by
/// itself.
type Kind = (Code, String);

fn kind(complaint: &Complaint) -> Option<Kind> {
    let shape = complaint.message.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let shape: String = shape.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect();
    (complaint.severity != Severity::Error).then_some((complaint.code, shape))
}

impl Group<'_> {
    /// `… and 18 more like it: orders (line 12), stock (line 30)`; nothing where it stands alone.
    pub(super) fn rest(&self, source: &Source) -> Option<String> {
        if self.rest.is_empty() {
            return None;
        }
        let known: Vec<&str> = quoted(self.first).collect();
        let mut text = format!("… and {} more like it: ", self.rest.len());
        for (at, complaint) in self.rest.iter().take(NAMED).enumerate() {
            // What tells it from the first; where nothing does, its line is enough.
            let own: Vec<&str> = quoted(complaint).filter(|name| !known.contains(name)).collect();
            let line = complaint.place.as_ref().map(|place| format!("line {}", source.line_column(place.start).0));
            let name = excerpt(&own.join(" → "), 60);
            let told = match (name.is_empty(), line) {
                (true, line) => line.unwrap_or_default(),
                (false, Some(line)) => format!("{name} ({line})"),
                (false, None) => name,
            };
            let _ = write!(text, "{}{told}", if at == 0 { "" } else { ", " });
        }
        if self.rest.len() > NAMED {
            let _ = write!(text, " …");
        }
        Some(text)
    }
}

/// The names in backticks.
fn quoted(complaint: &Complaint) -> impl Iterator<Item = &str> {
    complaint.message.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::super::code;
    use super::*;

    fn idle(name: &str, place: usize) -> Complaint {
        Complaint::note(code::NEVER_QUEUES, format!("nothing will ever queue at `{name}`: 40 workers")).at(place..place)
    }

    #[test]
    fn many_of_a_kind_are_told_once_with_their_names() {
        let source = Source::text("x.toml", "a\nb\nc\nd\n");
        let mut all = vec![idle("a", 0), idle("b", 2), idle("c", 4)];
        all.insert(1, Complaint::warning(code::UNUSED, "nothing uses `x`"));
        let groups = grouped(&all);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].rest(&source).as_deref(), Some("… and 2 more like it: b (line 2), c (line 3)"));
        assert_eq!(groups[1].rest(&source), None);
        assert_eq!(grouped(&all[..3]).len(), 3, "two are told one by one");
    }

    #[test]
    fn every_error_is_told() {
        let wrong = |name: &str| Complaint::error(code::UNKNOWN_NAME, format!("no `{name}`"));
        assert_eq!(grouped(&["a", "b", "c", "d"].map(wrong)).len(), 4);
    }
}
