//! The vocabulary as JSON Schema, for editors that complete and check as one types.

use serde_json::{Map, Value, json};

use super::explain::tables;
use super::{BRANCH_LAW, COUNTS, FILE, Key, LAW, STEPS, Shape, Table, VERBS, Word};

/// The JSON Schema (draft-07) of a scenario file: every key that this version runs, with its meaning and its default.
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    let mut root = whole(&FILE, &mut definitions);
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("hoptax scenario");
    root["required"] = json!(["version"]);
    root["properties"]["version"] = json!({ "const": 1, "description": "The version of the vocabulary." });
    definitions.sort_keys();
    root["definitions"] = Value::Object(definitions);
    root
}

/// A table, by reference where it stands in several places.
fn object(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    if uses(table) < 2 {
        return whole(table, definitions);
    }
    let name = definition(table);
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), Value::Null);
        let whole = whole(table, definitions);
        definitions.insert(name.clone(), whole);
    }
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// What a table is called among the definitions: the letters of its name.
fn definition(table: &Table) -> String {
    let parts = table.name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

/// In how many places a table stands.
fn uses(table: &Table) -> usize {
    let keys = tables().into_iter().flat_map(Table::all).filter(|key| !key.later);
    keys.filter(|key| key.shape.table().is_some_and(|inner| std::ptr::eq(inner, table))).count()
}

/// A table as an object that knows its keys and no others.
fn whole(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in table.all().filter(|key| !key.later) {
        properties.insert(key.name.into(), property(key, definitions));
    }
    json!({ "type": "object", "description": table.doc, "properties": properties, "additionalProperties": false })
}

fn property(key: &Key, definitions: &mut Map<String, Value>) -> Value {
    let mut value = shape(key.shape, definitions);
    // Beside a reference draft-07 reads nothing, so a reference with a description is wrapped.
    if value.get("$ref").is_some() {
        value = json!({ "allOf": [value] });
    }
    value["description"] = json!(key.doc);
    if let Some(default) = key.default.and_then(as_json) {
        value["default"] = default;
    }
    value
}

/// A default, written as TOML, as JSON.
fn as_json(toml: &str) -> Option<Value> {
    let value: toml::Table = toml::from_str(&format!("x = {toml}")).ok()?;
    serde_json::to_value(value.get("x")?).ok()
}

fn shape(shape: Shape, definitions: &mut Map<String, Value>) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match shape {
        Shape::Text | Shape::Name | Shape::Target => json!({ "type": "string", "minLength": 1 }),
        Shape::Whole => json!({ "type": "integer", "minimum": 0 }),
        Shape::Number => json!({ "type": "number", "minimum": 0 }),
        Shape::Weight => json!({ "anyOf": [{ "type": "number", "minimum": 0 }, text(SHARE)] }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Duration => text(DURATION),
        Shape::Rate => text(r"^\s*[0-9][0-9_.]*\s*/\s*(ms|s|sec|second|m|min|minute|h|hour|d|day)\s*$"),
        Shape::Size => text(SIZE),
        Shape::Bandwidth => text(BANDWIDTH),
        Shape::Share => share(),
        Shape::Zone => text("^[^/]+(/[^/]+){0,2}$"),
        Shape::Choice(words) => one_of(words),
        Shape::Words(words) => json!({ "type": "object", "additionalProperties": one_of(words) }),
        Shape::LawTable => {
            let any = law(&LAW, "law", &text(DURATION), definitions);
            json!({ "allOf": [{ "type": "object" }, any] })
        }
        Shape::Law => law(&LAW, "law", &text(DURATION), definitions),
        Shape::Counts => law(&COUNTS, "counts", &json!({ "type": "number", "minimum": 0 }), definitions),
        Shape::Calls(table) => {
            let one = json!({ "type": "string", "minLength": 1 });
            json!({ "anyOf": [one, { "type": "array", "items": { "anyOf": [one, object(table, definitions)] } }] })
        }
        Shape::One(table) => object(table, definitions),
        Shape::Or(any) => {
            json!({ "anyOf": any.iter().map(|one| self::shape(*one, definitions)).collect::<Vec<_>>() })
        }
        Shape::Named(table) => json!({ "type": "object", "additionalProperties": object(table, definitions) }),
        Shape::Tables(table) if std::ptr::eq(table, &raw const BRANCH_LAW) => {
            branch(definitions);
            json!({ "type": "array", "items": { "$ref": "#/definitions/branch" } })
        }
        Shape::Tables(table) => json!({ "type": "array", "items": object(table, definitions) }),
        Shape::List(each) => json!({ "type": "array", "items": self::shape(*each, definitions) }),
        Shape::Steps => steps(definitions),
        Shape::Edits => json!({ "type": "object", "additionalProperties": { "type": "object" } }),
        Shape::Values => {
            let several = json!({ "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1 }] });
            json!({ "type": "object", "additionalProperties": several })
        }
        Shape::Anything => json!({}),
    }
}

fn share() -> Value {
    json!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, { "type": "string", "pattern": SHARE }] })
}

