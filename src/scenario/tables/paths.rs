//! Paths and the patterns that routes have for them.
//!
//! A pattern is written as most gateways write theirs: `/orders/{id}` or `/orders/:id` takes any one segment there, as the
//! templates of `OpenAPI` and Express do, `*` in the middle too; a `*` at the end takes all that follows, so `/orders/*` takes
//! `/orders/42/items` but not `/orders` itself, and `/*` takes every path (as the path conditions of AWS's load balancers do).
//! Everything else is taken literally. The first pattern that takes a path is its route.

use std::fmt;

use super::super::declare::Kind;
use super::super::print::quoted;
use super::super::read::{self, Desk, Value};
use super::super::vocab::Shape;

/// A pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// When it is this.
    Just(String),
    /// When it is anything.
    One,
    /// When it is anything, and so is what follows.
    Rest,
}

/// A segment that no pattern says.
const FRESH: &str = "\u{0}";

impl Pattern {
    /// Understands a pattern, or says why it is none.
    pub fn of(text: &str) -> Result<Self, String> {
        let Some(path) = text.strip_prefix('/') else { return Err(format!("`{text}` does not begin with a slash")) };
        if text.contains(['?', '#', ' ']) || text.contains("->") {
            return Err(format!("`{text}` is more than a path: queries, fragments and spaces are no part of one"));
        }
        let parts: Vec<&str> = path.split('/').collect();
        let last = parts.len() - 1;
        let segments: Result<Vec<_>, _> = (0..).zip(&parts).map(|(at, part)| segment(part, at == last)).collect();
        Ok(Self { text: text.to_owned(), segments: segments? })
    }

    /// Whether it takes a path; one that is the pattern itself is meant to be taken by it.
    pub fn takes(&self, path: &str) -> bool {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        path == self.text || self.fits(&path.strip_prefix('/').unwrap_or(path).split('/').collect::<Vec<_>>())
    }

    fn fits(&self, path: &[&str]) -> bool {
        let rest = self.segments.last() == Some(&Segment::Rest);
        let length = if rest { path.len() >= self.segments.len() } else { path.len() == self.segments.len() };
        length
            && self.segments.iter().zip(path).all(|(segment, part)| match segment {
                Segment::Just(text) => text == part,
                Segment::One => !part.is_empty(),
                Segment::Rest => true,
            })
    }

    /// Those of earlier patterns that leave nothing for this one; empty where some path is left.
    ///
    /// Where a pattern says anything, a segment that nobody else says stands for all of them: who takes that takes any. Beyond the
    /// longest pattern one length is like another.
    pub fn shadowed_by<'p>(&self, earlier: &[&'p Self]) -> Vec<&'p Self> {
        let longest = earlier.iter().map(|pattern| pattern.segments.len()).max().unwrap_or(0);
        let mut taken: Vec<&Self> = Vec::new();
        for path in self.samples(longest + 1) {
            match earlier.iter().find(|pattern| pattern.fits(&path)) {
                None => return Vec::new(),
                Some(by) if !taken.contains(by) => taken.push(by),
                Some(_) => {}
            }
        }
        taken
    }

    /// Paths that stand for all that it takes, up to a length.
    fn samples(&self, longest: usize) -> Vec<Vec<&str>> {
        let begin: Vec<&str> = self.segments.iter().map(Segment::sample).collect();
        if self.segments.last() != Some(&Segment::Rest) {
            return vec![begin];
        }
        let lengths = begin.len()..=longest.max(begin.len());
        lengths
            .flat_map(|length| {
                let mut path = begin.clone();
                path.resize(length, FRESH);
                let mut closed = path.clone();
                closed[length - 1] = "";
                [path, closed]
            })
            .collect()
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn sample(&self) -> &str {
        match self {
            Self::Just(text) => text,
            Self::One | Self::Rest => FRESH,
        }
    }
}

fn segment(part: &str, last: bool) -> Result<Segment, String> {
    match part {
        "*" | "**" if last => Ok(Segment::Rest),
        "*" => Ok(Segment::One),
        _ if part.starts_with(':') && part.len() > 1 => Ok(Segment::One),
        _ if part.starts_with('{') && part.ends_with('}') => Ok(Segment::One),
        _ if part.contains(['*', '{', '}']) => Err(format!("`{part}`: a wildcard stands for a whole segment")),
        _ => Ok(Segment::Just(part.to_owned())),
    }
}

/// A pattern as the value of a key.
pub(crate) enum Path {}

impl Kind for Path {
    type Value = Pattern;
    const SHAPE: Shape = Shape::Text;
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Pattern> {
        let text = read::text(desk, key, value)?;
        Pattern::of(&text).map_err(|why| read::bad(desk, key, value, &why)).ok()
    }
    fn print(pattern: &Pattern) -> String {
        quoted(&pattern.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::of(text).unwrap()
    }

    #[test]
    fn a_pattern_takes_what_it_says() {
        let takes = |text: &str, path: &str| pattern(text).takes(path);
        assert!(takes("/orders", "/orders") && !takes("/orders", "/orders/42") && !takes("/orders", "/orders/"));
        assert!(
            takes("/orders/*", "/orders/42/items") && takes("/orders/*", "/orders/") && !takes("/orders/*", "/orders")
        );
        assert!(takes("/*", "/") && takes("/*", "/a/b") && takes("/", "/") && !takes("/", "/a"));
        for one in ["/orders/{id}/items", "/orders/:id/items", "/orders/*/items"] {
            assert!(
                takes(one, "/orders/42/items") && !takes(one, "/orders//items") && !takes(one, "/orders/42"),
                "{one}"
            );
        }
        assert!(takes("/orders", "/orders?page=2"), "a query is no part of the path");
        assert!(takes("/{a}/*", "/{a}/*"), "the pattern itself means its route");
        for none in ["orders", "/or*", "/a b", "/{a", "/a?b", "/a->b"] {
            assert!(Pattern::of(none).is_err(), "{none}");
        }
    }

    #[test]
    fn what_others_take_whole_is_shadowed() {
        let shadows = |earlier: &[&str], text: &str| {
            let earlier: Vec<Pattern> = earlier.iter().map(|text| pattern(text)).collect();
            let by = pattern(text);
            by.shadowed_by(&earlier.iter().collect::<Vec<_>>())
                .into_iter()
                .map(|p| p.text().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(shadows(&["/orders/*"], "/orders/{id}"), ["/orders/*"]);
        assert_eq!(shadows(&["/orders/{id}"], "/orders/*"), [""; 0]);
        assert_eq!(shadows(&["/orders/{id}", "/orders/{id}/*"], "/orders/*"), [""; 0], "`/orders/` is left");
        assert_eq!(shadows(&["/a/", "/a/{x}", "/a/{x}/*"], "/a/*"), ["/a/{x}", "/a/", "/a/{x}/*"]);
        assert_eq!(shadows(&["/users/{id}"], "/users/me"), ["/users/{id}"]);
        assert_eq!(shadows(&["/users/me"], "/users/{id}"), [""; 0]);
        assert_eq!(shadows(&["/*"], "/"), ["/*"]);
        assert_eq!(shadows(&[], "/"), [""; 0]);
    }
}
