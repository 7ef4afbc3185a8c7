//! What a sweep is made of: said before the first run, kept beside the rows, and compared before more are added.

use serde::{Deserialize, Serialize};

use crate::experiment::parallel;
use crate::experiment::run::Watch;
use crate::experiment::study::{Head, Trouble, judged};
use crate::scenario::edit::without;
use crate::scenario::written::Axis;
use crate::scenario::{Checked, Edit, Source, forecast, hash, load};

/// Points of a grid at most.
const POINTS: u64 = 100_000;

/// Points that are checked at once.
const AT_ONCE: u64 = 256;

/// Nodes whose use is noted in each row, the busiest by the forecast.
const NODES: usize = 16;

/// What is swept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its path in the file.
    pub path: String,
    /// Its values as they are shown.
    pub values: Vec<String>,
    /// The same as numbers of one unit; nothing where they are words.
    pub numbers: Vec<f64>,
    /// That unit, as it follows a number.
    pub unit: String,
}

/// A promise of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Promised {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub of: String,
    /// As it is written.
    pub expect: String,
    /// The bound, in the unit of its figure: ms, share, per second, count.
    pub bound: f64,
    /// Whether less is better.
    pub ceiling: bool,
    /// Whether it is about a time.
    #[serde(default)]
    pub time: bool,
}

/// A point of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// The value of each parameter, as it is shown.
    pub at: Vec<String>,
    /// Hash of the scenario with these values.
    pub hash: String,
    /// Cores, where every node that limits them is taken together; `None` where none does.
    pub cores: Option<f64>,
    /// Who is offered more than it can do, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overloaded: Vec<String>,
}

/// What a sweep is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Who makes it, of what, and how.
    pub head: Head,
    /// Hash of what every run is of: the scenario without its number of runs.
    pub core: String,
    /// What is swept; the last changes first from point to point.
    pub parameters: Vec<Parameter>,
    /// Whose requests the answer is about.
    pub client: String,
    /// The clients of each row, in order.
    pub clients: Vec<String>,
    /// The nodes of each row, in order.
    pub nodes: Vec<String>,
    /// The promises of each row, in order.
    pub promises: Vec<Promised>,
    /// The points, in order.
    pub points: Vec<Spot>,
}

/// The scenarios of a grid, each made when it is asked for.
pub(super) struct Grid<'a> {
    checked: &'a Checked,
    axes: &'a [Axis],
    /// The text that the values are set in: what is compared and swept is gone.
    source: Source,
}

impl<'a> Grid<'a> {
    /// Of these axes; refused where there is none, or too much of it.
    pub(super) fn of(checked: &'a Checked, axes: &'a [Axis]) -> Result<Self, Trouble> {
        let absent = |why: String| Err(Trouble::Absent(why));
        if axes.is_empty() {
            let cure = "say for example --sweep clients.shoppers.rate=100/s..400/s:7, or write it under [sweep]";
            return absent(format!("nothing is swept; {cure}"));
        }
        for (nth, axis) in axes.iter().enumerate() {
            let path = axis.path.value.as_str();
            if let Some(why) = still(path) {
                return absent(format!("{path} {why}"));
            }
            if axes[..nth].iter().any(|other| other.path.value == path) {
                return absent(format!("{path} is swept twice"));
            }
        }
        let points = axes.iter().fold(1_u64, |n, axis| n.saturating_mul(axis.values.len() as u64));
        if points > POINTS {
            return absent(format!("{points} points; at most {POINTS}"));
        }
        let source = without(&without(&checked.source, "variants"), "sweep");
        Ok(Self { checked, axes, source })
    }

    pub(super) fn points(&self) -> u64 {
        self.axes.iter().map(|axis| axis.values.len() as u64).product()
    }

    /// The values of a point, as they are set.
    fn values(&self, mut point: u64) -> Vec<&'a str> {
        let mut values: Vec<&str> = Vec::new();
        for axis in self.axes.iter().rev() {
            let count = axis.values.len() as u64;
            values.push(&axis.values[(point % count) as usize]);
            point /= count;
        }
        values.reverse();
        values
    }

    /// The scenario of a point.
    pub(super) fn at(&self, point: u64) -> Result<Checked, Trouble> {
        let edit = |(axis, value): (&Axis, &str)| Edit {
            path: axis.path.value.clone(),
            value: value.to_owned(),
            origin: "--sweep".into(),
        };
        let edits: Vec<Edit> = self.axes.iter().zip(self.values(point)).map(edit).collect();
        let checked = load(&self.source, &edits)?.within(self.checked.ceiling)?;
        Ok(Checked { variant: self.checked.variant.clone(), ..checked })
    }
}

