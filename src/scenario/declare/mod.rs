//! How the file is declared: a word, a kind of value, a key, a table is said once, and reader, canonical form, schema,
//! `explain` and "did you mean" follow from that.
//!
//! [`words!`] declares the words that a key may hold as an enum that knows its own text. A [`Kind`] is what one value may
//! be and how it is read and printed; a [`Field`] is a kind with what its absence means; [`table!`] makes a [`Record`] of
//! keys with fields. The tables stand in `scenario/tables`, each in one file with its checks and its lowering.

mod fields;
mod kinds;
mod record;
mod words;

pub(crate) use fields::{Always, Field, Filled, Maybe, Must, Needed, Or, Perhaps, Ruled, Said};
pub(crate) use kinds::{
    Bandwidth, Count, CountOr, Duration, Flag, Inner, Kind, Number, PerTime, Share, Site, Size, Text, To, Varying,
    Weight, Whole, Without,
};
pub(crate) use record::{Record, Told, beside, table};
pub(crate) use words::{Spoken, words};
