//! What a user should know of a file that was read, and the option that settles a doubt.

/// An option of reading with a value. Each door spells it in its own way: `--units x=cm` in a shell,
/// `units = "x=cm"` in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The option's name, that of the field of [`ReadOptions`](crate::ReadOptions).
    pub option: &'static str,
    /// Its value as text.
    pub value: String,
}

impl Choice {
    pub(crate) fn new(option: &'static str, value: impl Into<String>) -> Self {
        Self { option, value: value.into() }
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {:?}", self.option, self.value)
    }
}

/// Something that was noticed on reading, with the options that settle it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What was noticed, and what was assumed.
    pub text: String,
    /// Options that settle it, if any does.
    pub choices: Vec<Choice>,
}

impl Notice {
    /// The notice with its choices, each spelled by `spell`.
    pub fn spelled(&self, spell: impl Fn(&Choice) -> String) -> String {
        if self.choices.is_empty() {
            return self.text.clone();
        }
        let choices: Vec<_> = self.choices.iter().map(spell).collect();
        format!("{} (to settle it: {})", self.text, choices.join(" "))
    }

    /// The notice with a choice that settles it.
    #[must_use]
    pub(crate) fn settled_by(mut self, option: &'static str, value: impl Into<String>) -> Self {
        self.choices.push(Choice::new(option, value));
        self
    }
}

impl From<String> for Notice {
    fn from(text: String) -> Self {
        Self { text, choices: Vec::new() }
    }
}

impl From<&str> for Notice {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.spelled(Choice::to_string))
    }
}
