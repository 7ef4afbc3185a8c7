//! Pictures: plotters draws SVG, resvg makes PNG of it, both with the one font that is embedded.
//!
//! Chart functions take plain data (a [`Curve`] or [`Track`] each), so that clients, variants or files can be overlaid.

mod arrivals;
mod axis;
mod backlog;
mod boundary;
mod differences;
mod distribution;
mod field;
mod frame;
mod heat;
mod hockey;
mod key;
mod lanes;
mod layers;
mod ledger;
mod nodes;
mod palette;
mod percentiles;
#[cfg(feature = "png")]
mod png;
mod policies;
mod pressure;
mod replicas;
mod routes;
mod shade;
mod timeline;
mod topology;
mod tornado;
mod waterfall;

pub use arrivals::arrivals;
pub use backlog::{Backlog, backlog};
pub use boundary::boundary;
pub use differences::{Apart, differences};
pub use distribution::{Spread, distribution};
pub use field::field;
pub use heat::heat;
pub use hockey::hockey;
pub use lanes::lanes;
pub use ledger::ledger;
pub use nodes::{Usage, nodes};
pub use percentiles::{Curve, percentiles};
#[cfg(feature = "png")]
pub use png::png;
pub use policies::{Policed, policies};
pub use pressure::{Pressure, pressure};
pub use replicas::{Scaling, replicas};
pub use shade::Shade;
pub use timeline::{Bound, Track, timeline};
pub use topology::{beside, topology};
pub use tornado::tornado;
pub use waterfall::waterfall;

use crate::experiment::compare::Comparison;
use crate::experiment::summary::Summary;
use crate::report::content::{caption, named, variant};
use crate::report::ledger::entries;
use crate::report::number::plain;
use crate::report::text::clean;
use crate::report::topology::Diagram;

/// What stands above a picture.
#[derive(Clone, Debug, Default)]
pub struct Title {
    /// The picture's title.
    pub title: String,
    /// How the figures came about: seed, replications, "simulated, not measured".
    pub subtitle: String,
}

/// A picture with the name of its file, without an ending.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Name of the file, without an ending.
    pub name: String,
    /// The picture.
    pub svg: String,
}

/// The pictures of one run, or of several variants laid over each other. None is drawn of which there is nothing to see.
pub fn pictures(summaries: &[Summary]) -> Vec<Picture> {
    let Some(first) = summaries.first() else { return Vec::new() };
    let subject = subject(summaries);
    let title = format!("{subject}: latency");
    let mut pictures = Vec::new();
    let curves: Vec<Curve> = each_client(summaries, Curve::over_all);
    if curves.iter().any(|curve| curve.points.len() > 1) {
        let bars = format!("bars: {} % intervals", plain(first.run.confidence * 100.0));
        let subtitle = format!("{} · {bars}", caption(first));
        let title = Title { title: format!("{title} by percentile"), subtitle };
        pictures.push(Picture { name: "percentiles".into(), svg: percentiles(&title, &curves) });
    }
    let tracks = tracks(summaries);
    if tracks.iter().any(|track| track.moments.iter().any(|m| m.arrived > 0)) {
        let title = Title { title: format!("{title} over time"), subtitle: caption(first) };
        pictures.push(Picture { name: "timeline".into(), svg: timeline(&title, &tracks, &shade::shades(first)) });
    }
    pictures.extend(load(summaries, &tracks));
    for summary in summaries {
        pictures.extend(of_one(summary, summaries.len() > 1));
    }
    let backlogs = backlogs(summaries);
    if !backlogs.is_empty() {
        let title = format!("{subject}: messages waiting");
        pictures.push(Picture {
            name: "queues".into(),
            svg: backlog(&Title { title, subtitle: caption(first) }, &backlogs, &shade::shades(first)),
        });
    }
    let scalings = scalings(summaries);
    if !scalings.is_empty() {
        let title = format!("{subject}: replicas");
        let title = Title { title, subtitle: caption(first) };
        pictures.push(Picture { name: "replicas".into(), svg: replicas(&title, &scalings, &shade::shades(first)) });
    }
    let entries = entries(summaries);
    if !entries.is_empty() {
        let title = format!("{subject}: where the time went");
        pictures
            .push(Picture { name: "ledger".into(), svg: ledger(&Title { title, subtitle: caption(first) }, &entries) });
    }
    let usage = usage(summaries);
    if !usage.is_empty() {
        let title = format!("{subject}: how full the nodes were");
        pictures.push(Picture { name: "nodes".into(), svg: nodes(&Title { title, subtitle: caption(first) }, &usage) });
    }
    pictures
}

