//! What is compared: scenarios under the names that they have in the comparison, the first the one that the others are held
//! against, all with its seed and its replications.

use crate::diag::{Source, nouns};
use crate::experiment::study::{Options, Trouble, load};
use crate::scenario::{self, Checked, Edit};

/// What a scenario without changes is called in a comparison.
pub const WRITTEN: &str = "as written";

/// The scenarios of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    /// Name and scenario; the first is the one that the others are compared with.
    pub scenarios: Vec<(String, Checked)>,
    /// What was changed so that they can be compared, and what is to be known of them.
    pub notes: Vec<String>,
    /// The interaction that stands in several patterns, where that is what differs.
    pub edge: Option<String>,
}

impl Cast {
    /// One more scenario. From the second on it gets the first one's seed and replications, which is noted.
    pub fn add(
        &mut self,
        name: &str,
        source: &Source,
        variant: Option<&str>,
        options: &Options,
    ) -> Result<(), Trouble> {
        let mut checked = load(source, variant, options)?;
        if let Some((_, base)) = self.scenarios.first() {
            let (ours, theirs) = (Frame::of(&checked), Frame::of(base));
            if ours != theirs {
                let mut alike = options.clone();
                alike.edits.extend(theirs.edits());
                checked = load(source, variant, &alike)?;
                self.notes.push(format!("{name}: {}", ours.told(&theirs)));
            }
        }
        self.scenarios.push((name.to_owned(), checked));
        Ok(())
    }

    /// A file as written and its variants in its order, or one of these first and then the rest; `only`: one of them alone
    /// against the first.
    pub fn variants(
        source: &Source,
        base: Option<&str>,
        only: Option<&str>,
        options: &Options,
    ) -> Result<Self, Trouble> {
        let named = |name: &&str| *name != WRITTEN;
        let base = base.filter(named);
        let names = scenario::variants(source);
        let all = || std::iter::once(None).chain(names.iter().map(|name| Some(name.as_str())));
        let wanted = only.map_or_else(|| all().collect(), |one| vec![Some(one).filter(named)]);
        let wanted: Vec<Option<&str>> = wanted.into_iter().filter(|variant| *variant != base).collect();
        let mut cast = Self::default();
        cast.add(base.unwrap_or(WRITTEN), source, base, options)?;
        if wanted.is_empty() {
            let why = "it has no other variants, so there is nothing to compare it with; add [variants.…] or name a second file";
            return Err(Trouble::Absent(format!("{}: {why}", source.name)));
        }
        for variant in wanted {
            cast.add(variant.unwrap_or(WRITTEN), source, variant, options)?;
        }
        Ok(cast)
    }
}

/// What must be the same in two runs for their draws to be common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    seed: u64,
    replications: u32,
}

impl Frame {
    fn of(checked: &Checked) -> Self {
        let sim = &checked.scenario.sim;
        Self { seed: sim.seed.value, replications: sim.replications.value }
    }

    /// What sets it.
    fn edits(self) -> [Edit; 2] {
        let set = |path: &str, value: String| Edit { path: path.into(), value, origin: "comparison".into() };
        [set("sim.seed", self.seed.to_string()), set("sim.replications", self.replications.to_string())]
    }

    /// What is changed to make it another, in words.
    fn told(self, to: &Self) -> String {
        let seed = (self.seed != to.seed).then(|| format!("seed {} instead of its own {}", to.seed, self.seed));
        let count = (self.replications != to.replications).then(|| {
            let replications = nouns(to.replications.into(), "replication");
            format!("{} {replications} instead of its own {}", to.replications, self.replications)
        });
        let parts: Vec<String> = seed.into_iter().chain(count).collect();
        format!("run with {}, so that replications can be paired", parts.join(" and "))
    }
}
