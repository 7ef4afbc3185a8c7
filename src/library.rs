//! The library as whoever builds on it meets it first: a scenario, its builder, and a run.

use std::fmt;
use std::str::FromStr;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike};

use crate::diag::{Complaint, Source, code};
use crate::experiment::compare::{self, Cast};
use crate::experiment::study::Trouble;
use crate::experiment::summary::Summary;
use crate::experiment::sweep::{self, Held, Wanted};
use crate::experiment::{self, Failure, Watch};
use crate::report::table::Style;
use crate::report::{self, json};
use crate::scenario::written::Axis;
use crate::scenario::{CEILING, Checked, Edit, Rejected, canonical, load, variant_edits, variants};

/// A scenario without mistakes, ready to run.
///
/// ```
/// use hoptax::Scenario;
///
/// let desk = Scenario::parse(r#"
///     version = 1
///     [sim]
///     duration = "50s"
///     [defaults]
///     transport = "free"
///     [clients.people]
///     calls = "desk"
///     rate = "80/s"
///     [services.desk]
///     concurrency = 1
///     work = { mean = "10ms" }
/// "#)?;
/// let summary = desk.run()?;
/// let busy = desk.with("clients.people.rate", "90/s")?.run()?;
/// let p99 = |summary: &hoptax::Summary| summary.client("people")?.latency().p99();
/// assert!(p99(&busy) > p99(&summary));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    checked: Checked,
}

impl Scenario {
    /// A scenario that is put together here; says the same as its TOML would, with the same checks and defaults.
    pub fn builder(name: &str) -> Builder {
        let mut document = DocumentMut::new();
        document.insert("version", Item::Value(1.into()));
        document.insert("name", Item::Value(name.into()));
        Builder { document, at: Vec::new(), wrong: Vec::new() }
    }

    /// Reads and checks a text. Every mistake in it is told, each with its place.
    pub fn parse(toml: &str) -> Result<Self, Rejected> {
        Self::read(&Source::text("scenario", toml))
    }

    /// The same of a text that has a name, comes from a file ([`Source::open`]), or brings files along.
    pub fn read(source: &Source) -> Result<Self, Rejected> {
        Ok(Self { checked: runnable(source, &[])? })
    }

    /// The same with one change, as `--set` would make it.
    pub fn with(&self, path: &str, value: impl Into<Value>) -> Result<Self, Rejected> {
        let edit = Edit { path: path.to_owned(), value: value.into().to_string(), origin: "with".to_owned() };
        Ok(Self { checked: runnable(self.source(), &[edit])? })
    }

    /// The names of its variants, in the order of the text.
    pub fn variants(&self) -> Vec<String> {
        variants(self.source())
    }

    /// One of its variants; `None` where there is none of that name.
    pub fn variant(&self, name: &str) -> Option<Result<Self, Rejected>> {
        let edits = variant_edits(self.checked.scenario(), name)?;
        Some(runnable(self.source(), &edits).map(|checked| Self { checked }))
    }

    /// Runs it on all cores. The figures depend on the text and its seed only.
    pub fn run(&self) -> Result<Summary, Failure> {
        self.run_watched(None, &())
    }

    /// Runs it on so many threads, and tells somebody how far it is, who may stop it.
    pub fn run_watched(&self, threads: Option<usize>, watch: &dyn Watch) -> Result<Summary, Failure> {
        experiment::run(&self.checked, threads, watch)
    }

    /// Holds others, by their names, against it: every figure's difference with its interval.
    pub fn compare(
        &self,
        others: &[(String, Self)],
        threads: Option<usize>,
        watch: &dyn Watch,
    ) -> Result<Findings, Trouble> {
        let written = (compare::WRITTEN.to_owned(), self.checked.clone());
        let others = others.iter().map(|(name, other)| (name.clone(), other.checked.clone()));
        let cast = Cast { scenarios: std::iter::once(written).chain(others).collect(), ..Cast::default() };
        let found = compare::study(&cast, threads, watch)?;
        let warnings = report::compare::warnings(&found.summaries);
        Ok(Findings {
            json: json::pretty(&found.comparison),
            table: report::compare::table(&found.comparison, &warnings, Style::default()),
            csv: report::compare::csv(&found.comparison),
        })
    }