/// How many requests set out and when, and how the latencies of those that were answered are spread.
fn load(summaries: &[Summary], tracks: &[Track]) -> Vec<Picture> {
    let Some(first) = summaries.first() else { return Vec::new() };
    let titled = |what: &str| Title { title: format!("{}: {what}", subject(summaries)), subtitle: caption(first) };
    let mut pictures = Vec::new();
    if tracks.iter().any(|track| track.moments.iter().any(|m| m.arrived > 0)) {
        let svg = arrivals(&titled("requests per second"), tracks, &shade::shades(first));
        pictures.push(Picture { name: "arrivals".into(), svg });
    }
    let mut spreads = Vec::new();
    for summary in summaries {
        for (client, stats) in &summary.clients {
            let name = named(summaries, summary, client, summary.clients.len());
            let times = stats.latency_ms.histogram.as_deref().filter(|times| times.count() > 0);
            spreads.extend(times.map(|times| Spread { name, times }));
        }
    }
    if !spreads.is_empty() {
        let svg = distribution(&titled("how latencies are spread"), &spreads);
        pictures.push(Picture { name: "distribution".into(), svg });
    }
    pictures
}

/// What a picture is about: the scenario, and its variant where it is of one.
fn subject(summaries: &[Summary]) -> String {
    let name = summaries.first().map_or_else(String::new, |first| clean(&first.scenario.name));
    match summaries {
        [one] => one.scenario.variant.iter().fold(name, |name, variant| format!("{name}, variant {}", clean(variant))),
        _ => name,
    }
}

/// The pictures that show one run alone: who failed first, how full nodes were, what policies did.
fn of_one(summary: &Summary, several: bool) -> Vec<Picture> {
    let shades = shade::shades(summary);
    let variant = variant(summary);
    let as_written = if several && summary.scenario.variant.is_none() { ", as written" } else { "" };
    let subject = format!("{}{as_written}", subject(std::slice::from_ref(summary)));
    let mut pictures = Vec::new();
    let mut draw = |name: &str, what: &str, drawn: &dyn Fn(&Title) -> String| {
        let title = format!("{subject}: {what}");
        let subtitle = caption(summary);
        let own = summary.scenario.variant.as_ref().filter(|_| several);
        let name = own.map_or_else(|| name.to_owned(), |_| format!("{name}-{}", file_part(&variant)));
        pictures.push(Picture { name, svg: drawn(&Title { title, subtitle }) });
    };
    let diagram = Diagram::after(summary);
    if !diagram.arrows.is_empty() && diagram.vertices.len() <= Diagram::MOST {
        draw("graph", "who calls whom", &|title| topology(title, &diagram));
    }
    if summary.failing.iter().any(|f| f.worst_share > 0.0) {
        draw("failing", "who failed first", &|title| lanes(title, &summary.failing, &shades));
    }
    let nodes = Pressure::of(summary);
    if !nodes.is_empty() {
        draw("pressure", "how full the nodes were over time", &|title| pressure(title, &nodes, &shades));
    }
    let edges = Policed::of(summary);
    if !edges.is_empty() {
        draw("policies", "what policies did over time", &|title| policies(title, &edges, &shades));
    }
    pictures
}

/// A name as a part of the name of a file.
fn file_part(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' }).take(60).collect()
}

/// The pictures of a comparison: the differences first, then what is drawn of several runs.
pub fn compared(comparison: &Comparison, summaries: &[Summary]) -> Vec<Picture> {
    let rows = differences::rows(comparison);
    let mut pictures = Vec::new();
    if rows.iter().any(|row| row.interval.is_some()) {
        let title = format!("{}: change against {}", clean(&comparison.base.scenario), clean(&comparison.base.name));
        let bars = format!("{} % intervals of paired replications", plain(comparison.run.confidence * 100.0));
        let subtitle = summaries.first().map_or(String::new(), |first| format!("{} · {bars}", caption(first)));
        pictures.push(Picture { name: "differences".into(), svg: differences(&Title { title, subtitle }, &rows) });
    }
    pictures.extend(self::pictures(summaries));
    pictures
}

