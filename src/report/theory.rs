//! The simulator against queueing theory, model by model.

use super::number::plain;
use super::sheet::{Cell, Sheet, Tone};
use super::table::{Style, WIDTH};

/// How one model of the theory was met.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// The model, such as `mm1`.
    pub model: String,
    /// Parameter sets that were run.
    pub cases: u32,
    /// Figures that were compared.
    pub metrics: u32,
    /// Figures that agreed.
    pub passed: u32,
    /// Figures that disagreed with two seeds; one may do so by chance.
    pub failed_twice: u32,
    /// The largest deviation from the theory, %.
    pub worst_percent: f64,
    /// The figure that deviated most.
    pub worst: String,
}

impl Agreement {
    /// Whether no figure disagreed with two seeds.
    pub fn holds(&self) -> bool {
        self.failed_twice == 0
    }
}

/// The table of all models and a last line with the sum.
pub fn render(all: &[Agreement], style: Style) -> String {
    let mut sheet = Sheet::new(&[
        ("model", 9),
        ("cases", 4),
        ("figures", 5),
        ("agree", 8),
        ("worst", 6),
        ("of", 2),
        ("verdict", 7),
    ]);
    for row in all {
        sheet.push(&row.model, cells(row));
    }
    let (passed, metrics) = all.iter().fold((0, 0), |sum, row| (sum.0 + row.passed, sum.1 + row.metrics));
    let mut lines = sheet.lines(WIDTH, style.color);
    lines.push(String::new());
    lines.push(format!("{passed} of {metrics} figures of {} models agree with theory", all.len()));
    lines.join("\n") + "\n"
}

fn cells(row: &Agreement) -> [Cell; 6] {
    let verdict =
        if row.holds() { Cell::toned("✓ agrees", Tone::Good) } else { Cell::toned("✗ differs", Tone::Bad) };
    [
        row.cases.to_string().into(),
        row.metrics.to_string().into(),
        row.passed.to_string().into(),
        format!("{} %", plain(row.worst_percent)).into(),
        row.worst.clone().into(),
        verdict,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_differs_is_told_from_one_that_agrees() {
        let good = Agreement {
            model: "mm1".into(),
            cases: 4,
            metrics: 40,
            passed: 40,
            failed_twice: 0,
            worst_percent: 0.412,
            worst: "p99".into(),
        };
        let bad = Agreement { model: "mmc".into(), passed: 39, failed_twice: 1, ..good.clone() };
        let text = render(&[good, bad], Style::default());
        assert!(text.contains("mm1        4       40     40  0.412 %  p99   ✓ agrees"), "{text}");
        assert!(text.contains("39  0.412 %  p99  ✗ differs"), "{text}");
        assert!(text.ends_with("79 of 80 figures of 2 models agree with theory\n"));
    }
}
