//! Fields: a kind of value with what its absence means.

use std::marker::PhantomData;

use super::super::read::{self, Desk, View};
use super::super::vocab::{NONE, Shape};
use super::super::written::{Given, Rule};
use super::{Kind, Record};

/// How a key stands in its table.
pub(crate) trait Field {
    /// As it stands in the record.
    type Held;

    /// As told by the schema and by `explain`.
    const SHAPE: Shape;

    /// Reads it; `None` where the table means nothing without it. `help` says how it would be written.
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, help: &str) -> Option<Self::Held>;

    /// Its TOML, if it stands for something, and whether that is a default.
    fn told(held: &Self::Held) -> (Option<String>, bool);
}

/// A value or the default of its key.
pub(crate) struct Or<K>(PhantomData<K>);

/// A value, or nothing.
pub(crate) struct Maybe<K>(PhantomData<K>);

/// A value that must be written.
pub(crate) struct Must<K>(PhantomData<K>);

/// A value that must be written; without it the table is still known by the rest.
pub(crate) struct Needed<K>(PhantomData<K>);

/// A value that is absent where nobody wrote it.
pub(crate) struct Said<K>(PhantomData<K>);

/// A value whose default depends on others: who reads the table fills it in.
pub(crate) struct Filled<K>(PhantomData<K>);

/// A table that is there whether somebody wrote it or not.
pub(crate) struct Always<R>(PhantomData<R>);

/// A table that may be absent.
pub(crate) struct Perhaps<R>(PhantomData<R>);

/// A table that may be absent, or switched off with "none".
pub(crate) struct Ruled<R>(PhantomData<R>);

impl<K: Kind> Field for Or<K> {
    type Held = Given<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<Self::Held> {
        Some(view.or_default(desk, key, K::read))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        (Some(K::print(&held.value)), held.is_default())
    }
}

impl<K: Kind> Field for Maybe<K> {
    type Held = Given<Option<K::Value>>;
    const SHAPE: Shape = K::SHAPE;
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<Self::Held> {
        Some(view.maybe(desk, key, K::read))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        (held.value.as_ref().map(K::print), held.is_default())
    }
}

impl<K: Kind> Field for Must<K> {
    type Held = Given<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, help: &str) -> Option<Self::Held> {
        if !view.has(key) {
            view.missing(desk, key, help);
        }
        view.read(desk, key, K::read)
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        (Some(K::print(&held.value)), held.is_default())
    }
}

impl<K: Kind<Value: Default>> Field for Needed<K> {
    type Held = Given<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, help: &str) -> Option<Self::Held> {
        Some(Must::<K>::read(desk, view, key, help).unwrap_or_else(|| Given::default(K::Value::default())))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        Must::<K>::told(held)
    }
}

impl<K: Kind> Field for Said<K> {
    type Held = Option<Given<K::Value>>;
    const SHAPE: Shape = K::SHAPE;
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<Self::Held> {
        Some(view.read(desk, key, K::read))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        (held.as_ref().map(|given| K::print(&given.value)), held.as_ref().is_some_and(Given::is_default))
    }
}

impl<K: Kind<Value: Default>> Field for Filled<K> {
    type Held = Given<K::Value>;
    const SHAPE: Shape = K::SHAPE;
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<Self::Held> {
        Some(view.read(desk, key, K::read).unwrap_or_else(|| Given::default(K::Value::default())))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        (Some(K::print(&held.value)), held.is_default())
    }
}

impl<R: Record> Field for Always<R> {
    type Held = R;
    const SHAPE: Shape = Shape::One(R::TABLE);
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<R> {
        let inner = view.inner(desk, key);
        R::read(desk, &inner)
    }
    fn told(held: &R) -> (Option<String>, bool) {
        (Some(held.inline()), held.told().iter().all(|told| told.default))
    }
}

impl<R: Record> Field for Perhaps<R> {
    type Held = Option<R>;
    const SHAPE: Shape = Shape::One(R::TABLE);
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, help: &str) -> Option<Option<R>> {
        Some(if view.has(key) { Always::<R>::read(desk, view, key, help) } else { None })
    }
    fn told(held: &Option<R>) -> (Option<String>, bool) {
        let Some(held) = held else { return (None, true) };
        let (value, default) = Always::<R>::told(held);
        (value, default)
    }
}

impl<R: Record> Field for Ruled<R> {
    type Held = Rule<R>;
    const SHAPE: Shape = Shape::Or(&[Shape::One(R::TABLE), Shape::Choice(NONE)]);
    fn read(desk: &mut Desk<'_>, view: &View<'_>, key: &'static str, _: &str) -> Option<Self::Held> {
        Some(read::rule(desk, view, key, R::read))
    }
    fn told(held: &Self::Held) -> (Option<String>, bool) {
        let Some(given) = held else { return (None, false) };
        (Some(given.value.as_ref().map_or_else(|| "\"none\"".to_owned(), Record::inline)), given.is_default())
    }
}