/// Every client of every variant; the variant is named where there are several.
fn each_client<T>(
    summaries: &[Summary],
    mut make: impl FnMut(String, &crate::experiment::summary::Stats) -> T,
) -> Vec<T> {
    let mut all = Vec::new();
    for summary in summaries {
        for (client, stats) in &summary.clients {
            all.push(make(named(summaries, summary, client, summary.clients.len()), stats));
        }
    }
    all
}

/// The latencies of every client of every variant over time, with what was promised about them.
fn tracks(summaries: &[Summary]) -> Vec<Track> {
    let mut all = Vec::new();
    for summary in summaries {
        for (client, stats) in &summary.clients {
            let name = named(summaries, summary, client, summary.clients.len());
            let (moments, bounds) = (stats.timeline.clone(), Bound::of(summary, client));
            all.push(Track { name, moments, bounds, runs: summary.run.replications });
        }
    }
    all
}

/// The messages that waited in every queue, and for every group, of every variant where any did.
fn backlogs(summaries: &[Summary]) -> Vec<Backlog> {
    let waited = |summary: &Summary| {
        let groups = summary.topics.values().flat_map(|topic| topic.groups.values());
        summary.queues.values().any(|queue| queue.max_depth > 1) || groups.into_iter().any(|group| group.max_lag > 1)
    };
    // Where a message waited behind another somewhere, the others say nothing.
    let least = u64::from(summaries.iter().any(waited));
    let mut all = Vec::new();
    for summary in summaries {
        for (name, queue) in summary.queues.iter().filter(|(_, queue)| queue.max_depth > least) {
            let name = named(summaries, summary, name, summary.queues.len());
            all.push(Backlog { name, depths: queue.timeline.clone() });
        }
        for (topic, told) in &summary.topics {
            for (group, figures) in told.groups.iter().filter(|(_, group)| group.max_lag > least) {
                let name = named(summaries, summary, &format!("lag of {topic}/{group}"), 2);
                all.push(Backlog { name, depths: figures.timeline.clone() });
            }
        }
    }
    all
}

/// What the autoscaler of every node did, in every variant.
fn scalings(summaries: &[Summary]) -> Vec<Scaling> {
    let mut all = Vec::new();
    for summary in summaries {
        for (name, node) in &summary.nodes {
            let name = named(summaries, summary, name, 2);
            all.extend(node.replicas.autoscale.clone().map(|told| Scaling { name, told }));
        }
    }
    all
}

/// How every node was used, in every variant.
fn usage(summaries: &[Summary]) -> Vec<Usage> {
    let mut all = Vec::new();
    for summary in summaries {
        let variant = if summaries.len() > 1 { variant(summary) } else { String::new() };
        all.extend(summary.nodes.iter().map(|(name, node)| Usage::of(clean(name), variant.clone(), node)));
    }
    all
}

/// Pictures to look at: `HOPTAX_DRAW=/tmp/charts cargo test --lib drawn_to_be_looked_at -- --ignored`.
#[cfg(all(test, feature = "png"))]
mod gallery {
    use super::*;
    use crate::report::{sample, sample_trace};

    fn title(title: &str) -> Title {
        Title { title: title.into(), subtitle: "seed 1 · 10 × 60 s · simulated, not measured".into() }
    }

    fn keep(name: &str, svg: &str) {
        let Ok(folder) = std::env::var("HOPTAX_DRAW") else { return };
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{name}.svg"), svg).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), png(svg).unwrap()).unwrap();
    }

    /// Pixels of a picture that are darker than its grid.
    fn ink(svg: &str) -> usize {
        let pixels = resvg::tiny_skia::Pixmap::decode_png(&png(svg).unwrap()).unwrap();
        pixels.pixels().iter().filter(|p| p.red() < 150).count()
    }

    /// The picture without its text.
    fn mute(svg: &str) -> String {
        svg.split("<text").map(|part| part.split_once("</text>").map_or(part, |(_, rest)| rest)).collect()
    }

