//! The limit of what a file can expand to.

/// Content of so many bytes is believed of any file, however small.
const ALWAYS: u64 = 64 << 20;
/// Numbers that are worth keeping do not compress better than this; a file made to fill the memory does.
const TIMES: u64 = 200;

/// An error, in words, if content of `bytes` bytes cannot be meant by a file of `file` bytes: it is more than
/// 64 MiB and 200 times the file.
///
/// # Errors
/// The content is larger, so the file is damaged or was made to fill the memory.
pub fn check_content(bytes: u64, file: u64) -> Result<(), String> {
    let most = file.saturating_mul(TIMES).saturating_add(ALWAYS);
    if bytes <= most {
        return Ok(());
    }
    Err(format!(
        "unpacks to {bytes} bytes or more, and {most} is the limit for a file of {file} (64 MiB and {TIMES} times \
         the file); it is damaged, or made to fill the memory\n  hint: if it is meant, write it anew without compression"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_content_and_usual_ratios_are_believed() {
        for (bytes, file) in [(0, 0), (64 << 20, 0), (ALWAYS + 200_000, 1000), (u64::MAX, u64::MAX / 100)] {
            assert_eq!(check_content(bytes, file), Ok(()));
        }
        let message = check_content(ALWAYS + 200_001, 1000).unwrap_err();
        assert!(
            message.contains("67308864 is the limit for a file of 1000 (64 MiB and 200 times"),
            "{message}"
        );
    }
}
