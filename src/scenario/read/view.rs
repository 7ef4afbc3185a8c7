//! A table of the text seen through its vocabulary: opening it complains about every key that does not belong there.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::value::{self, suggest};
use super::{Desk, Value};
use crate::diag::{Complaint, Source, code};
use crate::scenario::declare::Spoken;
use crate::scenario::vocab::{self, Key, Shape, Table, Word};
use crate::scenario::written::{Given, Place, Rule};

/// A table of the text and its vocabulary.
pub(crate) struct View<'t> {
    pub(crate) vocab: &'static Table,
    table: Option<&'t DeTable<'t>>,
    /// What holds where the table says nothing: that of a preset.
    under: Option<&'t DeTable<'t>>,
    /// Where to point for what is missing.
    pub(crate) place: Option<Place>,
    /// What it is called, where that stands in its header.
    title: Option<Given<String>>,
}

impl<'t> View<'t> {
    /// Opens a table and complains about keys that do not belong there.
    pub(crate) fn open(desk: &mut Desk<'_>, vocab: &'static Table, table: &'t DeTable<'t>, place: Place) -> Self {
        for (name, value) in table {
            check_key(desk, vocab, name, value);
        }
        Self { vocab, table: Some(table), under: None, place: Some(place), title: None }
    }

    /// Opens a table of the text, or (`own` false) one of a preset, which needs no checking and has no place.
    pub(crate) fn open_quietly(
        desk: &mut Desk<'_>,
        vocab: &'static Table,
        table: &'t DeTable<'t>,
        place: Place,
        own: bool,
    ) -> Self {
        if own {
            return Self::open(desk, vocab, table, place);
        }
        Self { vocab, table: None, under: Some(table), place: None, title: None }
    }

    /// The same, with a preset's table below.
    pub(crate) fn over(self, under: Option<&'t DeTable<'t>>) -> Self {
        Self { under: under.or(self.under), ..self }
    }

    /// Whether the text itself says it.
    pub(crate) fn wrote(&self, name: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(name))
    }

    /// What the preset says.
    pub(crate) fn below(&self, name: &str) -> Option<&'t Value<'t>> {
        self.under?.get(name)
    }

    /// Where a value stands, unless it is a preset's.
    pub(crate) fn place_if_own(&self, name: &str, value: &Value<'_>) -> Option<Place> {
        self.wrote(name).then(|| value.span())
    }

    /// What a table is called that has its name in its header.
    pub(crate) fn title(_: &mut Desk<'_>, view: &Self) -> Given<String> {
        view.titled()
    }

    /// The same.
    pub(crate) fn titled(&self) -> Given<String> {
        self.title.clone().unwrap_or_else(|| Given::default(String::new()))
    }

    /// Where a table stands, if somebody wrote it.
    pub(crate) fn stands(_: &mut Desk<'_>, view: &Self) -> Option<Place> {
        view.place.clone()
    }

    /// A table that nobody wrote: all defaults.
    pub(crate) fn absent(vocab: &'static Table) -> Self {
        Self { vocab, table: None, under: None, place: None, title: None }
    }

    /// The table under a key, or all its defaults.
    pub(crate) fn inner(&self, desk: &mut Desk<'_>, name: &str) -> View<'t> {
        let Shape::One(vocab) = self.key(name).shape else { unreachable!("{name} is one table") };
        match self.get(name).and_then(|v| value::table(desk, name, v).map(|t| (t, v.span()))) {
            Some((table, place)) => View::open(desk, vocab, table, place),
            None => View::absent(vocab),
        }
    }

    /// The tables by name under a key.
    pub(crate) fn named(&self, desk: &mut Desk<'_>, name: &str) -> Vec<(Given<String>, View<'t>)> {
        let Shape::Named(vocab) = self.key(name).shape else { unreachable!("{name} is named tables") };
        let Some(tables) = self.get(name).and_then(|v| value::table(desk, name, v)) else { return Vec::new() };
        let mut all = Vec::new();
        for (key, inner) in tables {
            desk.refused.push(key.get_ref().to_string());
            if let Some(table) = value::table(desk, key.get_ref(), inner) {
                desk.refused.pop();
                let named = Given::at(key.get_ref().to_string(), key.span());
                let view = View::open(desk, vocab, table, key.span());
                all.push((named.clone(), View { title: Some(named), ..view }));
            }
        }
        all
    }

    /// The list of tables under a key.
    pub(crate) fn list(&self, desk: &mut Desk<'_>, name: &str) -> Vec<View<'t>> {
        let Shape::Tables(vocab) = self.key(name).shape else { unreachable!("{name} is a list of tables") };
        let Some(items) = self.get(name).and_then(|v| value::array(desk, name, v)) else { return Vec::new() };
        let mut all = Vec::new();
        for item in items {
            if let Some(table) = value::table(desk, name, item) {
                all.push(View::open(desk, vocab, table, item.span()));
            }
        }
        all
    }

    /// The key of the vocabulary; asking for one that is not there is a mistake in this program.
    fn key(&self, name: &str) -> &'static Key {
        let key = self.vocab.find(name);
        debug_assert!(key.is_some_and(|key| !key.later), "{name} is not in the vocabulary of {}", self.vocab.name);
        key.unwrap_or(&NO_KEY)
    }

    /// The value of a key, if it was written.
    pub(crate) fn get(&self, name: &str) -> Option<&'t Value<'t>> {
        let _ = self.key(name);
        self.table.and_then(|table| table.get(name)).or_else(|| self.below(name))
    }

    /// Whether the key was written.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Where the key's value stands.
    pub(crate) fn place_of(&self, name: &str) -> Option<Place> {
        self.get(name).and_then(|value| self.place_if_own(name, value))
    }

    /// Reads a key, if it was written and can be understood.
    pub(crate) fn read<T>(
        &self,
        desk: &mut Desk<'_>,
        name: &str,
        read: impl Fn(&mut Desk<'_>, &str, &Value<'_>) -> Option<T>,
    ) -> Option<Given<T>> {
        let value = self.get(name)?;
        Some(Given { value: read(desk, name, value)?, place: self.place_if_own(name, value) })
    }

    /// Reads a key that may be absent, in which case it means nothing.
    pub(crate) fn maybe<T>(
        &self,
        desk: &mut Desk<'_>,
        name: &str,
        read: impl Fn(&mut Desk<'_>, &str, &Value<'_>) -> Option<T>,
    ) -> Given<Option<T>> {
        match self.read(desk, name, read) {
            Some(given) => Given { value: Some(given.value), place: given.place },
            None => Given::default(None),
        }
    }

    /// Reads a key or, where it is absent or cannot be understood, the default of its vocabulary.
    pub(crate) fn or_default<T>(
        &self,
        desk: &mut Desk<'_>,
        name: &str,
        read: impl Fn(&mut Desk<'_>, &str, &Value<'_>) -> Option<T>,
    ) -> Given<T> {
        if let Some(given) = self.read(desk, name, &read) {
            return given;
        }
        let text = self.key(name).default.unwrap_or_default();
        let nowhere = Source::text("", text);
        let mut quiet = Desk::new(&nowhere);
        let value = DeValue::parse(text).ok().and_then(|value| read(&mut quiet, name, &value));
        Given::default(value.unwrap_or_else(|| unreachable!("the default of {name} is not in its own vocabulary")))
    }

    /// Complains that a key is missing.
    pub(crate) fn missing(&self, desk: &mut Desk<'_>, name: &str, help: &str) {
        desk.push(
            Complaint::error(code::MISSING_KEY, format!("{} has no `{name}`", self.vocab.name))
                .at(self.place.clone())
                .help(help),
        );
    }
}

