//! `[network]`: latencies by class, single links, and where things stand.

use super::super::check::zero;
use super::super::declare::{Bandwidth, Field, Or, Record, Said, Share, Told, Varying, table};
use super::super::lower::Lowering;
use super::super::read::{Desk, View, suggest};
use super::super::vocab::Shape;
use super::super::written::{Given, Scenario};
use crate::diag::{Complaint, code};
use crate::graph::Arrow;
use crate::model::plan::Pipe;
use crate::model::{LawId, NodeId};
use crate::random::dist::Law;

table! {
    /// `[network]`: one-way latencies by class.
    pub struct Network: "[network]", "One-way latency by class; the zones of two nodes decide the class between them.",
    meant Self::meant {
        same_host: Given<Law> as Or<Varying> = "\"30us\"", "Both ends on one host.";
        same_zone: Given<Law> as Or<Varying> = "{ p50 = \"0.25ms\", p99 = \"1.5ms\" }", "Both ends in one zone.";
        cross_zone: Given<Law> as Or<Varying> = "{ p50 = \"0.5ms\", p99 = \"3ms\" }", "Two zones of one region.";
        cross_region: Given<Law> as Or<Varying> = "\"35ms\"", "Two regions.";
        links: Vec<Link> as Links, "Single links: [network.links.\"orders -> billing\"].";
    }
}

table! {
    /// One overridden link, both directions of a call over it.
    pub struct Link: "[network.links.\"a -> b\"]", "One link, both directions of the calls over it." {
        latency: Option<Given<Law>> as Said<Varying>, "One-way latency. Default: that of the class.";
        bandwidth: Option<Given<f64>> as Said<Bandwidth>,
            "Bytes per second and direction; messages pass one after the other. Default: no limit.";
        loss: Given<f64> as Or<Share> = "0.0", "Share of messages that are lost and sent again: delay, not error.";
        + /// Caller.
        from: Given<String> = |_: &mut Desk<'_>, view: &View<'_>| end(view, |(from, _)| from);
        + /// Callee (a node).
        to: Given<String> = |_: &mut Desk<'_>, view: &View<'_>| end(view, |(_, to)| to);
    }
}

impl Link {
    /// Nothing but a latency, one way, each way.
    pub(in crate::scenario) fn plain(from: &str, to: &str, latency: Law) -> Self {
        Self {
            latency: Some(Given { value: latency, place: None }),
            bandwidth: None,
            loss: Given::default(0.0),
            from: Given::default(from.to_owned()),
            to: Given::default(to.to_owned()),
        }
    }
}

/// One end of a link; no name where its title is none of a link.
fn end(view: &View<'_>, which: for<'t> fn((&'t str, &'t str)) -> &'t str) -> Given<String> {
    let title = view.titled();
    let name = Arrow::of(&title.value).map_or("", |arrow| which((arrow.from, arrow.to)));
    Given { value: name.to_owned(), place: title.place }
}

/// Single links.
pub(crate) enum Links {}

impl Field for Links {
    type Held = Vec<Link>;
    const SHAPE: Shape = Shape::Named(Link::TABLE);
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<Vec<Link>> {
        let mut all = Vec::new();
        for (name, inner) in view.named(desk, key) {
            all.extend(Link::read(desk, &inner).filter(|_| Link::is_one(desk, &inner, &name)));
        }
        Some(all)
    }
    /// Each is a table of its own.
    fn told(_: &Vec<Link>) -> (Option<String>, bool) {
        (None, true)
    }
}

impl Link {
    /// Whether a table is one: it says something, of a caller and a callee.
    fn is_one(desk: &mut Desk<'_>, view: &View<'_>, name: &Given<String>) -> bool {
        if Self::KEYS.iter().all(|key| !view.has(key.name)) {
            view.missing(desk, "latency", "write latency = \"1ms\", a bandwidth or a loss");
        }
        let fits = name.value.contains("->");
        if !fits {
            let complaint = Complaint::error(code::BAD_NAME, format!("`{}` is not a link", name.value));
            let complaint = complaint.at(name.place.clone());
            desk.push(complaint.help("a link is \"caller -> callee\", such as [network.links.\"orders -> billing\"]"));
        }
        fits
    }
}

impl Network {
    /// Links are told each by itself.
    fn meant(_: &Self, mut all: Vec<Told>) -> Vec<Told> {
        all.retain(|told| told.value.is_some());
        all
    }

    /// Single links by their names.
    pub(in crate::scenario) fn sorted(&self) -> Vec<&Link> {
        let mut links: Vec<_> = self.links.iter().collect();
        links.sort_by_key(|link| (&link.from.value, &link.to.value));
        links
    }
}

/// Where a node stands: region, zone, host, any of them may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// `eu-west` of `eu-west/a/host1`.
    pub region: String,
    /// `a`.
    pub zone: Option<String>,
    /// `host1`.
    pub host: Option<String>,
}

impl Zone {
    /// Whether it is, or is part of, the zone of that name: `eu-west/a/host1` lies in `eu-west/a` and in `eu-west`.
    pub fn lies_in(&self, name: &str) -> bool {
        let own = [Some(self.region.as_str()), self.zone.as_deref(), self.host.as_deref()];
        let mut parts = name.split('/').map(str::trim);
        let inside = own.iter().by_ref().zip(parts.by_ref().take(3)).all(|(own, part)| *own == Some(part));
        inside && name.split('/').count() <= 3
    }
}

