//! Names as a scenario has them: letters, digits, hyphens and underscores. Two that come out alike stay two: the second has a number.

use std::collections::{BTreeMap, BTreeSet};

use super::found::Found;

/// A node's name.
pub(super) fn node_name(name: &str) -> String {
    slug(name, "unnamed")
}

/// An endpoint's name; empty for the default one, which is what a service's own name stands for.
pub(super) fn endpoint_name(service: &str, name: &str) -> String {
    let own = name
        .strip_prefix(service)
        .map_or(name, |rest| rest.strip_prefix(['.', '/', ':']).unwrap_or(if rest.is_empty() { "" } else { name }));
    if own.is_empty() { String::new() } else { slug(own, "") }
}

/// A node's name for each of several, no two the same; what had to be numbered is said.
pub(super) fn distinct<'a>(all: impl Iterator<Item = &'a str>, found: &mut Found) -> BTreeMap<&'a str, String> {
    let (names, numbered) = apart(all, node_name, "node");
    for (name, written) in numbered {
        found.flag(format!("`{name}` is written {written}: another name comes out the same"));
    }
    names
}

/// Names by what they were, and those of them that have a number: who is written as it is called comes first, then by letters. Where
/// nothing is left of a name, `otherwise` has the number.
pub(super) fn apart<'a>(
    all: impl Iterator<Item = &'a str>,
    plain: impl Fn(&str) -> String,
    otherwise: &str,
) -> (BTreeMap<&'a str, String>, Vec<(&'a str, String)>) {
    let all: BTreeSet<(bool, &str)> = all.map(|name| (plain(name) != name, name)).collect();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let (mut names, mut numbered) = (BTreeMap::new(), Vec::new());
    // What needs no number keeps its name whatever the others get.
    let mut again = Vec::new();
    for (_, name) in all {
        let written = plain(name);
        if taken.insert(written.clone()) {
            names.insert(name, written);
        } else {
            again.push((name, written));
        }
    }
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for (name, mut written) in again {
        if written.is_empty() {
            otherwise.clone_into(&mut written);
        }
        let nth = next.entry(written.clone()).or_insert(1);
        let free = loop {
            *nth += 1;
            let numbered = format!("{written}-{nth}");
            if taken.insert(numbered.clone()) {
                break numbered;
            }
        };
        numbered.push((name, free.clone()));
        names.insert(name, free);
    }
    (names, numbered)
}

fn slug(name: &str, otherwise: &str) -> String {
    let mut text = String::new();
    for c in name.chars().take(LONGEST) {
        let plain = if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        if plain != '-' || !(text.is_empty() || text.ends_with('-')) {
            text.push(plain);
        }
    }
    let text = text.trim_end_matches('-');
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

/// Longer names are cut.
const LONGEST: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_may_not_have_is_a_hyphen() {
        for (name, slug) in [
            ("POST /orders/{id}", "POST-orders-id"),
            ("GetUserTimeline", "GetUserTimeline"),
            ("10.0.0.7:80", "10-0-0-7-80"),
            ("***", "unnamed"),
            ("user_db", "user_db"),
        ] {
            assert_eq!(node_name(name), slug);
        }
        let (names, numbered) = apart(["a.b", "a-b", "a-b-2", "日本", "中文"].into_iter(), node_name, "node");
        let written = ["a.b", "a-b", "a-b-2", "日本", "中文"].map(|name| names[name].as_str());
        assert_eq!(written, ["a-b-3", "a-b", "a-b-2", "unnamed-2", "unnamed"]);
        assert_eq!(numbered.len(), 2);
        assert_eq!(endpoint_name("orders", "orders.create"), "create");
        assert_eq!(endpoint_name("orders", "orders"), "");
        assert_eq!(endpoint_name("edge", "edge:/users/{id}"), "users-id");
        assert_eq!(endpoint_name("order", "orders.create"), "orders-create");
    }
}
