//! Changes to a scenario as written: `--set path=value`, variants. The text is changed, not the scenario, so that every
//! variant is a scenario that could be saved.

#![allow(clippy::result_large_err, reason = "a complaint is made once per mistake, not once per event")]

mod doors;
mod flip;
mod interaction;
mod knobs;
mod load_test;
mod outbox;
mod reproducer;
mod sites;
mod stress;
#[cfg(test)]
mod tests;
mod ways;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table as Written, TableLike, Value};

use super::declare::Record as _;
use super::read::suggest;
use super::vocab::{self, COUNTS, FILE, LAW, Shape, Table, VERBS};
use super::written::{Contended, Link, Pool, Scenario, TransportSpec};
use crate::diag::{Complaint, Source, code};

pub use doors::{with_gateway, without_gateway};
pub use interaction::{as_one_event, in_pattern, sends_as_one_event, with_table, with_tables};
pub use knobs::{Knob, Way, knobs, slowed, turned};
pub use load_test::{Rig, with_generator};
pub use outbox::{Reader, added, with_commit, with_outbox, with_undo};
pub use reproducer::{recovers, reproducer};
pub use stress::{
    Bound, bound, grown, has_length, lengthened, one_less, struck, warmed, with_replicas, without_zone, zones,
};
pub use ways::{Owners, calmed, with_cache, with_entry, with_own_databases, with_rule, without};

/// One change: a path and its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The path, such as `clients.shoppers.rate`; segments may be quoted, items of lists are numbered from 0.
    pub path: String,
    /// The new value as TOML; a bare word is a text.
    pub value: String,
    /// Where it comes from: `--set`, "variant `grpc`".
    pub origin: String,
}

impl Edit {
    /// Reads `clients.shoppers.rate=200/s`. The error is a fragment that says how it would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let at = assignment(text)
            .ok_or_else(|| format!("`{text}` sets nothing; write for example clients.shoppers.rate=200/s"))?;
        let (path, value) = (text[..at].trim(), text[at + 1..].trim());
        if path.is_empty() || value.is_empty() {
            return Err(format!("`{text}` lacks a path or a value; write for example clients.shoppers.rate=200/s"));
        }
        Ok(Self { path: path.into(), value: value.into(), origin: "--set".into() })
    }

    /// The variant it belongs to, if it belongs to one.
    pub fn variant(&self) -> Option<&str> {
        self.origin.strip_prefix("variant `")?.strip_suffix('`')
    }

    /// Whether it flips an interaction.
    pub fn flips(&self) -> bool {
        self.path.starts_with("links.")
    }

    fn complaint(&self, code: crate::diag::Code, why: &str) -> Complaint {
        Complaint::error(code, format!("{} {}: {why}", self.origin, self.path))
    }
}

/// The first `=` outside quotes.
fn assignment(text: &str) -> Option<usize> {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (None, '=') => return Some(i),
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    None
}

/// The changes of a variant; `None` if there is none of that name.
pub fn variant_edits(scenario: &Scenario, name: &str) -> Option<Vec<Edit>> {
    let origin = format!("variant `{name}`");
    let edit =
        |(path, value): &(String, String)| Edit { path: path.clone(), value: value.clone(), origin: origin.clone() };
    let variant = scenario.variants.iter().find(|variant| variant.name.value == name)?;
    Some(variant.edits.iter().map(edit).collect())
}

/// The text with the changes made, and what they take away that should be known; a path that leads nowhere is
/// complained about.
pub fn apply(source: &Source, edits: &[Edit]) -> Result<(Source, Vec<Complaint>), Vec<Complaint>> {
    let unchanged = || Ok((source.clone(), Vec::new()));
    if edits.is_empty() {
        return unchanged();
    }
    // A text that is no TOML is complained about by whoever reads it, with places.
    let Ok(mut document) = source.text.parse::<DocumentMut>() else { return unchanged() };
    let (mut complaints, mut told) = (Vec::new(), Vec::new());
    for edit in edits {
        let segments = segments(&edit.path);
        if segments[0] == "links" && segments.len() > 1 {
            match value(edit).and_then(|value| flip::flip(&mut document, edit, &segments[1..].join("."), value)) {
                Ok(lost) => told.extend(lost),
                Err(complaint) => complaints.push(complaint),
            }
            continue;
        }
        let found = find(&document, edit, &segments);
        let done = found.and_then(|()| value(edit)).and_then(|value| {
            set(document.as_table_mut(), &segments, value).map_err(|why| edit.complaint(code::UNKNOWN_PATH, &why))
        });
        complaints.extend(done.err());
    }
    let text = document.to_string();
    if complaints.is_empty() { Ok((Source { text, ..source.clone() }, told)) } else { Err(complaints) }
}