impl Scenario {
    /// Where a node, broker or client stands, if that is said.
    pub fn zone(&self, name: &str) -> Option<&Zone> {
        let node = self.nodes.get(name).map(|n| &n.zone);
        let broker = || self.queues.get(name).map(|q| &q.zone).or_else(|| self.topics.get(name).map(|t| &t.zone));
        let client = || self.clients.get(name).map(|c| &c.zone);
        node.or_else(broker).or_else(client)?.value.as_ref()
    }

    /// One-way latency between two nodes: an overridden link, else by class; of those that stand in several zones that between
    /// the first of each.
    pub(in crate::scenario) fn latency(&self, from: &str, to: &str) -> &Law {
        let own = self.own_latency(from, to);
        own.unwrap_or_else(|| self.network.between(self.sites(from).first(), self.sites(to).first()))
    }

    /// The latency of a link that has one of its own.
    fn own_latency(&self, from: &str, to: &str) -> Option<&Law> {
        let link = self.network.links.iter().find(|l| l.from.value == from && l.to.value == to);
        link.and_then(|link| link.latency.as_ref()).map(|latency| &latency.value)
    }

    /// Whether a link has a latency of its own, whoever stands at its ends.
    pub(in crate::scenario) fn has_own_latency(&self, from: &str, to: &str) -> bool {
        self.own_latency(from, to).is_some()
    }
}

impl Network {
    /// One-way latency between two places, by class.
    pub(in crate::scenario) fn between(&self, from: Option<&Zone>, to: Option<&Zone>) -> &Law {
        match (from, to) {
            (Some(x), Some(y)) if x.region != y.region => &self.cross_region.value,
            (Some(x), Some(y)) if x.zone != y.zone => &self.cross_zone.value,
            (Some(x), Some(y)) if x.host.is_some() && x.host == y.host => &self.same_host.value,
            _ => &self.same_zone.value,
        }
    }
}

impl<'s> Lowering<'s> {
    /// One-way latency between two nodes: an overridden link, else by class.
    pub(in crate::scenario) fn latency(&mut self, from: NodeId, to: NodeId) -> LawId {
        if let Some(law) = self.latencies.get(&(from, to)) {
            return *law;
        }
        let name = |id: NodeId| self.plan.nodes[id.index()].name.as_str();
        let law = self.scenario.latency(name(from), name(to));
        let law = self.law(law);
        self.latencies.insert((from, to), law);
        law
    }

    /// What a link does beyond its latency, where anything is written.
    pub(in crate::scenario) fn pipe(&self, from: &str, to: &str) -> Option<Pipe> {
        let link = self.scenario.network.links.iter().find(|l| l.from.value == from && l.to.value == to)?;
        let per_byte_ps = link.bandwidth.as_ref().map_or(0.0, |b| 1e12 / b.value);
        let pipe = Pipe { per_byte_ps, loss: link.loss.value };
        (pipe.per_byte_ps > 0.0 || pipe.loss > 0.0).then_some(pipe)
    }

    pub(in crate::scenario) fn zone(&self, name: &str) -> Option<&'s Zone> {
        self.scenario.zone(name)
    }
}

/// Complains about links of nobody.
pub(in crate::scenario) fn names(scenario: &Scenario, refused: &[String], complaints: &mut Vec<Complaint>) {
    for link in &scenario.network.links {
        for (end, callers) in [(&link.from, true), (&link.to, false)] {
            let node = scenario.nodes.contains_key(&end.value)
                || scenario.queues.contains_key(&end.value)
                || scenario.topics.contains_key(&end.value);
            let known = node || callers && scenario.clients.contains_key(&end.value);
            if known || refused.contains(&end.value) {
                continue;
            }
            let complaint = Complaint::error(
                code::UNKNOWN_NAME,
                format!("the link names `{}`, which nothing is called", end.value),
            );
            let names = scenario.nodes.keys().chain(scenario.clients.keys()).map(String::as_str);
            complaints.push(match suggest(&end.value, names) {
                Some(meant) => complaint.at(end.place.clone()).label(format!("did you mean `{meant}`?")),
                None => {
                    complaint.at(end.place.clone()).help("a link runs from a caller to a callee, by the names of nodes")
                }
            });
        }
    }
}

/// Complains about numbers that cannot be.
pub(in crate::scenario) fn ranges(scenario: &Scenario, complaints: &mut Vec<Complaint>) {
    scenario.network.links.iter().for_each(|link| one_link(link, complaints));
}

fn one_link(link: &Link, complaints: &mut Vec<Complaint>) {
    let bandwidth = link.bandwidth.as_ref();
    let place = bandwidth.and_then(|b| b.place.as_ref());
    zero(bandwidth.is_some_and(|b| b.value == 0.0), "bandwidth", place, "nothing would arrive", complaints);
    if link.loss.value >= 1.0 {
        let complaint = Complaint::error(code::OUT_OF_RANGE, "`loss`: all is lost, so nothing would ever arrive");
        complaints.push(complaint.at(link.loss.place.clone()));
    }
}
