//! hoptax for Python: what needs Rust. The package around it (`python/hoptax`) gives it names and types.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, RecordBatchIterator, StringArray};
use hoptax::scenario::OpenError;
use hoptax::{Findings, Rejected, Scenario, Source, Value, Watch};
use pyo3::create_exception;
use pyo3::exceptions::{PyKeyError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

create_exception!(_hoptax, ScenarioError, PyValueError, "A scenario that cannot be run; its text says where, why and how it would be right.");

/// Looks whether Python was told to stop.
#[derive(Default)]
struct Eye {
    stop: AtomicBool,
}

impl Watch for Eye {
    fn advanced(&self, _: f64) {}
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// How often Python is asked whether somebody pressed Ctrl-C.
const BLINK: Duration = Duration::from_millis(2);

/// Works on a thread of its own, so that others of Python's run meanwhile and Ctrl-C is heard. A panic is an exception.
fn apart<T: Send>(py: Python<'_>, work: impl FnOnce(&Eye) -> T + Send) -> PyResult<T> {
    let eye = Eye::default();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| work(&eye));
        let mut signal = Ok(());
        while !worker.is_finished() {
            py.detach(|| std::thread::sleep(BLINK));
            if signal.is_ok() {
                signal = py.check_signals();
                eye.stop.store(signal.is_err(), Ordering::Relaxed);
            }
        }
        let done = worker.join();
        signal?;
        done.map_err(|_| PyRuntimeError::new_err("hoptax panicked, which is a fault of its own; please report it"))
    })
}

fn rejected(why: Rejected) -> PyErr {
    ScenarioError::new_err(why.to_string())
}

/// A scenario without mistakes. It never changes: what changes it gives another.
#[pyclass(name = "Scenario", module = "hoptax._hoptax", frozen)]
struct PyScenario(Scenario);

#[pymethods]
impl PyScenario {
    /// Reads a file.
    #[staticmethod]
    fn load(path: &str) -> PyResult<Self> {
        let source = Source::open(std::path::Path::new(path)).map_err(|why| match why {
            OpenError::Io { .. } => PyOSError::new_err(why.to_string()),
            OpenError::Invalid { .. } => ScenarioError::new_err(why.to_string()),
        })?;
        Scenario::read(&source).map(Self).map_err(rejected)
    }

    /// Reads a text.
    #[staticmethod]
    fn parse(toml: &str, name: &str) -> PyResult<Self> {
        Scenario::read(&Source::text(name, toml)).map(Self).map_err(rejected)
    }

    /// The same with one change; the value is TOML.
    fn set(&self, path: &str, toml: &str) -> PyResult<Self> {
        let value: Value = toml.parse().map_err(PyValueError::new_err)?;
        self.0.with(path, value).map(Self).map_err(rejected)
    }

    /// The names of its variants.
    fn variants(&self) -> Vec<String> {
        self.0.variants()
    }

    /// One of its variants.
    fn variant(&self, name: &str) -> PyResult<Self> {
        let none = || PyKeyError::new_err(format!("no variant `{name}`; there are {}", self.0.variants().join(", ")));
        self.0.variant(name).ok_or_else(none)?.map(Self).map_err(rejected)
    }

    /// Everything it says, defaults included.
    fn canonical(&self) -> String {
        self.0.canonical()
    }

    /// What runs but looks wrong.
    fn warnings(&self) -> Vec<String> {
        self.0.warnings().iter().map(|warning| warning.message.clone()).collect()
    }

    /// Runs it; JSON, the table and rows of CSV.
    fn run(&self, py: Python<'_>, jobs: Option<usize>) -> PyResult<(String, String, String)> {
        let scenario = &self.0;
        let summary = apart(py, |eye| scenario.run_watched(jobs, eye))?;
        let summaries = [summary.map_err(|why| PyRuntimeError::new_err(why.to_string()))?];
        let table = hoptax::report::table::render(&summaries, hoptax::report::table::Style::default());
        Ok((hoptax::report::json::one(&summaries[0]), table, hoptax::report::csv::render(&summaries)))
    }

    /// Holds others against it; JSON, the table and rows of CSV.
    fn compare(
        &self,
        py: Python<'_>,
        others: Vec<(String, PyRef<'_, Self>)>,
        jobs: Option<usize>,
    ) -> PyResult<(String, String, String)> {
        let others: Vec<(String, Scenario)> = others.into_iter().map(|(name, other)| (name, other.0.clone())).collect();
        let scenario = &self.0;
        told(apart(py, |eye| scenario.compare(&others, jobs, eye))?)
    }

    /// Runs values over others; JSON, the table and rows of CSV.
    fn sweep(&self, py: Python<'_>, axes: Vec<String>, jobs: Option<usize>) -> PyResult<(String, String, String)> {
        let scenario = &self.0;
        told(apart(py, |eye| scenario.sweep(&axes, jobs, eye))?)
    }
}

/// What a study found, or the exception.
fn told<E: std::fmt::Display>(found: Result<Findings, E>) -> PyResult<(String, String, String)> {
    let found = found.map_err(|why| ScenarioError::new_err(why.to_string()))?;
    Ok((found.json, found.table, found.csv))
}

/// A column of a table.
#[derive(FromPyObject)]
enum Column {
    /// Numbers; `None` where there is none.
    Numbers(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<String>>),
}

/// A table as a stream of Arrow's C interface, a capsule that pandas, polars and DuckDB take without a copy
/// (<https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html>). Fails where columns are not of one length.
#[pyfunction]
fn stream(py: Python<'_>, columns: Vec<(String, Column)>) -> PyResult<Bound<'_, PyCapsule>> {
    let arrays = columns.into_iter().map(|(name, column)| {
        let array: ArrayRef = match column {
            Column::Numbers(values) => Arc::new(Float64Array::from(values)),
            Column::Texts(values) => Arc::new(StringArray::from(values)),
        };
        (name, array, true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(arrays).map_err(|why| PyValueError::new_err(why.to_string()))?;
    let schema = batch.schema();
    let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
    PyCapsule::new(py, stream, Some(c"arrow_array_stream".to_owned()))
}

/// A histogram as the JSON holds it: the upper ends of its buckets that are not empty, ms, and how many are in each.
#[pyfunction]
fn histogram(base64: &str) -> PyResult<(Vec<f64>, Vec<u64>)> {
    let held = hoptax::stats::Histogram::from_base64(base64);
    let held = held.ok_or_else(|| PyValueError::new_err("no HdrHistogram V2 of three digits in base64"))?;
    let (mut ends, mut counts) = (Vec::new(), Vec::new());
    held.each(|value, count| {
        ends.push(value as f64 / 1e6);
        counts.push(count);
    });
    Ok((ends, counts))
}

/// The program, with these arguments; its exit code.
#[pyfunction]
fn program(py: Python<'_>, args: Vec<String>) -> u8 {
    py.detach(|| hoptax::cli::code(args.into_iter().map(Into::into).collect()))
}

/// What the package stands on.
#[pymodule]
fn _hoptax(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyScenario>()?;
    module.add("ScenarioError", module.py().get_type::<ScenarioError>())?;
    module.add_function(wrap_pyfunction!(histogram, module)?)?;
    module.add_function(wrap_pyfunction!(stream, module)?)?;
    module.add_function(wrap_pyfunction!(program, module)?)
}