/// `network.links."a -> b".latency` in its parts.
fn segments(path: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quote = None;
    for c in path.chars() {
        match (quote, c) {
            (None, '.') => all.push(String::new()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (_, c) => {
                if let Some(last) = all.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    all.iter().map(|s| s.trim().to_owned()).collect()
}

fn value(edit: &Edit) -> Result<Value, Complaint> {
    match edit.value.parse::<Value>() {
        Ok(value) => Ok(value),
        Err(error) if edit.value.starts_with(['[', '{', '"', '\'']) => {
            let why = error.message().lines().next().unwrap_or_default().to_owned();
            Err(edit.complaint(code::SYNTAX, &format!("`{}` is not TOML: {why}", edit.value)))
        }
        Err(_) => Ok(Value::from(edit.value.as_str())),
    }
}

/// Whether a path leads somewhere in the vocabulary, and through names that exist.
fn find(document: &DocumentMut, edit: &Edit, segments: &[String]) -> Result<(), Complaint> {
    let mut spot = Spot { shape: Shape::One(&FILE), item: Some(document.as_item()), value: None };
    for (i, segment) in segments.iter().enumerate() {
        spot = spot.step(edit, segment, i + 1 == segments.len())?;
    }
    match spot.shape {
        Shape::Named(_) => {
            Err(edit.complaint(code::UNKNOWN_PATH, "the path ends at a whole family of tables; go on with a name"))
        }
        _ => Ok(()),
    }
}

/// Where a path has led so far: what belongs there, and what is there.
struct Spot<'d> {
    shape: Shape,
    item: Option<&'d Item>,
    value: Option<&'d Value>,
}

impl<'d> Spot<'d> {
    fn step(&self, edit: &Edit, segment: &str, last: bool) -> Result<Self, Complaint> {
        match self.shape {
            Shape::Or(any) => {
                let inner = any.iter().find(|one| matches!(one, Shape::One(_) | Shape::LawTable));
                Self { shape: inner.copied().unwrap_or(Shape::Anything), ..*self }.step(edit, segment, last)
            }
            Shape::One(table) => self.key(edit, table, segment),
            Shape::Law | Shape::LawTable => self.key(edit, &LAW, segment),
            Shape::Counts => self.key(edit, &COUNTS, segment),
            Shape::Named(table) => self.name(edit, table, segment, last),
            Shape::Tables(table) | Shape::Calls(table) => self.number(edit, segment, |_| Some(table)),
            Shape::Steps => self.number(edit, segment, verb_of),
            Shape::Words(words) => Ok(Self { shape: Shape::Choice(words), item: self.inside(segment), value: None }),
            Shape::Edits => Err(edit.complaint(code::UNKNOWN_PATH, "a change cannot change the variants")),
            Shape::Values => {
                Err(edit.complaint(code::UNKNOWN_PATH, "a change cannot change what is swept; use --sweep"))
            }
            _ => Err(edit.complaint(code::UNKNOWN_PATH, &format!("there is no `{segment}` inside"))),
        }
    }

    fn inside(&self, segment: &str) -> Option<&'d Item> {
        let table: &dyn TableLike = match (self.item, self.value) {
            (Some(item), _) => item.as_table_like()?,
            (None, value) => value?.as_inline_table()?,
        };
        table.get(segment)
    }

    fn key(&self, edit: &Edit, table: &'static Table, segment: &str) -> Result<Self, Complaint> {
        let Some(key) = table.find(segment) else {
            let complaint = edit.complaint(code::UNKNOWN_PATH, &format!("unknown key `{segment}` in {}", table.name));
            let near = vocab::near(segment, table).map(|near| near.meant);
            return Err(match near.or_else(|| suggest(segment, table.all().map(|key| key.name))) {
                Some(meant) => complaint.help(format!("did you mean `{meant}`?")),
                None => complaint,
            });
        };
        if key.later {
            return Err(edit.complaint(code::NOT_YET, &format!("not supported yet: {segment}")));
        }
        Ok(Self { shape: key.shape, item: self.inside(segment), value: None })
    }

    /// A name must exist, unless a whole table is set at once or the tables are mere additions.
    fn name(&self, edit: &Edit, table: &'static Table, segment: &str, last: bool) -> Result<Self, Complaint> {
        let item = self.inside(segment);
        let additions =
            [Link::TABLE, &super::tables::policy::POLICY, TransportSpec::TABLE, Pool::TABLE, Contended::TABLE];
        let addition = additions.into_iter().any(|known| std::ptr::eq(table, known));
        if item.is_none() && !last && !addition {
            let names = self.item.and_then(Item::as_table_like).map(|t| t.iter().map(|(k, _)| k).collect::<Vec<_>>());
            let complaint = edit.complaint(code::UNKNOWN_PATH, &format!("{} has no `{segment}`", table.name));
            return Err(match suggest(segment, names.into_iter().flatten()) {
                Some(meant) => complaint.help(format!("did you mean `{meant}`?")),
                None => complaint,
            });
        }
        Ok(Self { shape: Shape::One(table), item, value: None })
    }

    fn number(
        &self,
        edit: &Edit,
        segment: &str,
        table: impl Fn(&dyn TableLike) -> Option<&'static Table>,
    ) -> Result<Self, Complaint> {
        let nothing =
            || edit.complaint(code::UNKNOWN_PATH, &format!("no item `{segment}`; items of a list are numbered from 0"));
        let index: usize = segment.parse().map_err(|_| nothing())?;
        if let Some(tables) = self.item.and_then(Item::as_array_of_tables) {
            let inner = tables.get(index).ok_or_else(nothing)?;
            let shape = table(inner).map_or(Shape::Anything, Shape::One);
            let item = self.item.and_then(|item| item.get(index));
            return Ok(Self { shape, item, value: None });
        }
        let array = self.item.and_then(Item::as_array).or(self.value.and_then(Value::as_array)).ok_or_else(nothing)?;
        let value = array.get(index).ok_or_else(nothing)?;
        let inner = value.as_inline_table().and_then(|inner| table(inner));
        Ok(Self { shape: inner.map_or(Shape::Anything, Shape::One), item: None, value: Some(value) })
    }
}

/// The vocabulary of a step, by its verb.
fn verb_of(step: &dyn TableLike) -> Option<&'static Table> {
    VERBS.iter().find(|(verb, _)| step.contains_key(verb)).map(|(_, table)| *table)
}

fn set(table: &mut dyn TableLike, path: &[String], mut value: Value) -> Result<(), String> {
    let [key, rest @ ..] = path else { return Err("an empty path".into()) };
    if rest.is_empty() {
        if let Some(old) = table.get(key).and_then(Item::as_value) {
            *value.decor_mut() = old.decor().clone();
        } else {
            value.decor_mut().clear();
        }
        table.insert(key, Item::Value(value));
        return Ok(());
    }
    if !table.contains_key(key) {
        let inline = table.get_values().len() == table.len() && !table.is_empty() && key != "links";
        table.insert(key, if inline { Item::Value(InlineTable::new().into()) } else { Item::Table(Written::new()) });
    }
    let wrong =
        || format!("`{key}` is written as a single value, so nothing can be set inside; set `{key}` as a whole");
    match table.get_mut(key).ok_or_else(wrong)? {
        Item::ArrayOfTables(tables) => {
            let inner = rest[0].parse().ok().and_then(|i| tables.get_mut(i)).ok_or_else(wrong)?;
            set(inner, &rest[1..], value)
        }
        Item::Value(Value::Array(array)) => set_item(array, rest, value).ok_or_else(wrong)?,
        item => set(item.as_table_like_mut().ok_or_else(wrong)?, rest, value),
    }
}

/// Sets an item of a list, or something inside it; `None` where the path does not fit what is written.
fn set_item(array: &mut Array, path: &[String], value: Value) -> Option<Result<(), String>> {
    let inner = array.get_mut(path.first()?.parse().ok()?)?;
    if path.len() == 1 {
        let decor = inner.decor().clone();
        *inner = value;
        *inner.decor_mut() = decor;
        return Some(Ok(()));
    }
    match inner {
        Value::InlineTable(table) => Some(set(table, &path[1..], value)),
        Value::Array(array) => set_item(array, &path[1..], value),
        _ => None,
    }
}
