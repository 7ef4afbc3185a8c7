//! A number that varies.

use super::tables::{Key, Shape, Table, Word, key, word};

const DIST: &[Word] = &[
    word("constant", "Always the same: { dist = \"constant\", value = \"8ms\" }."),
    word("exponential", "Memoryless: { dist = \"exponential\", mean = \"5ms\" }."),
    word("lognormal", "By mean and coefficient of variation: { dist = \"lognormal\", mean = \"5ms\", cv = 1.5 }."),
    word("erlang", "The sum of k exponentials: { dist = \"erlang\", mean = \"5ms\", k = 4 }."),
    word("gamma", "By mean and coefficient of variation: { dist = \"gamma\", mean = \"5ms\", cv = 0.5 }."),
    word(
        "hyperexponential",
        "Two exponentials with balanced means, cv at least 1: { dist = \"hyperexponential\", mean = \"5ms\", cv = 3.0 }.",
    ),
    word(
        "pareto",
        "Bounded Pareto, a heavy tail cut off: { dist = \"pareto\", min = \"1ms\", max = \"10s\", alpha = 1.5 }.",
    ),
    word(
        "weibull",
        "By mean and shape, below 1 heavier than exponential: { dist = \"weibull\", mean = \"5ms\", shape = 0.7 }.",
    ),
    word("uniform", "Anything in between alike: { dist = \"uniform\", min = \"1ms\", max = \"9ms\" }."),
    word("normal", "Truncated at 0: { dist = \"normal\", mean = \"5ms\", sd = \"1ms\" }."),
    word("geometric", "Counts from 1: { dist = \"geometric\", mean = 10 }."),
];

const FORMS: &[Key] = &[
    key("value", Shape::Duration, "Always the same; same as the plain text."),
    key("dist", Shape::Choice(DIST), "The family; without it, `mean` alone is exponential and percentiles are fitted."),
    key("mean", Shape::Duration, "The mean; alone: exponential."),
    key("cv", Shape::Number, "Coefficient of variation: standard deviation ÷ mean."),
    key("k", Shape::Whole, "Stages of an erlang."),
    key("alpha", Shape::Number, "Tail index of a pareto; smaller is heavier."),
    key("shape", Shape::Number, "Shape of a weibull; below 1 is heavier than exponential."),
    key("min", Shape::Duration, "Smallest value (pareto, uniform)."),
    key("max", Shape::Duration, "Largest value (pareto, uniform)."),
    key("sd", Shape::Duration, "Standard deviation of a normal."),
    key("p50", Shape::Duration, "Median; any two percentiles make a log-normal through both, more a monotone fit."),
    key("p90", Shape::Duration, "90 % are at most this."),
    key("p95", Shape::Duration, "95 % are at most this."),
    key("p99", Shape::Duration, "99 % are at most this."),
    key("p999", Shape::Duration, "99.9 % are at most this."),
];

const SHARE: &[Key] = &[key("share", Shape::Share, "How often this branch of the mix is drawn.")];

// A static: a mix is a list of laws, and constants cannot go in circles.
static WHOLE: [Key; 2] = [
    key("mix", Shape::Tables(&BRANCH_LAW), "One of several laws, each with its share; a missing share is the rest."),
    key(
        "samples",
        Shape::Text,
        "A CSV file of measured values, one per line: with a unit each, or with a header that names it (`ms`).",
    ),
];

/// A time that varies.
pub static LAW: Table = Table {
    name: "a number that varies",
    doc: "\"8ms\" (constant), { mean = \"5ms\" } (exponential), { p50 = \"8ms\", p99 = \"60ms\" } (log-normal through \
          both), { dist = …, … }, { mix = [{ share = \"99%\", … }, …] } or { samples = \"measured.csv\" }.",
    keys: &[FORMS, &WHOLE],
};

/// One branch of a mix.
pub static BRANCH_LAW: Table =
    Table { name: "a branch of a mix", doc: "Any law, with its share.", keys: &[SHARE, FORMS, &WHOLE] };

/// A count that varies: the same keys, numbers without unit.
pub static COUNTS: Table = Table {
    name: "a count that varies",
    doc: "10 (always), or a law over plain numbers, such as { dist = \"geometric\", mean = 10 }.",
    keys: &[FORMS, &WHOLE],
};

/// All tables of laws.
pub static ANY_LAW: [&Table; 3] = [&LAW, &BRANCH_LAW, &COUNTS];
