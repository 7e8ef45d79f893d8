//! Which option of the command line settles an error. The libraries know no options.

use townsend::{Choice, Error, NotHeldBack};

/// An option of reading as it is typed.
pub(crate) fn spelled(choice: &Choice) -> String {
    let option = if choice.option == "selection" { "where" } else { choice.option };
    let plain = |c: char| c.is_ascii_alphanumeric() || "=,+._/-:;".contains(c);
    if choice.value.chars().all(plain) {
        format!("--{option} {}", choice.value)
    } else {
        format!("--{option} '{}'", choice.value)
    }
}

/// A line to follow an error, if an option helps.
pub(crate) fn hint(error: &Error) -> Option<String> {
    use townsend_io::Error as Avalanches;
    match error {
        Error::In { source, .. } | Error::InData(source) | Error::HeldBack { source, .. } => hint(source),
        Error::Avalanches(avalanches) if !avalanches.choices().is_empty() => {
            let options: Vec<String> = avalanches.choices().iter().map(spelled).collect();
            Some(format!("{} reads it so", options.join(" ")))
        }
        Error::Avalanches(Avalanches::Content { what, .. })
            if what.ends_with("have their contents rounded") =>
        {
            Some("--round rounds them".into())
        }
        _ => fixed(error).map(Into::into),
    }
}

fn fixed(error: &Error) -> Option<&'static str> {
    use townsend_io::Error as Avalanches;
    match error {
        Error::Output(output) | Error::Avalanches(Avalanches::Output(output)) => of_output(output),
        Error::Avalanches(Avalanches::UnknownEnding { .. }) => {
            Some("--format root or --format npz says which it is")
        }
        Error::Run(townsend_core::RunError::Exists(_)) => {
            Some("--resume goes on with the run, --force replaces it")
        }
        Error::NothingToResume => Some("leave out --resume"),
        Error::FixedSetting { .. } => Some("leave out --start and --condition"),
        Error::GridOfCounts { .. } => Some("leave out --grid"),
        Error::NotHeldBack(NotHeldBack::NoAvalanches | NotHeldBack::OtherAvalanches) => {
            Some("without --held-back all avalanches are compared")
        }
        _ => None,
    }
}

fn of_output(error: &townsend_core::OutputError) -> Option<&'static str> {
    match error {
        townsend_core::OutputError::Exists { .. } => Some("--force overwrites it"),
        _ => None,
    }
}
