//! The shape of the vocabulary: tables of keys, keys with shapes, words.

/// A TOML table of the scenario file.
#[derive(Debug)]
pub struct Table {
    /// As people refer to it: `[services.*]`, `a step`.
    pub name: &'static str,
    /// What it is, in a sentence or two.
    pub doc: &'static str,
    /// Its keys, in groups that tables may share.
    pub keys: &'static [&'static [Key]],
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// Its value when nobody writes it, as TOML; `None`: nothing (the doc says what that means).
    pub default: Option<&'static str>,
    /// Whether it is known but refused so far.
    pub later: bool,
}

/// A word that a key may hold.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// As written.
    pub word: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Whether it is known but refused so far.
    pub later: bool,
}

/// What a key holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// A name that the file defines.
    Name,
    /// A whole number from 0.
    Whole,
    /// A number, fractions allowed.
    Number,
    /// true or false.
    Flag,
    /// A time with its unit.
    Duration,
    /// A time that varies.
    Law,
    /// A time that varies, as a table.
    LawTable,
    /// A count that varies.
    Counts,
    /// So many per time.
    Rate,
    /// A size in bytes, `"4KB"`.
    Size,
    /// Bytes per second, `"100MB/s"`.
    Bandwidth,
    /// A share, `"0.2%"` or `0.002`.
    Share,
    /// A number or a share, relative to its neighbours.
    Weight,
    /// `region/zone/host`.
    Zone,
    /// The name of a node or of one of its endpoints.
    Target,
    /// One of these words.
    Choice(&'static [Word]),
    /// One of these words for each of any names.
    Words(&'static [Word]),
    /// A target, or a list of targets with shares.
    Calls(&'static Table),
    /// One table.
    One(&'static Table),
    /// Tables by name.
    Named(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A list of these.
    List(&'static Shape),
    /// A list of steps.
    Steps,
    /// Paths and values: a variant.
    Edits,
    /// Paths, each with several values.
    Values,
    /// Anything: a key whose inside is not described yet.
    Anything,
    /// Any of these.
    Or(&'static [Shape]),
}

impl Shape {
    /// The words that it may be.
    pub fn words(self) -> &'static [Word] {
        match self {
            Self::Choice(words) | Self::Words(words) => words,
            Self::List(each) => each.words(),
            Self::Or(any) => any.iter().map(|one| one.words()).find(|words| !words.is_empty()).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The table of which there is one or several, if it may be one.
    pub fn table(self) -> Option<&'static Table> {
        match self {
            Self::One(table) | Self::Named(table) | Self::Tables(table) | Self::Calls(table) => Some(table),
            Self::Or(any) => any.iter().find_map(|one| one.table()),
            _ => None,
        }
    }
}

/// A key without default; see `or` and `later`.
pub const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, default: None, later: false }
}

/// A key that is known but refused so far.
pub(crate) const fn later(name: &'static str, doc: &'static str) -> Key {
    Key { name, shape: Shape::Anything, doc, default: None, later: true }
}

/// A word.
pub(crate) const fn word(word: &'static str, doc: &'static str) -> Word {
    Word { word, doc, later: false }
}

/// What switches a rule off that a policy or preset brings.
pub(crate) const NONE: &[Word] = &[word("none", "Without it, whatever the policy or the preset says.")];

impl Key {
    /// The same with a default, written as TOML.
    pub(crate) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The same, known but refused so far.
    #[allow(dead_code, reason = "each issue of the vocabulary adds and removes its own")]
    pub(super) const fn later(mut self) -> Self {
        self.later = true;
        self
    }
}

impl Word {
    /// The same, known but refused so far.
    #[expect(dead_code, reason = "each issue of the vocabulary adds and removes its own")]
    pub(super) const fn later(mut self) -> Self {
        self.later = true;
        self
    }
}

impl Table {
    /// All keys in order.
    pub fn all(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().flat_map(|group| group.iter())
    }

    /// The key of that name.
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.all().find(|key| key.name == name)
    }
}
