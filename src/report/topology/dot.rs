//! For Graphviz: <https://graphviz.org/doc/info/lang.html>.

use std::fmt::Write as _;

use super::{Arrow, Diagram, Fared, told};
use crate::report::text::clean;
use crate::scenario::Part;

/// The diagram in Graphviz's language: `hoptax graph FILE --format dot | dot -Tsvg`.
pub fn dot(name: &str, diagram: &Diagram) -> String {
    let mut text = format!("digraph {} {{\n  rankdir=LR;\n  node [fontname=\"Helvetica\"];\n", quoted(name));
    text += "  edge [fontname=\"Helvetica\", fontsize=10];\n";
    for (at, vertex) in diagram.vertices.iter().enumerate() {
        let mut more = String::new();
        if let Some(unit) = diagram.units.get(&vertex.name) {
            let _ = write!(more, ", peripheries=2, xlabel=\"unit {unit}\"");
        }
        let _ = writeln!(text, "  n{at} [label={}, {}{more}];", quoted(&told(vertex).join("\n")), shape(vertex.part));
    }
    for (nth, (team, own)) in diagram.teams().into_iter().enumerate() {
        let inside: Vec<String> = own.iter().map(|at| format!("n{at}")).collect();
        let _ = writeln!(
            text,
            "  subgraph cluster_{nth} {{ label={}; style=rounded; {}; }}",
            quoted(team),
            inside.join("; ")
        );
    }
    for arrow in &diagram.arrows {
        let _ = writeln!(text, "  n{} -> n{}{};", arrow.from, arrow.to, attributes(arrow));
    }
    text + "}\n"
}

fn attributes(arrow: &Arrow) -> String {
    let mut all = Vec::new();
    if arrow.message {
        all.push("style=dashed".to_owned());
    }
    if !arrow.label.is_empty() {
        all.push(format!("label={}", quoted(&arrow.label.join("\n"))));
    }
    all.extend(arrow.traffic.map(|share| format!("penwidth={:.1}", 1.0 + 4.0 * share.sqrt())));
    match arrow.fared {
        Fared::Failing => all.push("color=\"#b2182b\"".into()),
        Fared::Coupled => all.push("color=\"#cc79a7\"".into()),
        Fared::Unused => all.push("color=\"#b0b2ba\"".into()),
        Fared::Unknown | Fared::Used => {}
    }
    if all.is_empty() { String::new() } else { format!(" [{}]", all.join(", ")) }
}

fn shape(part: Part) -> &'static str {
    match part {
        Part::Client => "shape=oval",
        Part::Gateway => "shape=hexagon",
        Part::Service => "shape=box, style=rounded",
        Part::Cache => "shape=component",
        Part::Database => "shape=cylinder",
        Part::External => "shape=box, style=dashed",
        Part::Queue => "shape=cds",
        Part::Topic => "shape=cds, peripheries=2",
    }
}

/// Between quotes, which are all that has to be kept apart; a new line is `\n`.
fn quoted(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| clean(line).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}