const DURATION: &str = r"^\s*([0-9][0-9_.]*\s*(d|h|m|s|ms|us|µs|μs|ns)\s*)+$";

const SHARE: &str = r"^\s*[0-9.]+\s*%?\s*$";

const SIZE: &str = r"^\s*[0-9][0-9_.]*\s*(B|[kKMGT]B|[KMGT]iB)\s*$";

const BANDWIDTH: &str = r"^\s*[0-9][0-9_.]*\s*(B|[kKMGT]B|[KMGT]iB|[kKMGT]?b(it)?)\s*/\s*(s|sec|second)\s*$";

/// One of the words that this version runs.
fn one_of(words: &[Word]) -> Value {
    let each = words.iter().filter(|w| !w.later).map(|w| json!({ "const": w.word, "description": w.doc }));
    json!({ "oneOf": each.collect::<Vec<_>>() })
}

/// A law refers to itself (a branch of a mix is a law), so it is defined once.
fn law(table: &'static Table, name: &str, plain: &Value, definitions: &mut Map<String, Value>) -> Value {
    if !definitions.contains_key(name) {
        definitions.insert(name.into(), Value::Null);
        let mut whole = whole(table, definitions);
        if name == "counts" {
            unitless(&mut whole);
        }
        definitions.insert(name.into(), json!({ "anyOf": [plain, whole] }));
    }
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// A branch of a mix is a law, which may be a mix: it is defined once over times and once over counts.
fn branch(definitions: &mut Map<String, Value>) {
    if !definitions.contains_key("branch") {
        definitions.insert("branch".into(), Value::Null);
        let over_times = whole(&BRANCH_LAW, definitions);
        let mut over_counts = over_times.clone();
        unitless(&mut over_counts);
        definitions.insert("branch".into(), over_times);
        definitions.insert("count-branch".into(), over_counts);
    }
}

/// The same law over plain numbers.
fn unitless(value: &mut Value) {
    match value {
        Value::String(reference) if reference == "#/definitions/branch" => {
            *reference = "#/definitions/count-branch".into();
        }
        Value::Object(map) if map.get("pattern").is_some_and(|p| p == DURATION) => {
            map.remove("pattern");
            map.insert("type".into(), json!("number"));
            map.insert("minimum".into(), json!(0));
        }
        Value::Object(map) => map.values_mut().for_each(unitless),
        Value::Array(items) => items.iter_mut().for_each(unitless),
        _ => {}
    }
}

/// Steps contain steps, so they are defined once.
fn steps(definitions: &mut Map<String, Value>) -> Value {
    if !definitions.contains_key("steps") {
        definitions.insert("steps".into(), Value::Null);
        let mut each = vec![json!({ "type": "string", "minLength": 1, "description": "A call." })];
        for (verb, table) in VERBS.iter().filter(|(verb, table)| table.find(verb).is_some_and(|key| !key.later)) {
            let mut step = whole(table, definitions);
            step["required"] = json!([verb]);
            each.push(step);
        }
        let steps = json!({ "type": "array", "description": STEPS, "items": { "anyOf": each } });
        definitions.insert("steps".into(), steps);
    }
    json!({ "$ref": "#/definitions/steps" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| {
                if k == "$ref" {
                    all.extend(v.as_str().map(str::to_owned));
                }
                visit(v, all);
            }),
            Value::Array(items) => items.iter().for_each(|v| visit(v, all)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = json_schema();
        let mut all = Vec::new();
        visit(&schema, &mut all);
        assert!(!all.is_empty());
        for reference in all {
            let name = reference.trim_start_matches("#/definitions/");
            assert!(schema["definitions"][name].is_object(), "{reference}");
        }
    }

    #[test]
    fn no_table_stands_in_full_in_two_places() {
        let own = |table: &Table| uses(table) > 1 && !std::ptr::eq(table, &raw const BRANCH_LAW);
        let repeated: Vec<String> = tables().into_iter().filter(|table| own(table)).map(definition).collect();
        let schema = json_schema();
        assert!(repeated.len() > 5);
        for (at, name) in repeated.iter().enumerate() {
            assert!(!repeated[..at].contains(name), "two tables would be called {name}");
            assert!(schema["definitions"][name.as_str()].is_object(), "{name}");
        }
    }

    #[test]
    fn keys_carry_their_meaning_and_default_and_refused_ones_are_absent() {
        let schema = json_schema();
        assert_eq!(schema["properties"]["sim"]["properties"]["duration"]["default"], "60s");
        assert_eq!(schema["properties"]["services"]["additionalProperties"]["properties"]["replicas"]["default"], 1);
        let clients = &schema["properties"]["clients"]["additionalProperties"]["properties"];
        assert!(clients["public"].is_null() && !clients["rate"].is_null());
        let sim = &schema["properties"]["sim"];
        assert_eq!(sim["additionalProperties"], false);
        assert!(sim["properties"]["seed"]["description"].as_str().is_some_and(|d| !d.is_empty()));
    }
}
