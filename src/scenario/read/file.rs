//! The file: its head and its tables.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::value::{self, text, whole};
use super::view::View;
use super::{Desk, Value};
use crate::diag::{Complaint, code};
use crate::scenario::declare::Record;
use crate::scenario::tables::gates::Posted;
use crate::scenario::tables::nodes::node;
use crate::scenario::tables::transports::transports;
use crate::scenario::vocab::{FILE, NAME};
use crate::scenario::written::{
    Axis, Client, Consumer, Discovery, Fault, Flow, Given, Index, Mesh, Node, NodeKind, Policy, Scenario, Slo, Variant,
};

/// What is said of a version that is not this one's.
pub(super) const OTHER_VERSION: &str = "this hoptax reads version 1";

/// The whole file.
pub(super) fn read(desk: &mut Desk<'_>, table: &DeTable<'_>) -> Scenario {
    let view = View::open(desk, &FILE, table, 0..desk.source.text.find('\n').unwrap_or(desk.source.text.len()));
    version(desk, &view);
    desk.routes = Posted::of(table);
    let stem = desk.source.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = stem.strip_suffix(".toml").unwrap_or(stem).to_owned();
    let clients = view.named(desk, "clients");
    let policies = view.named(desk, "policies");
    Scenario {
        name: view.read(desk, NAME, text).unwrap_or(Given::default(stem)),
        description: view.or_default(desk, "description", text),
        sim: record(desk, &view, "sim"),
        defaults: record(desk, &view, "defaults"),
        transports: transports(desk, &view),
        network: record(desk, &view, "network"),
        discovery: {
            let inner = view.inner(desk, "discovery");
            Discovery::of(desk, &inner)
        },
        mesh: {
            let inner = view.inner(desk, "mesh");
            if view.has("mesh") { Mesh::read(desk, &inner) } else { None }
        },
        clients: clients
            .into_iter()
            .map(|(name, inner)| {
                check_name(desk, &name);
                (name.value.clone(), Client::of(desk, name, &inner))
            })
            .collect(),
        nodes: nodes(desk, &view),
        queues: named(desk, &view, "queues"),
        topics: named(desk, &view, "topics"),
        flows: {
            let all = view.list(desk, "flows");
            Flow::all(desk, &all)
        },
        policies: policies
            .into_iter()
            .map(|(name, inner)| (name.value.clone(), Policy::of(desk, name, inner)))
            .collect(),
        faults: view.list(desk, "faults").iter().filter_map(|inner| Fault::of(desk, inner)).collect(),
        slos: view.list(desk, "slos").iter().filter_map(|inner| Slo::read(desk, inner)).collect(),
        variants: variants(desk, &view),
        sweep: {
            let table = view.get("sweep").and_then(|v| value::table(desk, "sweep", v));
            table.map_or(Vec::new(), |table| Axis::all(desk, table))
        },
        index: Index::default(),
    }
}

fn version(desk: &mut Desk<'_>, view: &View<'_>) {
    if !view.has("version") {
        let complaint = Complaint::error(code::BAD_VERSION, "the file does not say its version").at(view.place.clone());
        desk.push(complaint.help("begin with `version = 1`"));
        return;
    }
    if let Some(version) = view.read(desk, "version", whole).filter(|v| v.value != 1) {
        let message = format!("version {} of the vocabulary is unknown", version.value);
        desk.push(Complaint::error(code::BAD_VERSION, message).at(version.place).label(OTHER_VERSION));
    }
}

/// Complains about a name that is not kebab- or snake-case: dots and arrows have a meaning in paths.
pub(crate) fn check_name(desk: &mut Desk<'_>, name: &Given<String>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.value.is_empty() && name.value.chars().all(fits) {
        return;
    }
    let fixed: String = name.value.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let complaint = Complaint::error(code::BAD_NAME, format!("`{}` is not a name", name.value)).at(name.place.clone());
    let example = if fixed.is_empty() { "orders-db".into() } else { fixed };
    desk.push(complaint.help(format!("names are letters, digits, - and _, such as `{example}`")));
}

/// A table whose keys all have defaults.
fn record<R: Record>(desk: &mut Desk<'_>, view: &View<'_>, name: &str) -> R {
    let inner = view.inner(desk, name);
    R::read(desk, &inner).unwrap_or_else(|| unreachable!("every key of {name} has a default"))
}