/// Why a value is no parameter, if it is none.
fn still(path: &str) -> Option<&'static str> {
    match path {
        "sim.seed" | "sim.replications" => Some("is the same at every point; say it with --seed or -n"),
        "sim.duration" => Some(
            "is the same at every point, so that runs can be compared; try others one by one: --set sim.duration=…",
        ),
        _ => match path.split('.').next() {
            Some("name" | "description" | "version") => {
                Some("changes nothing that is measured; sweep what is run, such as clients.NAME.rate")
            }
            Some("variants" | "sweep") => Some("is not run itself; sweep what it changes"),
            _ => None,
        },
    }
}

/// A value without its quotes.
fn shown(value: &str) -> String {
    value.trim_matches(['"', '\'']).to_owned()
}

impl Manifest {
    /// Of a grid: every point is checked before anything is run.
    pub(super) fn of(
        checked: &Checked,
        grid: &Grid<'_>,
        client: Option<&str>,
        (jobs, watch): (Option<usize>, &dyn Watch),
    ) -> Result<Self, Trouble> {
        let client = judged(checked, client)?;
        let parameter = |axis: &Axis| {
            let (numbers, unit) = axis.numbers().unwrap_or_default();
            let values = axis.values.iter().map(|value| shown(value)).collect();
            Parameter { path: axis.path.value.clone(), values, numbers, unit }
        };
        let promised = |slo: &crate::scenario::written::Slo| Promised {
            name: slo.name.value.clone(),
            of: slo.of.value.clone(),
            expect: slo.expect.value.clone(),
            bound: slo.promise.bound,
            ceiling: slo.promise.is_ceiling(),
            time: slo.promise.metric.is_time(),
        };
        let spot = |point: u64| {
            if watch.stopped() {
                return Err(Trouble::Interrupted);
            }
            let scenario = grid.at(point)?;
            let at = grid.values(point).into_iter().map(shown).collect();
            let (cores, used) = (cores(&scenario), in_use(&scenario));
            Ok((Spot { at, cores, hash: scenario.hash, overloaded: scenario.overloaded }, used))
        };
        let mut busy: Vec<(String, f64)> = Vec::new();
        let mut points = Vec::new();
        let threads = parallel::cores_for(jobs);
        for from in (0..grid.points()).step_by(AT_ONCE as usize) {
            let count = AT_ONCE.min(grid.points() - from);
            for found in parallel::each(count as u32, threads, |nth| spot(from + u64::from(nth))) {
                let (spot, used) = found?;
                note_use(used, &mut busy);
                points.push(spot);
            }
        }
        busy.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        busy.truncate(NODES);
        busy.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self {
            head: Head::of(checked, "simulated, not measured"),
            core: core(checked),
            parameters: grid.axes.iter().map(parameter).collect(),
            client,
            clients: checked.scenario.clients.keys().cloned().collect(),
            nodes: busy.into_iter().map(|(name, _)| name).collect(),
            promises: checked.scenario.slos.iter().map(promised).collect(),
            points,
        })
    }

    /// Runs of all points together; of p points run r is replication r ÷ p of point r mod p, so that more replications have the
    /// numbers that follow.
    pub fn runs(&self) -> u64 {
        self.points.len() as u64 * u64::from(self.head.replications)
    }

    /// The point of a run.
    pub fn point(&self, run: u64) -> u64 {
        run % self.points.len().max(1) as u64
    }

    /// Which of its point's replications a run is.
    pub fn replication(&self, run: u64) -> u32 {
        (run / self.points.len().max(1) as u64) as u32
    }

    /// The runs of a point, in order.
    pub fn runs_of(&self, point: u64) -> impl Iterator<Item = u64> {
        let points = self.points.len() as u64;
        (0..u64::from(self.head.replications)).map(move |nth| nth * points + point)
    }

    /// The place of a run where those of each point stand together; by that they are shared out, so that all parts have some of every point.
    pub(super) fn place(&self, run: u64) -> u64 {
        self.point(run) * u64::from(self.head.replications) + u64::from(self.replication(run))
    }

    /// Whether a manifest that was kept is of this sweep with fewer runs of each point: its rows are rows of this one.
    pub(super) fn extends(&self, text: &str) -> bool {
        let Ok(mut other) = Self::read(text, "") else { return false };
        if other.head.replications >= self.head.replications || other.is_ours("").is_err() {
            return false;
        }
        // Only what is hashed with the number of runs may be different.
        other.head.replications = self.head.replications;
        other.head.scenario.hash.clone_from(&self.head.scenario.hash);
        other.points.iter_mut().zip(&self.points).for_each(|(spot, ours)| spot.hash.clone_from(&ours.hash));
        other.text() == self.text()
    }

    /// As it is kept, the same for the same sweep.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// A manifest that was kept; `name` says where.
    pub fn read(text: &str, name: &str) -> Result<Self, Trouble> {
        let version = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            value.get("head")?.get("tool")?.get("version")?.as_str().map(str::to_owned)
        };
        serde_json::from_str(text).map_err(|error| {
            let of = version(text).map(|version| format!(" (of hoptax {version})")).unwrap_or_default();
            Trouble::Kept(format!("{name}: its manifest{of} cannot be read: {error}"))
        })
    }

    /// Refuses what another version made: its figures need not be these.
    pub(super) fn is_ours(&self, name: &str) -> Result<(), Trouble> {
        let (theirs, ours) = (&self.head.tool.version, env!("CARGO_PKG_VERSION"));
        if theirs == ours {
            return Ok(());
        }
        Err(Trouble::Kept(format!(
            "{name}: made by hoptax {theirs}, and this is {ours}; the figures need not be the same"
        )))
    }

    /// Whether a manifest that was kept is of this sweep; says what is different.
    pub(super) fn same(&self, text: &str, name: &str) -> Result<(), Trouble> {
        let other = Self::read(text, name)?;
        other.is_ours(name)?;
        let (ours, theirs) = (&self.head, &other.head);
        let numbers = |head: &Head| (head.seed, head.replications, head.duration_s.to_bits());
        // First, because they are part of what is hashed.
        let why = if numbers(ours) != numbers(theirs) {
            let told = |head: &Head| format!("seed {}, {} runs of {} s", head.seed, head.replications, head.duration_s);
            format!("is of {}, and here it is {}", told(theirs), told(ours))
        } else if ours.scenario.hash != theirs.scenario.hash {
            format!(
                "is of another scenario: its hash is {}, and here it is {}",
                theirs.scenario.hash, ours.scenario.hash
            )
        } else if self.parameters != other.parameters {
            format!("sweeps {}, and here it is {}", told(&other.parameters), told(&self.parameters))
        } else if self.text() != other.text() {
            "is of the same scenario and parameters, but asks for other figures of it".to_owned()
        } else {
            return Ok(());
        };
        let more = theirs.replications > ours.replications;
        let cure = if more { format!("say -n {} or more, ", theirs.replications) } else { String::new() };
        Err(Trouble::Kept(format!("{name} {why}; {cure}name another folder, or remove this one")))
    }
}

