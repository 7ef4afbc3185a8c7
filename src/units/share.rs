//! Shares between 0 and 1, written `"0.2%"` or `0.002`.

/// Reads `"0.2%"` or `"0.002"` to a number in [0, 1]. The error is a fragment that says how it would be right.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let (number, scale) = trimmed.strip_suffix('%').map_or((trimmed, 1.0), |n| (n.trim_end(), 100.0));
    let share: f64 =
        number.parse().map_err(|_| format!("`{text}` is not a share; write for example \"0.2%\" or 0.002"))?;
    if !(0.0..=scale).contains(&share) {
        return Err(format!("`{text}` is not between 0 and 1 (0% and 100%)"));
    }
    Ok(share / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_refuses_more_than_everything() {
        assert_eq!(parse_share("50%"), Ok(0.5));
        assert_eq!(parse_share("0.002"), Ok(0.002));
        assert!(parse_share("120%").unwrap_err().contains("between"));
        assert!(parse_share("-1%").is_err());
        assert!(parse_share("half").is_err());
    }
}
