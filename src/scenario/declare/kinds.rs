//! Kinds of values: what one is called in the schema, how it is read and how it is printed.

use std::marker::PhantomData;

use super::super::print;
use super::super::read::{self, Desk, Value, View};
use super::super::vocab::{Shape, Word};
use super::super::written::{Target, Zone};
use super::Record;
use crate::random::dist::Law;
use crate::units::{Rate, Span, size_text};

/// What a value may be.
pub(crate) trait Kind {
    /// As understood.
    type Value;

    /// As told by the schema and by `explain`.
    const SHAPE: Shape;

    /// Understands a value, or complains.
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Self::Value>;

    /// The TOML that reads back to it.
    fn print(value: &Self::Value) -> String;
}

/// Declares kinds: name, Rust type, shape, reader, printer.
macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident: $value:ty, $shape:expr, $read:path, $print:expr;)+) => {$(
        $(#[$meta])*
        pub(crate) enum $name {}
        impl Kind for $name {
            type Value = $value;
            const SHAPE: Shape = $shape;
            fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<$value> {
                $read(desk, key, value)
            }
            fn print(value: &$value) -> String {
                let print: fn(&$value) -> String = $print;
                print(value)
            }
        }
    )+};
}

kinds! {
    /// A whole number of things.
    Count: u32, Shape::Whole, read::count, u32::to_string;
    /// A whole number that may be large.
    Whole: u64, Shape::Whole, read::whole, u64::to_string;
    /// Any text.
    Text: String, Shape::Text, read::text, |text| print::quoted(text);
    /// A number, fractions allowed.
    Number: f64, Shape::Number, read::number, |x| format!("{x:?}");
    /// A share.
    Share: f64, Shape::Share, read::share, |x| format!("{x:?}");
    /// A number or a share, relative to its neighbours.
    Weight: f64, Shape::Weight, read::weight, |x| format!("{x:?}");
    /// true or false.
    Flag: bool, Shape::Flag, read::flag, bool::to_string;
    /// A size in bytes.
    Size: u64, Shape::Size, read::size, |bytes| format!("\"{}\"", size_text(*bytes));
    /// A node, or one of its endpoints.
    To: Target, Shape::Target, read::target, print::target;
    /// Where something stands.
    Site: Zone, Shape::Zone, read::zone, print::zone;
    /// So many per time.
    PerTime: Rate, Shape::Rate, read::rate, |rate| format!("\"{rate}\"");
    /// A time.
    Duration: Span, Shape::Duration, read::duration, print::time;
    /// Bytes per second.
    Bandwidth: f64, Shape::Bandwidth, read::bandwidth, |bytes| print::bandwidth(*bytes);
    /// A time that varies.
    Varying: Law, Shape::Law, read::law, print::law;
}

/// A table.
pub(crate) struct Inner<R>(PhantomData<R>);

impl<R: Record> Kind for Inner<R> {
    type Value = R;
    const SHAPE: Shape = Shape::One(R::TABLE);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<R> {
        let table = read::table(desk, key, value)?;
        let view = View::open(desk, R::TABLE, table, value.span());
        R::read(desk, &view)
    }
    fn print(held: &R) -> String {
        held.inline()
    }
}

/// A word that stands for no number.
pub(crate) trait Without {
    /// It alone, with what it means.
    const WORD: &'static [Word];
}

/// A whole number, or the word that stands for none.
pub(crate) struct CountOr<W>(PhantomData<W>);

impl<W: Without> Kind for CountOr<W> {
    type Value = Option<u32>;
    const SHAPE: Shape = Shape::Or(&[Shape::Whole, Shape::Choice(W::WORD)]);
    fn read(desk: &mut Desk<'_>, key: &str, value: &Value<'_>) -> Option<Option<u32>> {
        read::count_or(W::WORD[0].word)(desk, key, value)
    }
    fn print(value: &Option<u32>) -> String {
        value.map_or_else(|| print::quoted(W::WORD[0].word), |n| n.to_string())
    }
}