    /// Runs values over others, such as `clients.shoppers.rate=100/s..400/s:7`; of several every combination.
    pub fn sweep(&self, axes: &[String], threads: Option<usize>, watch: &dyn Watch) -> Result<Findings, Trouble> {
        let axes = axes.iter().map(|text| Axis::parse(text)).collect::<Result<_, _>>().map_err(Trouble::Absent)?;
        let wanted = Wanted { axes, ..Wanted::default() };
        let found = sweep::study(&self.checked, &wanted, threads, watch, &Held::default(), &mut |_, _| Ok(()))?;
        let found = found.sweep.ok_or(Trouble::Interrupted)?;
        let page = report::sweep::page(&found, true);
        Ok(Findings { json: json::pretty(&found), table: page.table(Style::default()), csv: page.csv() })
    }

    /// What runs but looks wrong.
    pub fn warnings(&self) -> &[Complaint] {
        self.checked.warnings()
    }

    /// The text it was read from, changes applied.
    pub fn source(&self) -> &Source {
        self.checked.source()
    }

    /// Everything it says, defaults included, as TOML in a fixed order.
    pub fn canonical(&self) -> String {
        canonical(self.checked.scenario())
    }

    /// What the rest of the library works on.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }
}

/// What a study found, as the program writes it.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The JSON contract.
    pub json: String,
    /// For a terminal, without colours.
    pub table: String,
    /// One figure a row.
    pub csv: String,
}

/// A scenario for which there is memory enough: who builds on the library is told as the shell is, not by an abort.
fn runnable(source: &Source, edits: &[Edit]) -> Result<Checked, Rejected> {
    load(source, edits)?.within(CEILING)
}

/// Puts a scenario together, a table at a time: [`Builder::client`], [`Builder::service`] and the like open one, and
/// [`Builder::set`] writes into the one that was opened last. Keys and values are those of the file (`hoptax explain` knows
/// them all), and mistakes are told by [`Builder::build`], as they would be of a file.
///
/// ```
/// use hoptax::Scenario;
///
/// let shop = Scenario::builder("shop")
///     .table("sim").set("duration", "20s")
///     .table("defaults").set("transport", "free")
///     .client("buyers").set("calls", "shop").set("rate", "100/s")
///     .service("shop").set("concurrency", 32).set("work.mean", "2ms").set("steps", ["stock"])
///     .service("stock").set("work.mean", "5ms")
///     .item("slos").set("name", "quick").set("of", "buyers").set("expect", "p99 < 50ms")
///     .build()?;
/// assert!(shop.run()?.client("buyers").is_some_and(|buyers| buyers.succeeded > 1000));
///
/// let wrong = Scenario::builder("shop").client("buyers").set("cals", "shop").build().unwrap_err();
/// assert!(wrong.to_string().contains("did you mean `calls`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    document: DocumentMut,
    /// The table that was opened last.
    at: Vec<String>,
    wrong: Vec<Complaint>,
}

impl Builder {
    /// Opens `[clients.NAME]`.
    pub fn client(self, name: &str) -> Self {
        self.named("clients", name)
    }

    /// Opens `[services.NAME]`.
    pub fn service(self, name: &str) -> Self {
        self.named("services", name)
    }

    /// Opens `[databases.NAME]`.
    pub fn database(self, name: &str) -> Self {
        self.named("databases", name)
    }

    /// Opens a table of a kind by its name: `[policies.NAME]`, `[queues.NAME]`, `[variants.NAME]` and so on.
    pub fn named(mut self, kind: &str, name: &str) -> Self {
        self.at = vec![kind.to_owned(), name.to_owned()];
        self.opened()
    }

