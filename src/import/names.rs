//! Names as a scenario has them: letters, digits, hyphens and underscores.

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
        assert_eq!(endpoint_name("orders", "orders.create"), "create");
        assert_eq!(endpoint_name("orders", "orders"), "");
        assert_eq!(endpoint_name("edge", "edge:/users/{id}"), "users-id");
        assert_eq!(endpoint_name("order", "orders.create"), "orders-create");
    }
}
