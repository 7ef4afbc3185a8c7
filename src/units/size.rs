//! Sizes in bytes, and bytes per second.

/// The units people write, largest first, in bytes: `KB` is a thousand, `KiB` is 1024.
const UNITS: [(&str, u64); 9] = [
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// The largest size that is accepted: a terabyte.
const LARGEST: f64 = 1e12;

/// The largest bandwidth that is accepted: a thousand terabytes per second.
const FASTEST: f64 = 1e15;

/// Reads `512B`, `4KB`, `1.5MB`, `1MiB` to whole bytes. The error is a fragment that says how it would be right.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text)
        .ok_or_else(|| format!("`{text}` is not a size; write for example \"512B\", \"4KB\" or \"1MiB\""))?;
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit; write for example \"{number}B\" or \"{number}KB\""));
    }
    let scale = bytes_of(unit)
        .ok_or_else(|| format!("`{unit}` is not a unit of size; the units are B, KB, MB, GB, KiB, MiB and GiB"))?;
    let bytes = number * scale;
    if bytes > LARGEST {
        return Err(format!("`{text}` is more than the largest size, 1 TB"));
    }
    Ok(bytes.round() as u64)
}

/// Reads `100MB/s`, `1GB/s`, `10Gbit/s` to bytes per second. The error is a fragment that says how it would be right.
pub fn parse_bandwidth(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a bandwidth; write for example \"100MB/s\" or \"10Gbit/s\"");
    let (amount, per) = text.split_once('/').ok_or_else(wrong)?;
    if !matches!(per.trim(), "s" | "sec" | "second") {
        return Err(format!("`/{}` is not what bandwidths count by; write for example \"100MB/s\"", per.trim()));
    }
    let (number, unit) = split(amount).ok_or_else(wrong)?;
    let scale = bytes_of(unit).or_else(|| bits_of(unit)).ok_or_else(|| {
        format!("`{unit}/s` is not a unit of bandwidth; the units are KB/s, MB/s, GB/s, Mbit/s and Gbit/s")
    })?;
    let bandwidth = number * scale;
    if bandwidth > FASTEST {
        Err(format!("`{text}` is more than the largest bandwidth, 1000 TB/s"))
    } else {
        Ok(bandwidth)
    }
}

/// A number and the letters behind it.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let number = text[..digits].replace('_', "").parse().ok()?;
    Some((number, text[digits..].trim()))
}

fn bytes_of(unit: &str) -> Option<f64> {
    let unit = if unit == "kB" { "KB" } else { unit };
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale as f64)
}

fn bits_of(unit: &str) -> Option<f64> {
    let prefix = unit.strip_suffix("bit").or_else(|| unit.strip_suffix('b'))?;
    let scale = match prefix {
        "" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    Some(scale / 8.0)
}

/// The shortest exact form of a size: `4KB`, `1MiB`, `1234B`.
pub fn size_text(bytes: u64) -> String {
    let whole = |(_, scale): &&(&str, u64)| bytes >= *scale && bytes.is_multiple_of(*scale);
    match UNITS.iter().find(whole) {
        Some((unit, scale)) => format!("{}{unit}", bytes / scale),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_and_refuses_the_rest() {
        for (text, bytes) in
            [("512B", 512), ("4KB", 4_000), ("4kB", 4_000), ("1MiB", 1 << 20), ("1.5 MB", 1_500_000), ("0B", 0)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert!(parse_size("4").unwrap_err().contains("no unit"));
        assert!(parse_size("4 Kbit").unwrap_err().contains("unit of size"));
        assert!(parse_size("large").unwrap_err().contains("not a size"));
        assert!(parse_size("-1KB").is_err());
        assert!(parse_size("2000TB").unwrap_err().contains("largest"));
    }

    #[test]
    fn reads_bandwidths_in_bytes_and_bits() {
        for (text, bytes) in [("100MB/s", 1e8), ("1GB/s", 1e9), ("10Gbit/s", 1.25e9), ("8 Mbit / s", 1e6)] {
            assert_eq!(parse_bandwidth(text), Ok(bytes), "{text}");
        }
        assert!(parse_bandwidth("100MB").unwrap_err().contains("not a bandwidth"));
        assert!(parse_bandwidth("100MB/min").unwrap_err().contains("count by"));
        assert!(parse_bandwidth("100parsec/s").unwrap_err().contains("unit of bandwidth"));
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["512B", "4KB", "1MB", "1MiB", "2GB", "1234B", "0B", "1KiB"] {
            assert_eq!(size_text(parse_size(text).unwrap()), text);
        }
    }
}
