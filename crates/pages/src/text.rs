//! Numbers and names as people and links have them.

/// A number with four significant digits at most, with a true minus; a dash for what is not finite.
///
/// ```
/// assert_eq!(["0.3333", "−12.35", "1200000", "1.5e−7", "–"], [1.0 / 3.0, -12.345678, 1.2e6, 1.5e-7, f64::NAN].map(pages::rounded).each_ref().map(|s| s.as_str()));
/// ```
pub fn rounded(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    let text = if (1e-4..1e7).contains(&size) {
        let decimals = (3 - size.log10().floor() as i32).clamp(0, 7) as usize;
        without_zeros(format!("{value:.decimals$}"))
    } else {
        let text = format!("{value:.3e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{power}", without_zeros(digits.to_owned()))
    };
    text.replace('-', "−")
}

fn without_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A name that can stand in a link: letters, digits and hyphens.
///
/// ```
/// assert_eq!(pages::slug("error rate, %"), "error-rate");
/// ```
pub fn slug(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