/// What a release build reads where this program asks for a key that is not in the vocabulary: nothing.
static NO_KEY: Key = vocab::key("", Shape::Anything, "");

/// Reads one of the words of an enum.
pub(crate) fn spoken<T: Spoken>(desk: &mut Desk<'_>, name: &str, value: &Value<'_>) -> Option<T> {
    let text = value::text(desk, name, value)?;
    let meant = T::of(&text);
    if meant.is_none() {
        unknown_word(desk, name, value, &text, T::WORDS);
    }
    meant
}

/// A list of words; with an unknown one it means nothing.
pub(crate) fn all_spoken<T: Spoken>(desk: &mut Desk<'_>, name: &str, value: &Value<'_>) -> Option<Vec<T>> {
    value::array(desk, name, value)?.iter().map(|item| spoken(desk, name, item)).collect()
}

/// A rule: a table, or "none".
pub(crate) fn rule<T>(
    desk: &mut Desk<'_>,
    view: &View<'_>,
    name: &str,
    read: impl Fn(&mut Desk<'_>, &View<'_>) -> Option<T>,
) -> Rule<T> {
    let value = view.get(name)?;
    let place = view.place_if_own(name, value);
    if value.get_ref().as_str() == Some("none") {
        return Some(Box::new(Given { value: None, place }));
    }
    if !value.get_ref().is_table() {
        let help = format!("write for example {name} = {{ … }}, or {name} = \"none\" to be without");
        value::wrong_kind(desk, name, value, "a table", &help);
        return None;
    }
    let inner = view.rule(desk, name, value)?;
    Some(Box::new(Given { value: Some(read(desk, &inner)?), place }))
}

/// Complains about a word that is none of a key's, or not supported yet.
pub(crate) fn unknown_word(desk: &mut Desk<'_>, name: &str, value: &Value<'_>, text: &str, known: &[Word]) {
    let supported: Vec<&str> = known.iter().filter(|w| !w.later).map(|w| w.word).collect();
    if known.iter().any(|w| w.word == text && w.later) {
        let complaint = Complaint::error(code::NOT_YET, format!("not supported yet: {name} `{text}`"));
        desk.push(complaint.at(value.span()).help(format!("supported are {}", listed(&supported))));
        return;
    }
    let mut complaint =
        Complaint::error(code::UNKNOWN_WORD, format!("`{name}` does not know `{text}`")).at(value.span());
    if let Some(meant) = suggest(text, known.iter().map(|w| w.word)) {
        complaint = complaint.label(format!("did you mean `{meant}`?"));
    }
    let all: Vec<&str> = known.iter().map(|w| w.word).collect();
    desk.push(complaint.help(format!("it knows {}", listed(&all))));
}

