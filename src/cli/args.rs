//! Arguments that several verbs share.

use clap::ValueEnum;

/// How the program talks; every verb knows these.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Manner {
    /// Results and errors only
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(super) quiet: bool,
    /// Everything: edges, endpoints, all nodes
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(super) verbose: bool,
    /// Colours; `NO_COLOR` turns them off where `auto` would use them
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Everywhere")]
    pub(super) color: When,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is said of `--variant` by verbs that show several.
pub(super) const EVERY: &str = "This variant of the file, or `all`: the file as written and every variant";

/// What is changed in the scenario before it is checked.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Change {
    /// This variant of the file instead of the file as written
    #[arg(long, value_name = "NAME")]
    pub(super) variant: Option<String>,
    /// Change the scenario, such as `clients.shoppers.rate=200/s`; may be repeated
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting)]
    pub(super) set: Vec<Setting>,
    /// Seed of the random draws; same file, seed and version: same bytes
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Independent runs; more make intervals narrower
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) replications: Option<u32>,
    /// Memory that a run may need, such as `16GiB`; one that needs more is refused, whatever its file says [default: 4GiB]
    #[arg(long, value_name = "SIZE", value_parser = crate::units::parse_size)]
    pub(super) max_memory: Option<u64>,
}

/// A change of one value in the scenario as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Where, such as `clients.shoppers.rate`.
    pub(super) path: String,
    /// The value as it was typed.
    pub(super) value: String,
}

impl Change {
    /// All changes as settings: `--seed` and `--replications` are short for two of them and win over `--set`.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let short = |path: &str, value: Option<u64>| value.map(|v| Setting { path: path.into(), value: v.to_string() });
        let seed = short("sim.seed", self.seed);
        let replications = short("sim.replications", self.replications.map(u64::from));
        self.set.iter().cloned().chain(seed).chain(replications).collect()
    }
}

/// Reads `path=value`.
fn setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok(Setting { path: path.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err("not of the form path=value, such as `clients.shoppers.rate=200/s`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_path_and_a_value() {
        let set = |path: &str, value: &str| Ok(Setting { path: path.into(), value: value.into() });
        assert_eq!(setting("a.b = 1=2"), set("a.b", "1=2"));
        assert!(setting("a.b").is_err() && setting("=3").is_err());
    }

    #[test]
    fn short_flags_come_last() {
        let change = Change { set: vec![setting("sim.seed=1").unwrap()], seed: Some(7), ..Change::default() };
        let values: Vec<String> = change.settings().into_iter().map(|s| s.value).collect();
        assert_eq!(values, ["1", "7"]);
    }
}
