//! Another way in, as changes to the text: a gateway before what clients call, or one less.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::flip::NODES;
use super::ways::{free, gateways};
use crate::diag::Source;
use crate::graph::End;

/// The text in which every client that calls one of these services, or an endpoint of it, asks a new gateway, which leads it there
/// and does nothing else; and its name. `None` where no client calls any of them.
pub fn with_gateway(source: &Source, targets: &[String], zone: Option<&str>) -> Option<(Source, String)> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let name = free(&document, "gateway");
    let path = |target: &str| {
        let end = End::of(target);
        end.endpoint.map_or_else(|| format!("/{}", end.node), |endpoint| format!("/{}/{endpoint}", end.node))
    };
    let mut found = false;
    each_called(&mut document, &mut |_, target| {
        let known = targets.iter().any(|one| one == target);
        found |= known;
        known.then(|| format!("{name}:{}", path(target)))
    });
    let route = |target: &String| -> Value {
        let mut route = InlineTable::new();
        route.insert("path", path(target).into());
        route.insert("to", target.as_str().into());
        route.into()
    };
    let mut gateway = Table::new();
    zone.into_iter().for_each(|zone| drop(gateway.insert("zone", Item::Value(zone.into()))));
    gateway.insert("routes", Item::Value(targets.iter().map(route).collect::<Array>().into()));
    gateways(&mut document)?.insert(&name, Item::Table(gateway));
    found.then(|| (Source { text: document.to_string(), ..source.clone() }, name))
}

/// The text without a gateway: each client calls by itself what it was led to, by its name and the place of the call among its own.
/// `None` where one of its calls leads nowhere that is known.
pub fn without_gateway(source: &Source, gateway: &str, leads: &BTreeMap<(String, usize), String>) -> Option<Source> {
    let mut document = source.text.parse::<DocumentMut>().ok()?;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    each_called(&mut document, &mut |client, _| {
        let place = places.entry(client.to_owned()).or_default();
        *place += 1;
        leads.get(&(client.to_owned(), *place - 1)).cloned()
    });
    gateways(&mut document)?.remove(gateway)?;
    Some(Source { text: document.to_string(), ..source.clone() })
}

/// Every call of every client, in the order in which it is written, in any of the ways in which that may be; what comes back stands
/// there from then on.
pub(super) fn each_called(document: &mut DocumentMut, visit: &mut dyn FnMut(&str, &str) -> Option<String>) {
    // Of all nodes only clients say outside of steps whom they call.
    for family in NODES {
        let nodes = document.get_mut(family).and_then(Item::as_table_like_mut);
        nodes.into_iter().flat_map(|all| all.iter_mut()).for_each(|(name, node)| of_one(&name, node, visit));
    }
}

/// Every call of one client.
fn of_one(name: &str, client: &mut Item, visit: &mut dyn FnMut(&str, &str) -> Option<String>) {
    let Some(calls) = client.as_table_like_mut().and_then(|client| client.get_mut("calls")) else { return };
    match calls {
        Item::ArrayOfTables(all) => all.iter_mut().for_each(|call| inside(call, name, visit)),
        Item::Value(Value::Array(all)) => {
            for one in all.iter_mut() {
                match one {
                    Value::InlineTable(call) => inside(call, name, visit),
                    Value::String(target) => {
                        let other = visit(name, target.value());
                        other.into_iter().for_each(|other| *one = other.into());
                    }
                    _ => {}
                }
            }
        }
        Item::Value(Value::String(target)) => {
            let other = visit(name, target.value());
            other.into_iter().for_each(|other| *calls = Item::Value(other.into()));
        }
        _ => {}
    }
}

/// One call of a client that is a table.
fn inside(call: &mut dyn TableLike, client: &str, visit: &mut dyn FnMut(&str, &str) -> Option<String>) {
    let other = call.get("to").and_then(Item::as_str).and_then(|target| visit(client, target));
    other.into_iter().for_each(|other| drop(call.insert("to", Item::Value(other.into()))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load;

    const SHOP: &str = "version = 1\n[clients.a]\ncalls = \"users.get\"\nrate = \"1/s\"\n\
        [clients.b]\ncalls = [{ to = \"users.get\", share = 0.5 }, { to = \"orders\", share = 0.5 }]\nrate = \"1/s\"\n\
        [services.orders]\nwork = \"1ms\"\n[services.users.endpoints.get]\nwork = \"1ms\"\n";

    fn led(text: &Source) -> Vec<String> {
        let checked = load(text, &[]).unwrap_or_else(|rejected| panic!("{rejected}\n{}", text.text));
        let clients = checked.scenario().clients.values();
        clients.flat_map(|client| &client.calls).map(|call| call.target.value.to_string()).collect()
    }

    #[test]
    fn a_gateway_leads_on_and_is_taken_out_again() {
        let bare = Source::text("shop", SHOP);
        let targets = ["orders".to_owned(), "users.get".to_owned()];
        let (led_on, name) = with_gateway(&bare, &targets, None).unwrap();
        assert_eq!(name, "gateway");
        assert!(led(&led_on).iter().all(|target| target.starts_with("gateway")), "{}", led_on.text);
        let leads = [(("a", 0), "users.get"), (("b", 0), "users.get"), (("b", 1), "orders")];
        let leads = leads.map(|((client, at), to)| ((client.to_owned(), at), to.to_owned()));
        let out = without_gateway(&led_on, &name, &leads.into_iter().collect()).unwrap();
        assert_eq!(led(&out), led(&bare));
        assert!(!out.text.contains("routes"), "{}", out.text);
    }
}
