//! Another way in: what outsiders asked of one service they ask of another, which has it done by a function call.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::sites::Sites;
use crate::diag::Source;
use crate::graph::End;

/// The text in which everybody outside a unit who asks for an endpoint of one of its services asks another of them, `host`, for an
/// endpoint named after it, such as `orders.users-get`, which calls it as a function. `None` where the host is no table of the file.
pub fn with_entry(source: &Source, (host, unit): (&str, &[String]), target: &str) -> Option<Source> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let endpoint = target.replace('.', "-");
    let asked = End::named(host, &endpoint).to_string();
    let outside: Vec<String> = ["services", "gateways"]
        .iter()
        .filter_map(|family| document.get(family)?.as_table_like())
        .flat_map(|all| all.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
        .filter(|name| !unit.contains(name))
        .collect();
    for name in outside {
        Sites::of(&mut document, &name).change(target, |step| {
            step.insert("call", Item::Value(asked.as_str().into()));
            step.fmt();
        });
    }
    let clients = document.get_mut("clients").and_then(Item::as_table_like_mut);
    for (_, client) in clients.into_iter().flat_map(|all| all.iter_mut()) {
        if let Some(calls) = client.as_table_like_mut().and_then(|client| client.get_mut("calls")) {
            redirect(calls, target, &asked);
        }
    }
    let own = document.get_mut("services")?.as_table_like_mut()?.get_mut(host)?.as_table_like_mut()?;
    // A service that says nothing has a default endpoint as long as it has no other.
    if ["work", "wait", "steps", "endpoints"].iter().all(|key| own.get(key).is_none()) {
        own.insert("work", Item::Value("0s".into()));
    }
    if own.get("endpoints").is_none() {
        let mut all = Table::new();
        all.set_implicit(true);
        own.insert("endpoints", Item::Table(all));
    }
    own.get_mut("endpoints")?.as_table_like_mut()?.insert(&endpoint, Item::Table(function(target)));
    Some(Source { text: document.to_string(), ..source.clone() })
}

/// An endpoint that does nothing but call another as a function.
fn function(target: &str) -> Table {
    let mut step = InlineTable::new();
    step.insert("call", target.into());
    step.insert("transport", "in-process".into());
    let mut endpoint = Table::new();
    // What fails is the function.
    endpoint.insert("error_rate", Item::Value(0.0.into()));
    endpoint.insert("steps", Item::Value([Value::InlineTable(step)].into_iter().collect::<Array>().into()));
    endpoint
}

/// What a client calls, in any of the ways in which that is written.
fn redirect(calls: &mut Item, target: &str, asked: &str) {
    let to = |call: &mut dyn TableLike| {
        if call.get("to").and_then(Item::as_str) == Some(target) {
            call.insert("to", Item::Value(asked.into()));
        }
    };
    match calls {
        Item::Value(Value::String(one)) if one.value() == target => *calls = Item::Value(asked.into()),
        Item::Value(Value::Array(all)) => all.iter_mut().for_each(|one| match one {
            Value::String(name) if name.value() == target => *one = asked.into(),
            Value::InlineTable(call) => to(call),
            _ => {}
        }),
        Item::ArrayOfTables(all) => all.iter_mut().for_each(|call| to(call)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    #[test]
    fn everybody_outside_comes_in_by_the_host() {
        let text = "version = 1\n[clients.a]\ncalls = \"users.get\"\nrate = \"1/s\"\n\
                    [clients.b]\ncalls = [{ to = \"users.get\", share = 0.5 }, { to = \"orders\", share = 0.5 }]\nrate = \"1/s\"\n\
                    [gateways.edge]\nroutes = [{ path = \"/u\", to = \"users.get\" }]\n[clients.c]\ncalls = \"edge:/u\"\nrate = \"1/s\"\n\
                    [services.orders]\n[services.users.endpoints.get]\nwork = \"1ms\"\n";
        let unit = ["orders".to_owned(), "users".to_owned()];
        let merged = with_entry(&Source::text("shop", text), ("orders", &unit), "users.get").unwrap();
        let checked = load(&merged, &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{}", merged.text));
        let scenario = checked.scenario();
        let called = |client: &str| scenario.clients[client].calls[0].target.value.to_string();
        assert_eq!([called("a"), called("b")], ["orders.users-get", "orders.users-get"], "{}", merged.text);
        assert!(scenario.nodes["orders"].endpoints.len() == 2, "{}", merged.text);
        let hosts = crate::scenario::Hosts::of(scenario);
        assert!(hosts.is_inside("users"), "{}", merged.text);
    }
}
