//! The five signs of a distributed monolith, each with what speaks for it and where that stands in the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::facts::{Facts, Pair};
use super::paths::{Path, circles};
use super::proof::Proof;
use crate::diag::nouns;
use crate::scenario::programs::programs;
use crate::scenario::written::{Holds, Place, Scenario};
use crate::scenario::{Checked, callers_of};

/// How bad a sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// When the file does not say what it would take to know.
    NotAssessed,
    /// When nothing speaks for it.
    None,
    /// When something does.
    Moderate,
    /// When half of the services have it, or a chain is of four services and more.
    Severe,
}

/// What speaks for a sign.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// In words.
    pub says: String,
    /// Its line in the file, from 1; `None` where several say it together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// A sign.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sign {
    /// Which.
    pub name: &'static str,
    /// How bad.
    pub severity: Severity,
    /// The finding in a sentence.
    pub says: String,
    /// What speaks for it, or what is missing.
    pub evidence: Vec<Evidence>,
    /// What runs showed of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// Why no run can show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_simulated: Option<String>,
}

/// Services in a row from which on a chain is long, and from which on it is very long.
const LONG: (usize, usize) = (3, 4);
/// Services for each team from which on it owns too many.
const MANY: f64 = 3.0;

pub(super) fn signs(
    checked: &Checked,
    facts: &Facts<'_>,
    (pairs, n_eff): (&[Pair], Option<f64>),
    units: &[Vec<String>],
    paths: &[Path],
) -> Vec<Sign> {
    let desk = Desk { checked, facts, n: facts.services.len() };
    vec![
        desk.deploy(pairs),
        desk.data(pairs),
        desk.chains(paths),
        desk.logic(),
        desk.owners(units, n_eff.unwrap_or(0.0)),
    ]
}

struct Desk<'d> {
    checked: &'d Checked,
    facts: &'d Facts<'d>,
    n: usize,
}

