//! For Mermaid, as GitHub and GitLab show it: <https://mermaid.js.org/syntax/flowchart.html>.

use std::fmt::Write as _;

use super::{Diagram, Fared, told};
use crate::report::text::clean;
use crate::scenario::{Part, Vertex};

/// The diagram as a flowchart.
pub fn mermaid(diagram: &Diagram) -> String {
    let mut text = String::from("flowchart LR\n");
    let teams = diagram.teams();
    for (nth, (team, own)) in teams.iter().enumerate() {
        let _ = writeln!(text, "  subgraph team{nth} [{}]", quoted(team));
        own.iter().for_each(|at| vertex(&mut text, "    ", *at, &diagram.vertices[*at]));
        text += "  end\n";
    }
    for (at, own) in diagram.vertices.iter().enumerate().filter(|(_, vertex)| vertex.team.is_none()) {
        vertex(&mut text, "  ", at, own);
    }
    let mut looks = String::new();
    for (nth, arrow) in diagram.arrows.iter().enumerate() {
        let line = if arrow.message { "-.->" } else { "-->" };
        let label =
            if arrow.label.is_empty() { String::new() } else { format!("|{}|", quoted(&arrow.label.join(" · "))) };
        let _ = writeln!(text, "  n{} {line}{label} n{}", arrow.from, arrow.to);
        let colour = match arrow.fared {
            Fared::Failing => ",stroke:#b2182b",
            Fared::Coupled => ",stroke:#cc79a7",
            Fared::Unused => ",stroke:#b0b2ba",
            Fared::Unknown | Fared::Used => "",
        };
        if let Some(share) = arrow.traffic {
            let _ = writeln!(looks, "  linkStyle {nth} stroke-width:{:.1}px{colour}", 1.0 + 4.0 * share.sqrt());
        }
    }
    text += &looks;
    for (at, _) in diagram.vertices.iter().enumerate().filter(|(_, own)| diagram.units.contains_key(&own.name)) {
        let _ = writeln!(text, "  style n{at} stroke:#cc79a7,stroke-width:4px");
    }
    text
}

fn vertex(text: &mut String, indent: &str, at: usize, vertex: &Vertex) {
    let name = format!("\"{}\"", told(vertex).iter().map(|line| kept(line)).collect::<Vec<_>>().join("<br/>"));
    let shaped = match vertex.part {
        Part::Client => format!("([{name}])"),
        Part::Gateway => format!("{{{{{name}}}}}"),
        Part::Service => format!("({name})"),
        Part::Cache => format!("[[{name}]]"),
        Part::Database => format!("[({name})]"),
        Part::External => format!("[{name}]"),
        Part::Queue | Part::Topic => format!("[/{name}/]"),
    };
    let _ = writeln!(text, "{indent}n{at}{shaped}");
}

/// Between quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", kept(text))
}

/// What has a meaning between quotes is written as Mermaid's entities.
fn kept(text: &str) -> String {
    clean(text).replace('&', "#amp;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}