/// `a, b and c`, each in backticks.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => "nothing".into(),
        [one] => format!("`{one}`"),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(|w| format!("`{w}`")).collect();
            format!("{} and `{last}`", most.join(", "))
        }
    }
}

fn check_key(desk: &mut Desk<'_>, vocab: &'static Table, name: &Spanned<DeString<'_>>, value: &Value<'_>) {
    let word = name.get_ref().as_ref();
    match vocab.find(word) {
        Some(key) if key.later => {
            not_yet(desk, word, key.doc, name.span());
            refuse_names(desk, value);
            if let Some(inner) = value.get_ref().as_table().and_then(|t| t.get_key_value("attempts")) {
                attempts(desk, inner.0.span());
            }
        }
        Some(_) => {}
        None if word == "shed" => shed(desk, vocab, name.span()),
        None if word == "attempts" || word == "max_attempts" => attempts(desk, name.span()),
        None => unknown_key(desk, vocab, word, name.span()),
    }
}

/// Remembers the names that a refused table defines, or a refused list of tables by `name`.
fn refuse_names(desk: &mut Desk<'_>, value: &Value<'_>) {
    match value.get_ref() {
        DeValue::Table(table) => desk.refused.extend(table.keys().map(|k| k.get_ref().to_string())),
        DeValue::Array(items) => {
            let names = items.iter().filter_map(|item| item.get_ref().as_table()?.get("name")?.get_ref().as_str());
            desk.refused.extend(names.map(str::to_owned));
        }
        _ => {}
    }
}

/// Refuses a word that is known but cannot be run yet.
pub(crate) fn not_yet(desk: &mut Desk<'_>, word: &str, doc: &str, place: Place) {
    let complaint = Complaint::error(code::NOT_YET, format!("not supported yet: {word}")).at(place);
    desk.push(complaint.help(format!("{word}: {}; this version cannot run it", lower_first(doc))));
}

fn attempts(desk: &mut Desk<'_>, place: Place) {
    let complaint = Complaint::error(code::UNKNOWN_KEY, "`attempts` is ambiguous").at(place);
    desk.push(complaint.label("does it count the first call?").help(
        "Envoy counts retries only, gRPC and AWS count the first call too; say how many retries: retries = { max = 2 }",
    ));
}

fn shed(desk: &mut Desk<'_>, vocab: &'static Table, place: Place) {
    let message = format!("`shed` belongs on a service or gateway, not in {}", vocab.name);
    desk.push(Complaint::error(code::MISPLACED, message).at(place).label("a caller does not see this line").help(
        "write it where the line is: [services.orders] shed = { queue_longer_than = \"100ms\" }; \
         what a caller has is `concurrency_limit` and `adaptive_throttle`",
    ));
}

fn unknown_key(desk: &mut Desk<'_>, vocab: &'static Table, word: &str, place: Place) {
    let mut complaint =
        Complaint::error(code::UNKNOWN_KEY, format!("unknown key `{word}` in {}", vocab.name)).at(place);
    let percentile =
        word.strip_prefix('p').is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit() || c == '.'));
    if percentile && vocab.find("p50").is_some() {
        complaint = complaint.help("the percentiles are p50, p90, p95, p99 and p999");
    } else if let Some(near) = vocab::near(word, vocab) {
        complaint = complaint.label(format!("it is called `{}` here", near.meant));
        if !near.why.is_empty() {
            complaint = complaint.help(format!("`{}`: {}", near.meant, near.why));
        }
    } else if let Some(what) = vocab::absent(word) {
        complaint = complaint.label("hoptax has no such thing").help(what);
    } else if let Some(meant) = suggest(word, vocab.all().map(|key| key.name)) {
        complaint = complaint.label(format!("did you mean `{meant}`?"));
    } else if vocab.all().count() > 0 {
        let all: Vec<&str> = vocab.all().filter(|k| !k.later).map(|k| k.name).collect();
        complaint = complaint.help(format!("it knows {}", listed(&all)));
    }
    desk.push(complaint);
}

/// A sentence as a fragment: first letter small, no full stop.
pub(crate) fn lower_first(doc: &str) -> String {
    let mut letters = doc.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

impl<'t> View<'t> {
    /// The table of a rule, and below it that of the library.
    pub(crate) fn rule(&self, desk: &mut Desk<'_>, name: &str, value: &'t Value<'t>) -> Option<View<'t>> {
        let Some(vocab) = self.key(name).shape.table() else { unreachable!("{name} is a rule") };
        let own = self.wrote(name);
        let table = value::table(desk, name, value)?;
        let view = View::open_quietly(desk, vocab, table, value.span(), own);
        let below = if own { self.below(name).and_then(|value| value.get_ref().as_table()) } else { None };
        Some(view.over(below))
    }
}
