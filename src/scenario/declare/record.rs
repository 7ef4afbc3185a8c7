//! Tables.

use super::super::read::{Desk, View};
use super::super::vocab::{Key, Table};

/// A key as the canonical form tells it.
pub(crate) struct Told {
    /// The key.
    pub(crate) key: &'static str,
    /// Its TOML; `None` where its absence stands for something.
    pub(crate) value: Option<String>,
    /// Whether nobody wrote it.
    pub(crate) default: bool,
}

/// A table of the file, or keys that several tables share.
pub(crate) trait Record: Sized {
    /// Its keys, without those that it shares.
    const KEYS: &'static [Key];

    /// What is known about it.
    const TABLE: &'static Table;

    /// Reads it; `None`, with complaints, where it means nothing.
    fn read(desk: &mut Desk<'_>, view: &View<'_>) -> Option<Self>;

    /// Its keys in the order of the declaration.
    fn told(&self) -> Vec<Told>;

    /// All of it in one line.
    fn inline(&self) -> String {
        let said = self.told().into_iter().filter_map(|told| Some(format!("{} = {}", told.key, told.value?)));
        format!("{{ {} }}", said.collect::<Vec<_>>().join(", "))
    }
}

/// Declares a table: what it is, and of each key the Rust type, the field, the default as TOML, and what it means.
/// Keys that other tables have, too, are records of their own and stand first or last, as `..name: Record` or
/// `& name: Record`. Fields behind `+` are no keys: they are found by the function behind `=`, or filled in by who reads the
/// table. `needs` is the help where a key that must be there is missing, `then` ends a reading (contradictions, defaults
/// that depend on others), `meant` puts in order or leaves out what the canonical form says.
///
/// ```text
/// table! {
///     /// Replicas that have just become ready are slow.
///     pub struct Warmup: "warmup", "Work on a replica that has just become ready takes longer." {
///         factor: Given<f64> as Or<Number> = "3.0", "So many times as long at first.";
///         over: Given<Span> as Or<Duration> = "\"30s\"", "How long that takes.";
///     }
/// }
/// ```
macro_rules! table {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident: $title:literal, $doc:literal $(, needs $needs:literal)? $(, then $then:path)? $(, meant $meant:path)? {
            $(..$group:ident: $shared:ty;)*
            $($key:ident: $type:ty as $field:ty $(= $default:literal)?, $about:literal;)*
            $(& $tail:ident: $also:ty;)*
            $(+ $(#[$own:meta])* $plain:ident: $held:ty $(= $found:expr)?;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $(#[doc = "Keys that other tables have, too."] pub $group: $shared,)*
            $(#[doc = concat!("```text\n", $about, "\n```")] pub $key: $type,)*
            $(#[doc = "Keys that other tables have, too."] pub $tail: $also,)*
            $($(#[$own])* pub $plain: $held,)*
        }

        impl $crate::scenario::declare::Record for $name {
            const KEYS: &'static [$crate::scenario::vocab::Key] = &[$(
                $crate::scenario::vocab::key(
                    stringify!($key),
                    <$field as $crate::scenario::declare::Field>::SHAPE,
                    $about,
                )$(.or($default))?,
            )*];

            const TABLE: &'static $crate::scenario::vocab::Table = {
                static TABLE: $crate::scenario::vocab::Table = $crate::scenario::vocab::Table {
                    name: $title,
                    doc: $doc,
                    keys: &[
                        $(<$shared as $crate::scenario::declare::Record>::KEYS,)*
                        <$name as $crate::scenario::declare::Record>::KEYS,
                        $(<$also as $crate::scenario::declare::Record>::KEYS,)*
                    ],
                };
                &TABLE
            };

            fn read(
                desk: &mut $crate::scenario::read::Desk<'_>,
                view: &$crate::scenario::read::View<'_>,
            ) -> Option<Self> {
                let help = concat!($($needs)?);
                $(let $group = <$shared as $crate::scenario::declare::Record>::read(desk, view);)*
                $(let $key = <$field as $crate::scenario::declare::Field>::read(desk, view, stringify!($key), help);)*
                $(let $tail = <$also as $crate::scenario::declare::Record>::read(desk, view);)*
                let read = Self { $($group: $group?,)* $($key: $key?,)* $($tail: $tail?,)* $($plain: $crate::scenario::declare::beside!(desk, view $(, $found)?),)* };
                $(let read = $then(read, desk, view);)?
                Some(read)
            }

            fn told(&self) -> Vec<$crate::scenario::declare::Told> {
                let mut all = Vec::new();
                $(all.extend($crate::scenario::declare::Record::told(&self.$group));)*
                $({
                    let (value, default) = <$field as $crate::scenario::declare::Field>::told(&self.$key);
                    all.push($crate::scenario::declare::Told { key: stringify!($key), value, default });
                })*
                $(all.extend($crate::scenario::declare::Record::told(&self.$tail));)*
                $(let all = $meant(self, all);)?
                all
            }
        }
    };
}
pub(crate) use table;

/// What is known of a table beside its keys.
macro_rules! beside {
    ($desk:ident, $view:ident) => {
        Default::default()
    };
    ($desk:ident, $view:ident, $found:expr) => {
        $found($desk, $view)
    };
}
pub(crate) use beside;
