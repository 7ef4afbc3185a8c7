//! The simulator against queueing theory, model by model.

use super::number::{NONE, plain};
use super::sheet::{Cell, Sheet, Tone};
use super::table::Style;
use super::text::wrapped;
use crate::experiment::theory::{BAR, Judgement, Row, Sense, Validation};

/// How one model of the theory was met.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// The model, such as `mm1`.
    pub model: String,
    /// Figures that were compared.
    pub metrics: u32,
    /// Figures that agreed with the first seed.
    pub passed: u32,
    /// The figure nearest to what is allowed, or farthest beyond it.
    pub worst: Option<Compared>,
    /// Figures that did not agree with the first seed.
    pub asked_again: Vec<Asked>,
}

/// A figure beside the one of theory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// The case and the figure, such as `mm1/3 wait_p99`.
    pub what: String,
    /// What theory says; times in seconds.
    pub expected: f64,
    /// What the run says.
    pub actual: f64,
    /// How far it may be from what is expected.
    pub allowed: f64,
    /// Which way it may be off: `±` both; a bound from above `+` (no more than that above), from below `−`.
    pub sense: char,
    /// Why there is no figure.
    pub trouble: Option<String>,
}

/// A figure that did not agree with the first seed, and what the second says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// With the first.
    pub first: Compared,
    /// With the second.
    pub second: Option<Compared>,
    /// Whether that one agrees: three standard errors are not always enough for so many figures.
    pub agrees: bool,
}

impl Agreement {
    /// Whether no figure disagreed with two seeds.
    pub fn holds(&self) -> bool {
        self.asked_again.iter().all(|asked| asked.agrees)
    }
}

/// What a validation found, row by row.
pub fn agreements(validation: &Validation) -> Vec<Agreement> {
    let Validation { rows, first, again } = validation;
    rows.iter().map(|row| agreement(row, first, again)).collect()
}

/// A row of the table; a figure counts as wrong when it fails with two seeds.
fn agreement(row: &Row, first: &[Judgement], again: &[Judgement]) -> Agreement {
    let same = |a: &Judgement, b: &Judgement| a.case == b.case && a.metric == b.metric;
    let asked = |judgement: &Judgement| {
        let second = again.iter().find(|other| same(judgement, other));
        Asked {
            first: compared(judgement),
            second: second.map(compared),
            agrees: second.is_some_and(|second| second.passed),
        }
    };
    Agreement {
        model: row.model.clone(),
        metrics: row.metrics as u32,
        passed: row.passed as u32,
        worst: row.worst.as_ref().map(compared),
        asked_again: first.iter().filter(|j| j.model == row.model && !j.passed).map(asked).collect(),
    }
}

fn compared(judgement: &Judgement) -> Compared {
    Compared {
        what: format!("{} {}", judgement.case, judgement.metric),
        expected: judgement.expected,
        actual: judgement.found,
        allowed: judgement.allowed,
        sense: match judgement.sense {
            Sense::Equal => '±',
            Sense::AtMost => '+',
            Sense::AtLeast => '−',
        },
        trouble: judgement.trouble.clone(),
    }
}

/// Whether the simulator agrees: no figure differs with two seeds, and nearly all agree at once. Of a few figures two may
/// be asked again: three standard errors leave out one in a hundred by chance.
pub fn agrees(all: &[Agreement]) -> bool {
    let asked = all.iter().map(|row| row.asked_again.len()).sum::<usize>() as f64;
    let metrics = all.iter().map(|row| f64::from(row.metrics)).sum::<f64>();
    asked <= ((1.0 - BAR) * metrics).max(2.0) && all.iter().all(Agreement::holds)
}

/// The table of all models, what did not agree at once, and a last line with the sum.
pub fn render(all: &[Agreement], style: Style) -> String {
    let columns = [("model", 9), ("figure", 6), ("expected", 7), ("actual", 7), ("allowed", 7), ("verdict", 8)];
    let mut sheet = Sheet::new(&columns);
    sheet.note = Some("figure: the one of each model nearest to its limit, behind its case's number".into());
    for row in all {
        sheet.push(&row.model, cells(row));
    }
    let mut lines = sheet.lines(style.width, style.color);
    let asked: Vec<&Asked> = all.iter().flat_map(|row| &row.asked_again).collect();
    if !asked.is_empty() {
        lines.extend([String::new(), "not within what is allowed with the first seed:".to_owned()]);
        lines.extend(asked.iter().flat_map(|asked| told(asked)).flat_map(|line| wrapped(&line, style.prose())));
    }
    let (passed, metrics) = all.iter().fold((0, 0), |sum, row| (sum.0 + row.passed, sum.1 + row.metrics));
    let second = asked.iter().filter(|asked| asked.agrees).count();
    let wrong = asked.len() - second;
    let models = format!("{} model{}", all.len(), if all.len() == 1 { "" } else { "s" });
    let end = match (wrong, agrees(all)) {
        (0, true) => String::new(),
        (0, false) => format!("; that is more than {} % asked again: too many", plain(100.0 * (1.0 - BAR))),
        (wrong, _) => format!("; {wrong} differ{}", if wrong == 1 { "s" } else { "" }),
    };
    lines.push(String::new());
    let sum = match second {
        0 if wrong == 0 => format!("all {metrics} figures of {models} agree with theory"),
        0 => format!("{passed} of {metrics} figures of {models} agree with theory{end}"),
        _ => format!("{passed} of {metrics} figures of {models} agree with theory, {second} with the second seed{end}"),
    };
    lines.extend(wrapped(&sum, style.prose()));
    lines.join("\n") + "\n"
}