/// Tables by name whose keys all have defaults.
pub(crate) fn named<R: Record>(desk: &mut Desk<'_>, view: &View<'_>, name: &str) -> BTreeMap<String, R> {
    let mut all = BTreeMap::new();
    for (title, inner) in view.named(desk, name) {
        check_name(desk, &title);
        all.extend(R::read(desk, &inner).map(|record| (title.value, record)));
    }
    all
}

fn nodes(desk: &mut Desk<'_>, view: &View<'_>) -> BTreeMap<String, Node> {
    let mut all: BTreeMap<String, Node> = BTreeMap::new();
    for kind in NodeKind::ALL {
        for (name, inner) in view.named(desk, kind.family()) {
            check_name(desk, &name);
            let mut read = node(desk, kind, name.clone(), &inner);
            if kind == NodeKind::Service {
                read.consumes = Consumer::all(desk, &inner, &read);
            }
            if let Some(first) = all.get(&name.value) {
                let line = first.name.place.as_ref().map_or(0, |p| desk.source.line_column(p.start).0);
                twice(desk, &name, line);
            } else {
                all.insert(name.value.clone(), read);
            }
        }
    }
    // What follows in the order of these tables is named a second time where a node, or one of them, has the name already.
    let mut places: BTreeMap<String, Given<String>> =
        all.iter().map(|(n, node)| (n.clone(), node.name.clone())).collect();
    for table in ["queues", "topics", "clients"] {
        for (key, _) in view.get(table).and_then(|v| v.get_ref().as_table()).into_iter().flatten() {
            let name = Given::at(key.get_ref().to_string(), key.span());
            match places.get(&name.value) {
                Some(first) => {
                    let line = desk.source.line_column(key.span().start).0;
                    twice(desk, &first.clone(), line);
                }
                None => _ = places.insert(name.value.clone(), name),
            }
        }
    }
    all
}

fn twice(desk: &mut Desk<'_>, name: &Given<String>, line: usize) {
    let complaint = Complaint::error(code::NAME_TWICE, format!("the name `{}` is used twice", name.value));
    desk.push(complaint.at(name.place.clone()).label(format!("also in line {line}")).help(
        "clients, services, databases, caches, externals, queues and topics share one namespace; rename one of them",
    ));
}

/// What `--variant` and comparisons mean by themselves.
const RESERVED: [&str; 2] = ["all", "as written"];

/// In the order of the file: people write variants in the order in which they are to be read.
fn variants(desk: &mut Desk<'_>, view: &View<'_>) -> Vec<Variant> {
    let mut all = Vec::new();
    let tables = view.get("variants").and_then(|v| value::table(desk, "variants", v));
    for (name, inner) in tables.into_iter().flatten() {
        let Some(edits) = value::table(desk, name.get_ref(), inner) else { continue };
        let mut flat = Vec::new();
        for (path, value) in edits {
            flatten(desk, path.get_ref(), value, &mut flat);
        }
        flat.sort_by_key(|(at, ..)| *at);
        if RESERVED.contains(&name.get_ref().as_ref()) {
            let why =
                format!("no variant can be called `{}`: that names the file itself, or all of them", name.get_ref());
            desk.push(Complaint::error(code::BAD_NAME, why).at(name.span()).help("call it by what it changes"));
        }
        desk.variants.push((name.get_ref().to_string(), name.span()));
        let edits = flat.into_iter().map(|(_, path, text)| (path, text)).collect();
        all.push(Variant { name: Given::at(name.get_ref().to_string(), name.span()), edits });
    }
    all.sort_by_key(|variant| variant.name.place.as_ref().map(|place| place.start));
    desk.variants.sort_by_key(|(_, place)| place.start);
    all
}

/// A dotted key without quotes arrives as nested tables; a table in braces is a value.
fn flatten(desk: &Desk<'_>, path: &str, value: &Value<'_>, out: &mut Vec<(usize, String, String)>) {
    let text = desk.slice(value.span());
    match value.get_ref() {
        DeValue::Table(inner) if !text.starts_with('{') => {
            for (key, value) in inner {
                flatten(desk, &format!("{path}.{}", segment(key.get_ref())), value, out);
            }
        }
        _ => out.push((value.span().start, path.to_owned(), text.to_owned())),
    }
}

/// A key that is a whole path stays as it is; one that is a single segment of a longer path gets its quotes back.
pub(crate) fn segment(key: &str) -> String {
    if key.contains('.') || key.contains(' ') { format!("\"{key}\"") } else { key.to_owned() }
}