impl Desk<'_> {
    fn scenario(&self) -> &Scenario {
        &self.checked.scenario
    }

    fn at(&self, says: String, place: Option<&Place>) -> Evidence {
        Evidence { says, line: place.map(|place| self.checked.source.line_column(place.start).0) }
    }

    /// Of so many services, how bad that is.
    fn of(&self, some: usize) -> Severity {
        match some {
            0 | 1 => Severity::None,
            some if 2 * some >= self.n && some > 2 => Severity::Severe,
            _ => Severity::Moderate,
        }
    }

    fn deploy(&self, pairs: &[Pair]) -> Sign {
        let name = "deploy together";
        let releases = self.facts.releases();
        let said = pairs.iter().any(|pair| pair.deploy.share.is_some());
        let broken = breaking(self.scenario());
        if !said && broken.is_empty() {
            return unknown(
                name,
                "no service says `deploys_with`",
                "write deploys_with = [] where one is released alone",
            );
        }
        let place = |release: &[&str]| {
            let of = |name: &&str| self.scenario().nodes[*name].owned.deploys_with.place.clone();
            release.iter().find_map(of)
        };
        let mut evidence: Vec<Evidence> = releases
            .iter()
            .map(|release| self.at(format!("one release: {}", release.join(", ")), place(release).as_ref()))
            .collect();
        evidence.extend(broken.iter().map(|broken| self.at(broken.told(), broken.place)));
        let all = releases.iter().flatten().copied().chain(broken.iter().flat_map(Broken::bound));
        let bound = all.filter(|name| self.facts.services.contains(name)).collect::<BTreeSet<_>>().len();
        let together: usize = releases.iter().map(Vec::len).sum();
        let says = match releases.len() {
            0 if bound > 0 && said => {
                "each service that says so is released alone, but a release that breaks a contract takes its callers with it"
                    .to_owned()
            }
            0 if bound > 0 => {
                "no service says `deploys_with`, but a release that breaks a contract takes its callers with it".to_owned()
            }
            0 if said => "each service that says so is released alone".to_owned(),
            0 => "no service says `deploys_with`; what breaks a contract is found by a build".to_owned(),
            1 => format!("{together} services of {} can only be released together", self.n),
            several => {
                format!("{together} services of {} can only be released with others, in {several} releases", self.n)
            }
        };
        let severity = if said || bound > 0 { self.of(bound) } else { Severity::NotAssessed };
        Sign { name, severity, says, evidence, proofs: Vec::new(), not_simulated: None }
    }

    fn data(&self, pairs: &[Pair]) -> Sign {
        let name = "shared database";
        let mut evidence = Vec::new();
        let (mut most, mut sharing): (usize, BTreeSet<&str>) = (0, BTreeSet::new());
        for ((database, table), used) in self.facts.tables.iter().filter(|(_, used)| used.is_shared()) {
            if !table.is_empty() {
                most = most.max(used.all().len());
                sharing.extend(used.all());
                let names = |of: &BTreeMap<String, Place>| of.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let read =
                    if used.readers.is_empty() { String::new() } else { format!("; read by {}", names(&used.readers)) };
                let says = format!("{database}.{table} is written by {}{read}", names(&used.writers));
                evidence.push(self.at(says, used.writers.values().next()));
            }
        }
        let (users, databases) = self.users();
        let open = pairs.iter().filter(|pair| pair.data.share.is_none()).count();
        evidence.extend(databases);
        if most == 0 && open > 0 {
            evidence.push(self.at("name the tables (`table = \"orders\"`) to have it assessed".into(), None));
            let says = format!("{users} services share a database; whose tables they read and write is not said");
            return Sign {
                name,
                severity: Severity::NotAssessed,
                says,
                evidence,
                proofs: Vec::new(),
                not_simulated: None,
            };
        }
        let says = match (most, users) {
            (0, 0) => "no table is written by one service and used by another".to_owned(),
            (0, users) => format!(
                "no table is written by one service and used by another, but {users} keep their data in one database: its outage is \
                 theirs"
            ),
            (most, _) if most == sharing.len() => format!("{most} services of {} share a table", self.n),
            (most, _) => format!("{} services of {} share tables, up to {most} one of them", sharing.len(), self.n),
        };
        // One database without a common table binds by its outage alone.
        let severity = if most == 0 && users > 0 { Severity::Moderate } else { self.of(sharing.len()) };
        Sign { name, severity, says, evidence, proofs: Vec::new(), not_simulated: None }
    }

    /// The most services on one database, and all databases with several.
    fn users(&self) -> (usize, Vec<Evidence>) {
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((database, _), used) in &self.facts.tables {
            all.entry(database).or_default().extend(used.all());
        }
        all.retain(|_, users| users.len() > 1);
        let told = |(database, users): (&&str, &BTreeSet<&str>)| {
            let place = self.scenario().nodes.get(*database).and_then(|node| node.name.place.clone());
            let names: Vec<&str> = users.iter().copied().collect();
            self.at(format!("{database} holds the data of {}: its outage is theirs", names.join(", ")), place.as_ref())
        };
        (all.values().map(BTreeSet::len).max().unwrap_or(0), all.iter().map(told).collect())
    }

    fn chains(&self, paths: &[Path]) -> Sign {
        let name = "long synchronous chains";
        let circles = circles(self.scenario());
        let most = paths.iter().map(|path| path.services).max().unwrap_or(0);
        let mut evidence: Vec<Evidence> = Vec::new();
        for path in paths.iter().filter(|path| path.services >= LONG.0) {
            let says = format!("{}: {}", path.client, path.longest.join(" -> "));
            evidence.push(self.at(says, self.first_call(&path.longest).as_ref()));
        }
        evidence.extend(
            circles
                .iter()
                .map(|circle| self.at(format!("a circle: {}", circle.join(" -> ")), self.first_call(circle).as_ref())),
        );
        let round: BTreeSet<&String> = circles.iter().flatten().collect();
        let severity = match most {
            most if most >= LONG.1 => Severity::Severe,
            _ if !circles.is_empty() => self.of(round.len().max(2)),
            most if most >= LONG.0 => Severity::Moderate,
            _ => Severity::None,
        };
        let gateways = paths.iter().any(|path| path.longest.len() > path.services && path.services == most);
        let calls = paths.iter().map(|path| path.calls).fold(0.0, f64::max);
        let says = match paths {
            [] => "no client calls anything".to_owned(),
            _ => format!(
                "{most} {} in a row at most{}, {calls:.1} calls for a request{}",
                nouns(most as u64, "service"),
                if gateways { " behind a gateway" } else { "" },
                if circles.is_empty() { "" } else { ", and circles" }
            ),
        };
        Sign { name, severity, says, evidence, proofs: Vec::new(), not_simulated: None }
    }

    /// Where the first call of a chain between nodes of the file stands.
    fn first_call(&self, chain: &[String]) -> Option<Place> {
        let programs = programs(self.scenario());
        let [from, to, ..] = chain else { return None };
        let found = programs.arrows().find(|(a, b, hop)| a.0 == from && b.0 == to && hop.call().is_some())?;
        found.2.place()
    }

    fn logic(&self) -> Sign {
        let name = "shared logic libraries";
        let mut all: BTreeMap<&str, (Holds, Vec<&str>, Option<Place>)> = BTreeMap::new();
        let mut said = false;
        for (service, library, holds, place) in self.facts.shared_code() {
            said = true;
            let Some(library) = library else { continue };
            let entry = all.entry(library).or_insert_with(|| (holds, Vec::new(), place.clone()));
            if entry.1.last() != Some(&service) {
                entry.1.push(service);
            }
            if holds == Holds::Logic {
                entry.0 = Holds::Logic;
            }
        }
        if !said {
            return unknown(name, "no service says `libraries`", "write libraries = {} where nothing is shared");
        }
        let shared = || all.iter().filter(|(_, (.., users, _))| users.len() > 1);
        let told = |(library, (holds, users, place)): (&&str, &(Holds, Vec<&str>, Option<Place>))| {
            let says = match holds {
                Holds::Logic => {
                    format!("{library} (logic): a release of it is a release of {}: {}", users.len(), users.join(", "))
                }
                Holds::Utility => format!("{library} (utility) in {} services: harmless", users.len()),
            };
            self.at(says, place.as_ref())
        };
        let logic = shared().filter(|(_, (holds, ..))| *holds == Holds::Logic);
        let bound: BTreeSet<&str> = logic.clone().flat_map(|(_, (_, users, _))| users.iter().copied()).collect();
        let most = logic.map(|(_, (_, users, _))| users.len()).max().unwrap_or(0);
        let says = match most {
            0 => "no rules of the business are in a library of several services".to_owned(),
            most => format!("a release of one library is a release of {most} services of {}", self.n),
        };
        Sign {
            name,
            severity: self.of(bound.len()),
            says,
            evidence: shared().map(told).collect(),
            proofs: Vec::new(),
            not_simulated: None,
        }
    }

    fn owners(&self, units: &[Vec<String>], n_eff: f64) -> Sign {
        let name = "no independent ownership";
        let Some(teams) = self.facts.teams() else {
            return unknown(name, "no service says `team`", "write team = \"checkout\" to have it assessed");
        };
        let owner = |service: &str| self.scenario().nodes[service].owned.team.value.as_deref();
        let place = |service: &str| self.scenario().nodes[service].owned.team.place.clone();
        let mut evidence = Vec::new();
        for unit in units {
            let owners: BTreeSet<&str> = unit.iter().filter_map(|service| owner(service)).collect();
            if owners.len() > 1 {
                let owners: Vec<&str> = owners.into_iter().collect();
                let says = format!("{} are one in fact and belong to {}", unit.join(", "), owners.join(", "));
                evidence.push(self.at(says, unit.first().and_then(|service| place(service)).as_ref()));
            }
        }
        for (team, own) in teams.iter().filter(|(_, own)| own.len() > 1) {
            let says = format!("{team} owns {}: {}", own.len(), own.join(", "));
            evidence.push(self.at(says, own.first().and_then(|service| place(service)).as_ref()));
        }
        let owned: usize = teams.values().map(Vec::len).sum();
        let each = owned as f64 / teams.len() as f64;
        let severity = match each {
            each if each >= MANY => Severity::Moderate,
            _ => Severity::None,
        };
        let unowned = self.n - owned;
        let rest = if unowned > 0 { format!("; of {unowned} nobody says whose") } else { String::new() };
        let says = format!(
            "{owned} services of {} {}, effectively {n_eff:.1}{rest}",
            teams.len(),
            nouns(teams.len() as u64, "team")
        );
        Sign { name, severity, says, evidence, proofs: Vec::new(), not_simulated: None }
    }
}