    /// Opens a table by its path: `sim`, `services.shop.endpoints.buy`.
    pub fn table(mut self, path: &str) -> Self {
        self.at = path.split('.').map(str::to_owned).collect();
        self.opened()
    }

    /// Adds a table to a list, `[[slos]]`, `[[faults]]` or by its path `[[services.shop.consumes]]`, and opens it.
    pub fn item(mut self, list: &str) -> Self {
        self.at = list.split('.').map(str::to_owned).collect();
        let (last, before) = self.at.split_last().map_or((list, &[][..]), |(last, before)| (last.as_str(), before));
        let table = inner(self.document.as_table_mut(), before);
        let found = table.map(|table| table.entry(last).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())));
        match found.and_then(Item::as_array_of_tables_mut) {
            Some(all) => all.push(Table::new()),
            None => self.refuse(list),
        }
        self
    }

    /// Writes a key into the table that was opened last; one of a table within is named with dots.
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        let mut path = self.at.clone();
        path.extend(key.split('.').map(str::to_owned));
        let last = path.pop().unwrap_or_default();
        match inner(self.document.as_table_mut(), &path) {
            Some(table) => drop(table.insert(&last, Item::Value(value.into().0))),
            None => self.refuse(key),
        }
        self
    }

    /// The TOML it has come to.
    pub fn toml(&self) -> String {
        self.document.to_string()
    }

    /// Checks it.
    pub fn build(self) -> Result<Scenario, Rejected> {
        let source = Source::text("scenario", self.toml());
        if self.wrong.is_empty() { Scenario::read(&source) } else { Err(Rejected { complaints: self.wrong, source }) }
    }

    /// A table that was opened is there, though nothing may be said in it.
    fn opened(mut self) -> Self {
        if inner(self.document.as_table_mut(), &self.at).is_none() {
            let path = self.at.join(".");
            self.refuse(&path);
        }
        self
    }

    fn refuse(&mut self, key: &str) {
        let message = format!("`{key}` leads through something that is no table");
        self.wrong.push(Complaint::error(code::UNKNOWN_PATH, message));
    }
}

/// The table at a path, made where it is not; of a list, its last. `None` where something else stands there.
fn inner<'t>(table: &'t mut dyn TableLike, path: &[String]) -> Option<&'t mut dyn TableLike> {
    let Some((first, rest)) = path.split_first() else { return Some(table) };
    let next = table.entry(first).or_insert_with(|| Item::Table(Table::new()));
    let next: &mut dyn TableLike = match next {
        Item::ArrayOfTables(all) => all.iter_mut().last()?,
        next => next.as_table_like_mut()?,
    };
    inner(next, rest)
}

/// What a key is set to: a text, a number, a flag, a list of these; or any TOML, parsed.
///
/// ```
/// # use hoptax::Value;
/// let step: Value = r#"{ query = "orders", times = 2 }"#.parse()?;
/// let steps = Value::from(["stock".into(), step]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct Value(toml_edit::Value);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Value {
    type Err = String;

    fn from_str(toml: &str) -> Result<Self, String> {
        toml.parse().map(Self).map_err(|error: toml_edit::TomlError| error.message().to_owned())
    }
}

impl<V: Into<Self>, const N: usize> From<[V; N]> for Value {
    fn from(all: [V; N]) -> Self {
        Self::from(Vec::from(all))
    }
}

impl<V: Into<Self>> From<Vec<V>> for Value {
    fn from(all: Vec<V>) -> Self {
        Self(all.into_iter().map(|value| value.into().0).collect::<Array>().into())
    }
}

macro_rules! plain_values {
    ($($kind:ty)*) => {
        $(impl From<$kind> for Value {
            fn from(value: $kind) -> Self {
                Self(value.into())
            }
        })*
    };
}

plain_values!(&str String bool f64 i64);

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        f64::from(value).into()
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        i64::from(value).into()
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        i64::from(value).into()
    }
}