/// The hash of a scenario without its number of runs.
fn core(checked: &Checked) -> String {
    let mut scenario = checked.scenario.clone();
    scenario.sim.replications.value = 0;
    hash(&scenario)
}

fn told(parameters: &[Parameter]) -> String {
    let one = |parameter: &Parameter| format!("{} over {}", parameter.path, parameter.values.join(", "));
    parameters.iter().map(one).collect::<Vec<_>>().join(" and ")
}

/// How busy each node is, by the forecast.
fn in_use(scenario: &Checked) -> Vec<(String, f64)> {
    let nodes = forecast(&scenario.scenario).nodes.into_iter();
    nodes.map(|node| (node.name, node.utilization.max(node.held).max(node.peak_utilization))).collect()
}

/// How busy each node is at most at any point.
fn note_use(used: Vec<(String, f64)>, busy: &mut Vec<(String, f64)>) {
    for (node, most) in used {
        match busy.iter_mut().find(|(name, _)| *name == node) {
            Some(known) => known.1 = known.1.max(most),
            None => busy.push((node, most)),
        }
    }
}

/// Cores of all replicas of the nodes that say how many they have.
fn cores(scenario: &Checked) -> Option<f64> {
    let each = scenario.scenario.nodes.values();
    each.filter_map(|node| Some(node.cores.value? * f64::from(node.replicas.value))).reduce(|a, b| a + b)
}