fn cells(row: &Agreement) -> [Cell; 5] {
    let wrong = row.asked_again.iter().filter(|asked| !asked.agrees).count();
    let verdict = match (wrong, row.asked_again.len()) {
        (0, 0) => Cell::toned(format!("✓ all {} agree", row.metrics), Tone::Good),
        (0, second) => Cell::toned(format!("✓ {} + {second} of {}", row.passed, row.metrics), Tone::Good),
        (wrong, _) => Cell::toned(format!("✗ {wrong} of {} off", row.metrics), Tone::Bad),
    };
    let of = |told: fn(&Compared) -> String| Cell::from(row.worst.as_ref().map_or_else(|| NONE.to_owned(), told));
    [
        // The model stands in the row already.
        of(|worst| worst.what.split_once('/').map_or_else(|| worst.what.clone(), |(_, rest)| format!("/{rest}"))),
        of(|worst| four(worst.expected)),
        of(|worst| four(worst.actual)),
        of(allowed),
        verdict,
    ]
}

fn allowed(of: &Compared) -> String {
    format!("{}{}", of.sense, plain(of.allowed))
}

/// What the two seeds say of a figure.
fn told(asked: &Asked) -> Vec<String> {
    let one = |seed: &str, of: &Compared| match &of.trouble {
        Some(trouble) => format!("{seed} {trouble}"),
        None => format!("{seed} {} (allowed {})", four(of.actual), allowed(of)),
    };
    let second = asked.second.as_ref().map_or_else(String::new, |second| {
        format!(", {}: {}", one("second", second), if asked.agrees { "agrees" } else { "differs" })
    });
    vec![format!(
        "· {}: expected {}, {}{second}",
        asked.first.what,
        four(asked.first.expected),
        one("first seed", &asked.first)
    )]
}

/// Four significant digits: expected and actual often agree in three.
fn four(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let place = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = (3 - place).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(actual: f64) -> Compared {
        Compared {
            what: "mm1/3 wait_p99".into(),
            expected: 0.910_775,
            actual,
            allowed: 0.02,
            sense: '±',
            trouble: None,
        }
    }

    fn chance_of_two() -> Asked {
        Asked { first: compared(0.95), second: Some(compared(0.912)), agrees: true }
    }

    #[test]
    fn expected_actual_and_allowed_stand_side_by_side_and_the_verdict_follows() {
        let good = Agreement {
            model: "mm1".into(),
            metrics: 40,
            passed: 40,
            worst: Some(compared(0.92)),
            asked_again: Vec::new(),
        };
        let chance = chance_of_two();
        let lucky = Agreement { passed: 39, asked_again: vec![chance.clone()], ..good.clone() };
        let wrong = Asked { second: Some(compared(0.96)), agrees: false, ..chance.clone() };
        let bad = Agreement { passed: 38, asked_again: vec![chance, wrong], ..good.clone() };
        let text = render(&[good.clone(), lucky, bad], Style::default());
        assert!(text.contains("/3 wait_p99    0.9108    0.92    ±0.02  ✓ all 40 agree\n"), "{text}");
        assert!(text.contains("✓ 39 + 1 of 40\n") && text.contains("✗ 1 of 40 off\n"), "{text}");
        let line =
            "mm1/3 wait_p99: expected 0.9108, first seed 0.95 (allowed ±0.02), second 0.96 (allowed ±0.02): differs";
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(line), "{text}");
        let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sum = "117 of 120 figures of 3 models agree with theory, 2 with the second seed; 1 differs";
        assert!(told.ends_with(sum), "{text}");
        assert!(text.lines().all(|line| crate::report::text::width(line) <= 80), "{text}");
        assert!(agrees(&[good.clone(), Agreement { asked_again: vec![chance_of_two()], ..good.clone() }]));
        assert!(render(&[good], Style::default()).ends_with("\nall 40 figures of 1 model agree with theory\n"));
    }

    #[test]
    fn small_figures_keep_their_digits() {
        assert_eq!([0.000_123_456, 12.345_67, 0.0, 98_765.4].map(four), ["0.0001235", "12.35", "0", "98765"]);
    }
}
