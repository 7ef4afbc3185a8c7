//! All runs of a sweep as a table of [Parquet](https://parquet.apache.org/docs/file-format/): what pandas, polars, `DuckDB` and Spark
//! read, with types. What was swept is a number where it is one; its unit stands in the file's metadata.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::runs::{Datum, Kind, columns, data};
use crate::experiment::sweep::{Manifest, Row};

/// Rows of a group: so many are in memory before they are written.
const GROUP: usize = 8192;

/// A table that comes to be row by row.
pub struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    kinds: Vec<Kind>,
    rows: Vec<Vec<Datum>>,
}

impl<W: Write + Send> Table<W> {
    /// Begins a table for the runs of this sweep.
    pub fn begin(manifest: &Manifest, to: W) -> Result<Self, String> {
        let columns = columns(manifest);
        let unit = |parameter: &crate::experiment::sweep::Parameter| {
            KeyValue::new(format!("unit of {}", parameter.path), parameter.unit.clone())
        };
        let facts = [
            ("scenario", manifest.head.scenario.hash.clone()),
            ("hoptax", manifest.head.tool.version.clone().into_owned()),
            ("note", manifest.head.note.clone()),
        ];
        let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value)).into_iter();
        let facts = facts.chain(manifest.parameters.iter().map(unit)).collect();
        let properties = Arc::new(WriterProperties::builder().set_key_value_metadata(Some(facts)).build());
        let schema = schema(&columns).map_err(|error| error.to_string())?;
        let writer = SerializedFileWriter::new(to, schema, properties).map_err(|error| error.to_string())?;
        Ok(Self { writer, kinds: columns.into_iter().map(|(_, kind)| kind).collect(), rows: Vec::new() })
    }

    /// Adds a run.
    pub fn add(&mut self, manifest: &Manifest, row: &Row) -> Result<(), String> {
        self.rows.push(data(manifest, row));
        if self.rows.len() < GROUP { Ok(()) } else { self.flush().map_err(|error| error.to_string()) }
    }

    /// Writes what is left, and gives back what was written to.
    pub fn end(mut self) -> Result<W, String> {
        self.flush().and_then(|()| self.writer.into_inner()).map_err(|error| error.to_string())
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (at, kind) in self.kinds.iter().enumerate() {
            let Some(mut column) = group.next_column()? else { break };
            let each = self.rows.iter().map(|row| &row[at]);
            match kind {
                Kind::Count => write::<Int64Type>(&mut column, each.map(count)),
                Kind::Number => write::<DoubleType>(&mut column, each.map(number)),
                Kind::Text => write::<ByteArrayType>(&mut column, each.map(text)),
                Kind::Truth => write::<BoolType>(&mut column, each.map(truth)),
            }?;
            column.close()?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

/// All columns may be empty, but counts; these have no sign (a seed takes all 64 bits).
fn schema(columns: &[(String, Kind)]) -> Result<TypePtr, ParquetError> {
    let field = |(name, kind): &(String, Kind)| {
        let (physical, logical) = match kind {
            Kind::Count => (Physical::INT64, Some(LogicalType::integer(64, false))),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Truth => (Physical::BOOLEAN, None),
        };
        let builder = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        builder.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder("runs").with_fields(fields).build().map(Arc::new)
}

/// The values of a column, and at which rows there is one.
fn write<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    each: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut values, mut there) = (Vec::new(), Vec::new());
    for one in each {
        there.push(i16::from(one.is_some()));
        values.extend(one);
    }
    column.typed::<T>().write_batch(&values, Some(&there), None).map(drop)
}

fn count(datum: &Datum) -> Option<i64> {
    if let Datum::Count(n) = datum { Some(n.cast_signed()) } else { None }
}

fn number(datum: &Datum) -> Option<f64> {
    match datum {
        Datum::Number(x) => *x,
        Datum::Swept(x, _) => Some(*x),
        _ => None,
    }
}

fn text(datum: &Datum) -> Option<ByteArray> {
    if let Datum::Text(Some(text)) = datum { Some(text.as_str().into()) } else { None }
}

fn truth(datum: &Datum) -> Option<bool> {
    if let Datum::Truth(is) = datum { *is } else { None }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;

    use super::*;
    use crate::experiment::study::{Options, load};
    use crate::experiment::sweep::{Held, Wanted, study};
    use crate::scenario::Source;
    use crate::scenario::written::Axis;

    #[test]
    fn runs_come_back_with_their_types() {
        let text = r#"
version = 1
sim = { duration = "2s", warmup = "0s", replications = 3 }
clients.users = { calls = "desk", rate = "20/s" }
services.desk.work = "1ms"
slos = [{ of = "users", expect = "p99 < 50ms" }, { of = "users", expect = "success_rate >= 99%" }]
"#;
        let checked = load(&Source::text("desk", text), None, &Options::default()).unwrap();
        let axes = ["clients.users.rate=10/s,400/s", "clients.users.transport=rest,grpc"];
        let axes = axes.map(|axis| Axis::parse(axis).unwrap()).into();
        let (mut table, mut rows) = (None, Vec::new());
        let wanted = Wanted { axes, ..Wanted::default() };
        study(&checked, &wanted, None, &(), &Held::default(), &mut |manifest, row| {
            rows.push(data(manifest, row));
            table.get_or_insert_with(|| Table::begin(manifest, Vec::new()).unwrap()).add(manifest, row)
        })
        .unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&table.unwrap().end().unwrap()).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let facts = reader.metadata().file_metadata().key_value_metadata().unwrap();
        assert!(
            facts.iter().any(|fact| fact.key == "unit of clients.users.rate" && fact.value.as_deref() == Some("/s"))
        );
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 12);
        for (read, written) in read.iter().zip(&rows) {
            assert_eq!(read.get_ulong(2).ok(), count(&written[2]).map(i64::cast_unsigned), "its seed, without a sign");
            assert_eq!(read.get_double(3).ok(), number(&written[3]));
            assert_eq!(
                read.get_string(4).ok().map(String::as_str),
                Some(["rest", "grpc"][usize::from(read.get_ulong(0).unwrap() % 2 == 1)])
            );
            for (at, datum) in written.iter().enumerate() {
                assert_eq!(read.get_double(at).ok(), number(datum), "column {at}");
                assert_eq!(read.get_bool(at).ok(), truth(datum), "column {at}");
            }
        }
        let kept = |run: usize| rows[run].iter().filter_map(truth).count();
        assert_eq!((kept(0), kept(6)), (1, 2), "twenty requests have no 99th percentile, eight hundred have one");
    }
}
