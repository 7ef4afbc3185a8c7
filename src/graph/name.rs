//! How ends and arrows are written: `a`, `a.b`, `a:/path`, `a -> b.c`, `topic/group`. Nobody else takes these apart.

use std::fmt;

/// A node and one of its endpoints, as in `orders.create`, or in `edge:/orders/*` where that is a path; a node alone means its
/// default endpoint or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End<'a> {
    /// The node.
    pub node: &'a str,
    /// The endpoint; `None` where none is named.
    pub endpoint: Option<&'a str>,
}

impl<'a> End<'a> {
    /// Takes a text apart at its first dot, or before its path.
    pub fn of(text: &'a str) -> Self {
        match text.split_once(['.', ':']) {
            Some((node, endpoint)) => Self { node, endpoint: Some(endpoint) },
            None => Self { node: text, endpoint: None },
        }
    }

    /// Whether what is named is a path.
    pub fn is_path(&self) -> bool {
        self.endpoint.is_some_and(|endpoint| endpoint.starts_with('/'))
    }

    /// The same without spaces around its parts.
    #[must_use]
    pub fn trimmed(self) -> Self {
        Self { node: self.node.trim(), endpoint: self.endpoint.map(str::trim) }
    }

    /// A node and its endpoint, whose name is empty where it is the default one.
    pub fn named(node: &'a str, endpoint: &'a str) -> Self {
        Self { node, endpoint: Some(endpoint).filter(|endpoint| !endpoint.is_empty()) }
    }

    /// The endpoint, empty where none is named.
    pub fn endpoint(&self) -> &'a str {
        self.endpoint.unwrap_or_default()
    }
}

impl fmt::Display for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.endpoint {
            Some(endpoint) => write!(f, "{}{}{endpoint}", self.node, if self.is_path() { ':' } else { '.' }),
            None => f.write_str(self.node),
        }
    }
}

/// From one to another, as in `orders -> payments.charge`. The caller is a node; what is called may be an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow<'a> {
    /// The caller.
    pub from: &'a str,
    /// What is called, as written: [`End::of`] takes it apart.
    pub to: &'a str,
}

impl<'a> Arrow<'a> {
    /// Takes a text apart at its first arrow, whatever the spaces; `None` where there is none.
    pub fn of(text: &'a str) -> Option<Self> {
        let (from, to) = text.split_once("->")?;
        Some(Self { from: from.trim(), to: to.trim() })
    }

    /// What is called, taken apart.
    pub fn end(&self) -> End<'a> {
        End::of(self.to)
    }
}

impl fmt::Display for Arrow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

/// Topic and group of `topic/group`.
pub fn group(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(topic, _)| !topic.ends_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_were_made_of() {
        for text in ["a", "a.b", "a.b.c", "a:/b", "a:/v1.2/*"] {
            assert_eq!(End::of(text).to_string(), text);
        }
        assert_eq!(End::of(" a . b ").trimmed(), End { node: "a", endpoint: Some("b") });
        assert_eq!((End::of("a").endpoint(), End::named("a", "")), ("", End::of("a")));
        for text in ["a -> b.c", "a->b.c", "  a  ->  b.c "] {
            let arrow = Arrow::of(text).unwrap();
            assert_eq!((arrow.to_string().as_str(), arrow.end().endpoint()), ("a -> b.c", "c"));
        }
        assert_eq!(
            (Arrow::of("a.b"), group("orders/billing"), group("orders"), group("edge:/orders")),
            (None, Some(("orders", "billing")), None, None)
        );
    }
}
