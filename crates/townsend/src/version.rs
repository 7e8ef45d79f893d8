//! Which build of townsend this is.

use std::sync::LazyLock;

/// Version, commit and features of this build, such as `0.1.0 (commit 1a2b3c4d5e6f, with parquet)`. A debug
/// build knows no commit.
///
/// ```
/// assert!(townsend::version().starts_with(env!("CARGO_PKG_VERSION")));
/// ```
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let features = [
            ("cuda", cfg!(feature = "cuda")),
            ("wgpu", cfg!(feature = "wgpu")),
            ("parquet", cfg!(feature = "parquet")),
        ];
        let with: Vec<_> = features.into_iter().filter(|(_, built)| *built).map(|(name, _)| name).collect();
        in_words(env!("CARGO_PKG_VERSION"), option_env!("TOWNSEND_COMMIT"), &with)
    });
    &VERSION
}

fn in_words(version: &str, commit: Option<&str>, features: &[&str]) -> String {
    let commit = commit.map_or_else(|| "commit unknown".to_owned(), |commit| format!("commit {commit}"));
    let with = if features.is_empty() { String::new() } else { format!(", with {}", features.join(", ")) };
    format!("{version} ({commit}{with})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_commit_and_features_are_told() {
        assert_eq!(in_words("1.2.3", None, &[]), "1.2.3 (commit unknown)");
        assert_eq!(
            in_words("1.2.3", Some("1a2b3c"), &["cuda", "parquet"]),
            "1.2.3 (commit 1a2b3c, with cuda, parquet)"
        );
    }
}
