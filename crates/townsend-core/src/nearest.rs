//! What somebody may have meant who typed a name that there is not.

/// The names, those first that take the fewest changes of a letter to become `wanted`.
///
/// ```
/// assert_eq!(townsend_core::nearest_first("cgm", ["clusters", "cgem"]), ["cgem", "clusters"]);
/// ```
pub fn nearest_first<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| strsim::osa_distance(wanted, name));
    names
}

/// A message of serde's on an unknown key or value, with the nearest of those that it lists; another message
/// as it is.
///
/// ```
/// let message = "unknown field `sed`, expected one of `epochs`, `seed`, `rate`";
/// assert!(townsend_core::with_nearest(message).ends_with("\n  hint: the nearest is `seed`"));
/// ```
pub fn with_nearest(message: &str) -> String {
    let last = message.lines().next_back().unwrap_or_default();
    let unknown = last.starts_with("unknown field") || last.starts_with("unknown variant");
    let mut quoted = last.split('`').skip(1).step_by(2);
    let nearest = quoted.next().and_then(|wanted| nearest_first(wanted, quoted).first().copied());
    match nearest.filter(|_| unknown && last.contains("one of")) {
        Some(nearest) => format!("{message}\n  hint: the nearest is `{nearest}`"),
        None => message.to_owned(),
    }
}
