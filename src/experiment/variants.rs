//! A scenario and its variants, each run for itself.

use super::run::Watch;
use super::study::{Options, Series, Trouble, each, load};
use crate::diag::Source;
use crate::scenario::{self, Checked};

/// Which of a file's scenarios are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which<'a> {
    /// The file as written.
    #[default]
    Written,
    /// One variant.
    One(&'a str),
    /// The file as written and every variant, in the order of the file.
    All,
}

/// Runs what is meant of a file. All of it is checked before the first is run.
///
/// ```
/// use hoptax::experiment::variants::{Which, variants};
/// use hoptax::experiment::study::Options;
/// use hoptax::scenario::Source;
///
/// let text = r#"
/// version = 1
/// sim = { duration = "2s", warmup = "0s", replications = 2 }
/// [clients.users]
/// calls = "web"
/// rate = "50/s"
/// [services.web]
/// work = "4ms"
/// concurrency = 2
/// [variants.slower]
/// "services.web.work" = "40ms"
/// "#;
/// let series = variants(&Source::text("web", text), Which::All, &Options::default(), &()).unwrap();
/// let mean = |at: usize| series.summaries[at].clients["users"].latency_ms.mean.value.unwrap();
/// assert!(series.whole && mean(1) > 5.0 * mean(0));
/// ```
pub fn variants(source: &Source, which: Which<'_>, options: &Options, watch: &dyn Watch) -> Result<Series, Trouble> {
    let checked = checked(source, which, options)?;
    each(&checked, options.jobs, watch, checked.len())
}

/// What is meant of a file, checked.
pub fn checked(source: &Source, which: Which<'_>, options: &Options) -> Result<Vec<Checked>, Trouble> {
    match which {
        Which::Written => Ok(vec![load(source, None, options)?]),
        Which::One(name) => Ok(vec![load(source, Some(name), options)?]),
        Which::All => {
            let names = scenario::variants(source);
            let all = std::iter::once(None).chain(names.iter().map(|name| Some(name.as_str())));
            all.map(|variant| load(source, variant, options)).collect()
        }
    }
}
