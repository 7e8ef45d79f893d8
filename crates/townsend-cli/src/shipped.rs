//! What comes with the program: configurations and detectors, listed and printed.

use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use townsend::{Configuration, Detector, Error};
use townsend_core::nearest_first;

use crate::arguments::Named;
use crate::progress::WIDTH;
use crate::verbs::{print, print_json};

/// A kind of text that ships.
pub(crate) struct Shipped {
    kind: &'static str,
    texts: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    about: String,
    text: &'a str,
}

impl Shipped {
    pub(crate) fn configurations() -> Self {
        let texts =
            Configuration::names().filter_map(|name| Some((name, Configuration::shipped(name)?.text)));
        Self { kind: "configuration", texts: texts.collect() }
    }

    pub(crate) fn detectors() -> Self {
        let texts = Detector::names().filter_map(|name| Some((name, Detector::shipped(name)?.to_owned())));
        Self { kind: "detector", texts: texts.collect() }
    }

    /// Prints one text as it is, or the list of all.
    pub(crate) fn show(&self, Named { name }: &Named, json: bool) -> Result<ExitCode> {
        let Some(name) = name else { return self.list(json) };
        let Some((name, text)) = self.texts.iter().find(|(shipped, _)| shipped == name) else {
            let names = nearest_first(name, self.texts.iter().map(|&(name, _)| name)).join(", ");
            return Err(Error::Usage(format!("there is no {} `{name}`; there are {names}", self.kind)).into());
        };
        if json {
            print_json(&Entry { name, about: about(text), text })?;
        } else {
            print(text)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn list(&self, json: bool) -> Result<ExitCode> {
        if json {
            let entries = self.texts.iter().map(|(name, text)| Entry { name, about: about(text), text });
            print_json(&entries.collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let longest = self.texts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let line = |(name, text): &(&str, String)| {
            let about = about(text);
            let room = WIDTH.saturating_sub(longest + 2);
            let shown: String = match about.char_indices().nth(room) {
                Some(_) => about.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
                None => about,
            };
            format!("{name:longest$}  {shown}")
        };
        print(&self.texts.iter().map(line).collect::<Vec<_>>().join("\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The first sentence of the comment that a text begins with.
fn about(text: &str) -> String {
    let comment = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let comment = comment.collect::<Vec<_>>().join(" ");
    let end = comment.find(". ").unwrap_or(comment.len());
    comment[..end].trim_end_matches('.').to_owned()
}
