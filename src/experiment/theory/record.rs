//! The cases as they stand in `data.json`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::figure::{Reading, Seen};
use super::sheet::{Asked, Sheet};
use super::{arrivals, balance, calls, networks, orders, single};

/// A model of queueing theory with the parameters of one case.
pub(super) trait Model: Debug + Send + Sync {
    /// The scenario that asks.
    fn scenario(&self, asked: &Asked<'_>) -> Sheet;

    /// Where the answers stand; more than the case expects does no harm.
    fn readings(&self, seen: Seen<'_>) -> Vec<Reading>;

    /// Whether a law is so heavy-tailed that estimates settle slowly.
    fn is_heavy(&self) -> bool {
        false
    }
}

/// How sure the expected figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// When a formula or a solved chain gives the answer.
    Exact,
    /// When it holds for any stable run.
    Identity,
    /// When the truth lies on one side.
    Bound,
    /// When the formula is known to be off by a little.
    Approximation,
    /// When it holds for infinitely many replicas.
    Limit,
    /// When there is no formula and another simulator gave the answer.
    Simulation,
}

/// One case: a model, its parameters and what theory expects.
#[derive(Debug)]
pub struct Record {
    /// `model/number`.
    pub id: String,
    /// The model.
    pub model: String,
    /// How sure the figures are.
    pub kind: Kind,
    /// Where they come from.
    pub source: String,
    /// By metric, seconds and per second.
    pub expected: BTreeMap<String, f64>,
    /// What another simulator found (value, half-width of its 95 % interval) where that is the better yardstick.
    pub reference: BTreeMap<String, (f64, f64)>,
    pub(super) asks: Box<dyn Model>,
}

impl Record {
    pub(super) fn write(&self, arrivals: u64, seed: u64) -> String {
        self.asks.scenario(&Asked { id: &self.id, expected: &self.expected, arrivals, seed }).text()
    }
}

#[derive(Deserialize)]
struct Data {
    sources: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    model: String,
    kind: Kind,
    params: Value,
    expected: BTreeMap<String, f64>,
    #[serde(default)]
    reference: BTreeMap<String, (f64, f64)>,
}

/// All cases. The file is part of the program, so it can be read.
pub(super) fn read() -> Vec<Record> {
    let data: Data = serde_json::from_str(include_str!("data.json")).expect("the cases are part of the program");
    data.cases.into_iter().map(|case| case.known(&data.sources)).collect()
}

impl Case {
    fn known(self, sources: &BTreeMap<String, String>) -> Record {
        let Case { id, model, kind, params, expected, reference } = self;
        let asks = asks(&model, params).unwrap_or_else(|e| panic!("case {id}: {e}"));
        Record { id, source: sources[&model].clone(), model, kind, expected, reference, asks }
    }
}

/// The model of that name with its parameters.
fn asks(name: &str, params: Value) -> Result<Box<dyn Model>, serde_json::Error> {
    match name {
        "mm1" => with::<single::Mm1>(params),
        "mmc" => with::<single::Mmc>(params),
        "mmck" => with::<single::Mmck>(params),
        "erlang_b" => with::<single::ErlangB>(params),
        "mminf" => with::<single::Mminf>(params),
        "mg1" => with::<single::Mg1>(params),
        "mdc" => with::<single::Mdc>(params),
        "gim1" => with::<arrivals::Gim1>(params),
        "gg1_kingman" => with::<arrivals::Gg1>(params),
        "mg1_ps" => with::<orders::Mg1Ps>(params),
        "mg1_lifo" => with::<orders::Mg1Lifo>(params),
        "mg1_priority" => with::<orders::Mg1Priority>(params),
        "batch_mm1" => with::<arrivals::BatchMm1>(params),
        "mmpp_m1" => with::<arrivals::MmppM1>(params),
        "erlang_a" => with::<orders::ErlangA>(params),
        "pasta" => with::<single::Pasta>(params),
        "tandem_mm1" => with::<networks::TandemMm1>(params),
        "tandem_det" => with::<networks::TandemDet>(params),
        "jackson_open" => with::<networks::Jackson>(params),
        "closed_mva" => with::<networks::Closed>(params),
        "fork_join" => with::<networks::ForkJoin>(params),
        "little_util" => with::<networks::Little>(params),
        "nested_chain_exp" => with::<calls::NestedExp>(params),
        "nested_chain_general" => with::<calls::NestedGeneral>(params),
        "fanout_max" => with::<calls::FanoutMax>(params),
        "quorum_kofn" => with::<calls::Quorum>(params),
        "serial_sum" => with::<calls::SerialSum>(params),
        "lb_compare" => with::<balance::LbCompare>(params),
        "power_of_d" => with::<balance::PowerOfD>(params),
        "jsq2" => with::<balance::Jsq2>(params),
        other => Err(serde::de::Error::custom(format!("no model `{other}`"))),
    }
}

fn with<M: Model + DeserializeOwned + 'static>(params: Value) -> Result<Box<dyn Model>, serde_json::Error> {
    Ok(Box::new(serde_json::from_value::<M>(params)?))
}