    #[test]
    fn text_is_there_in_the_pixels() {
        let picture = percentiles(&title("chain"), &[percentiles::exponential("a", 6.0, 3.0, 1_000)]);
        assert!(picture.matches("<text").count() >= 10);
        let (with, without) = (ink(&picture), ink(&mute(&picture)));
        assert!(with > without + 5_000, "{with} dark pixels with text, {without} without");
    }

    #[test]
    fn pictures_overlay_variants() {
        let mut other = sample::summary();
        other.scenario.variant = Some("grpc".into());
        let drawn = pictures(&[sample::summary(), other]);
        let timeline = drawn.iter().find(|picture| picture.name == "timeline").unwrap();
        for name in ["as written · function calls", "grpc · network calls"] {
            assert!(timeline.svg.contains(name), "{name}");
        }
        let ledger = drawn.iter().find(|picture| picture.name == "ledger").unwrap();
        assert!(ledger.svg.contains("\ngrpc\n") && ledger.svg.contains("\nnetwork calls\n"));
        assert!(pictures(&[]).is_empty());
        let alone = pictures(&[sample::tax().remove(1)]);
        assert!(alone.iter().all(|picture| picture.svg.contains(", variant ")), "a title without its variant");
    }

    #[test]
    #[ignore = "draws pictures to be looked at"]
    fn drawn_to_be_looked_at() {
        let curve = percentiles::exponential;
        let two = [curve("function calls", 6.0, 3.0, 100_000), curve("network calls", 11.0, 4.5, 100_000)];
        keep("two", &percentiles(&title("chain: latency by percentile"), &two));
        let many: Vec<Curve> = (0..13u32)
            .map(|i| {
                curve(
                    &format!("client number {i} with a long name"),
                    5.0 + f64::from(i % 4),
                    3.0,
                    2_000 * 10u64.pow(i % 4),
                )
            })
            .collect();
        keep(
            "many",
            &percentiles(
                &title("fan-out: latency by percentile, a title that is far too long for one line of a picture"),
                &many,
            ),
        );
        let wide = [
            curve("blocking", 6.0, 900.0, 1_000_000),
            curve("async", 5.0, 3.0, 1_000_000),
            curve("few", 5.0, 30.0, 50),
        ];
        keep("wide", &percentiles(&title("slow last hop: latency by percentile"), &wide));
        let fast = [curve("in-process", 0.0008, 0.0004, 1_000_000)];
        keep("fast", &percentiles(&title("a function call"), &fast));
        let track =
            |name: &str, p50: f64| Track { name: name.into(), moments: sample::timeline(p50, 2.4), ..Track::default() };
        keep("time-one", &timeline(&title("chain: latency over time"), &[track("shoppers", 8.0)], &[]));
        let mut calm = track("function calls", 8.0);
        for m in &mut calm.moments {
            m.failed = 0;
        }
        keep("time-calm", &timeline(&title("chain: latency over time"), &[calm.clone()], &[]));
        keep(
            "time-two",
            &timeline(&title("chain: latency over time"), &[calm.clone(), track("network calls", 15.0)], &[]),
        );
        let four = [calm, track("network calls", 15.0), track("c", 200.0), track("d", 1_000.0)];
        keep("time-four", &timeline(&title("chain: latency over time"), &four, &[]));
    }

    #[test]
    #[ignore = "draws pictures to be looked at"]
    fn ledgers_nodes_and_waterfalls_to_be_looked_at() {
        let keep_all = |folder: &str, summaries: &[Summary]| {
            for picture in pictures(summaries) {
                keep(&format!("{folder}-{}", picture.name), &picture.svg);
            }
        };
        keep_all("one", &[sample::summary()]);
        keep_all("tax", &sample::tax());
        keep("causes", &ledger(&title("every cause: where the time went"), &entries(&[sample::every_cause()])));
        keep("waterfall", &waterfall(&sample_trace::trace()));
        keep("waterfall-long", &waterfall(&sample_trace::long(150)));
        let style = |all| crate::report::table::Style { all, ..Default::default() };
        println!("{}", crate::report::table::render(&[sample::summary()], style(true)));
        println!("{}", crate::report::table::render(&sample::tax(), style(false)));
        println!("{}", crate::report::waterfall::render(&sample_trace::trace(), 80, false, false));
        println!("{}", crate::report::waterfall::render(&sample_trace::long(60), 80, false, false));
    }
}
