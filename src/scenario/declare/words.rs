//! Words that a key may hold.

use super::super::vocab::Word;

/// An enum whose variants are words of the file.
pub(crate) trait Spoken: Copy + PartialEq + 'static {
    /// All that have a word, in the order in which they are told.
    const ALL: &'static [Self];

    /// Their words and what they mean, in the same order.
    const WORDS: &'static [Word];

    /// As written.
    fn word(self) -> &'static str {
        Self::ALL.iter().position(|known| *known == self).map_or("", |at| Self::WORDS[at].word)
    }

    /// The one that is written so.
    fn of(text: &str) -> Option<Self> {
        Self::WORDS.iter().position(|known| known.word == text).map(|at| Self::ALL[at])
    }
}

/// Declares words: an enum of its own, or (`for`) the words of one that stands elsewhere.
///
/// ```text
/// words! {
///     /// Whether a worker is held while a call waits.
///     pub enum Io {
///         Blocking = "blocking", "The worker is held while a call waits.";
///     }
/// }
/// ```
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$mark:ident])? $variant:ident = $word:expr, $doc:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $(#[doc = concat!("```text\n", $doc, "\n```")] $(#[$mark])? $variant,)+ }
        $crate::scenario::declare::words! { for $name { $($variant = $word, $doc;)+ } }
    };
    (for $name:ty { $($variant:ident = $word:expr, $doc:literal;)+ }) => {
        impl $crate::scenario::declare::Spoken for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const WORDS: &'static [$crate::scenario::vocab::Word] = &[$($crate::scenario::vocab::word($word, $doc)),+];
        }
        impl $crate::scenario::declare::Kind for $name {
            type Value = Self;
            const SHAPE: $crate::scenario::vocab::Shape =
                $crate::scenario::vocab::Shape::Choice(<Self as $crate::scenario::declare::Spoken>::WORDS);
            fn read(
                desk: &mut $crate::scenario::read::Desk<'_>,
                key: &str,
                value: &$crate::scenario::read::Value<'_>,
            ) -> Option<Self> {
                $crate::scenario::read::spoken(desk, key, value)
            }
            fn print(value: &Self) -> String {
                $crate::scenario::print::quoted($crate::scenario::declare::Spoken::word(*value))
            }
        }
    };
}
pub(crate) use words;