/// A release of the file that changes what a service says.
pub(super) struct Broken<'s> {
    /// Whose contract changes.
    pub(super) callee: &'s str,
    /// Who calls it over a transport that no build looks at: versions misunderstand each other until both are out.
    pub(super) apart: Vec<&'s str>,
    /// Who calls it by a contract that is compiled: there the build fails, and nothing is released.
    built: Vec<&'s str>,
    place: Option<&'s Place>,
}

impl<'s> Broken<'s> {
    fn bound(&self) -> impl Iterator<Item = &'s str> {
        let callee = (!self.apart.is_empty()).then_some(self.callee);
        callee.into_iter().chain(self.apart.iter().copied())
    }

    fn told(&self) -> String {
        let Self { callee, apart, built, .. } = self;
        let run = format!(
            "a release of {callee} breaks its contract: {} misunderstand it until they are out, too",
            apart.join(", ")
        );
        let build = format!(
            "a release of {callee} breaks its contract: the build of {} finds it, before anything is out",
            built.join(", ")
        );
        match (apart.is_empty(), built.is_empty()) {
            (false, true) => run,
            (true, false) => build,
            (false, false) => format!("{run}; the build of {} finds it before", built.join(", ")),
            (true, true) => format!("a release of {callee} breaks its contract, but nobody calls it"),
        }
    }
}

/// Releases of a file that break a contract, each callee once.
pub(super) fn breaking(scenario: &Scenario) -> Vec<Broken<'_>> {
    let mut seen = BTreeSet::new();
    let faults = scenario.faults.iter().filter(|fault| fault.breaking.value);
    let each = faults.filter(|fault| seen.insert(fault.target.value.as_str()));
    each.filter_map(|fault| {
        let (callee, _) = scenario.nodes.get_key_value(&fault.target.value)?;
        let (all, built) = callers_of(scenario, callee);
        let apart = all.difference(&built).copied().collect();
        Some(Broken { callee, apart, built: built.into_iter().collect(), place: fault.place.as_ref() })
    })
    .collect()
}

fn unknown(name: &'static str, why: &str, how: &str) -> Sign {
    let evidence = vec![Evidence { says: how.to_owned(), line: None }];
    Sign {
        name,
        severity: Severity::NotAssessed,
        says: why.to_owned(),
        evidence,
        proofs: Vec::new(),
        not_simulated: None,
    }
}
