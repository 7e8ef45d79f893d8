//! The page of `cargo xtask validate`: every figure with its error, what it should be, and what moved.
//!
//! `cargo run -p townsend-page --example validation -- FIGURES.json PAGE.html`

use serde_json::Value;
use townsend_observables::text::{significant, with_error};
use townsend_page::{Figure, Panel, Trace, figure_page};

type Failure = Box<dyn std::error::Error>;

/// Distances in errors that are drawn, at most: farther ones are drawn here, and listed in words.
const FARTHEST: f64 = 10.0;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [figures, page] = &arguments[..] else { return Err("give FIGURES.json and PAGE.html".into()) };
    let all: Value = serde_json::from_str(&std::fs::read_to_string(figures)?)?;
    std::fs::write(page, drawn(&all)?)?;
    Ok(())
}

fn drawn(all: &Value) -> Result<String, Failure> {
    let figures = all["figures"].as_array().ok_or("there are no figures")?;
    let changes: Vec<String> = all["changes"].as_array().into_iter().flatten().map(in_words).collect();
    let first = format!(
        "{}: {} figures, of which {}",
        text(&all["producer"]),
        figures.len(),
        if changes.is_empty() {
            "none moved by more than its error since the last release".into()
        } else {
            format!("{} are not as they were at the last release:", changes.len())
        }
    );
    let mut rows = vec![
        ["figure", "value", "unit", "should be", "off, errors", "since the release", "from", "command"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(figures.iter().map(|figure| row(figure, all)));
    let off = |kind: &str| Trace { title: String::new(), points: points(figures, kind) };
    let panels =
        [("physics", "detectors: off, in errors"), ("distance", "distances: above the floor, in errors")]
            .map(|(kind, title)| Panel { title: title.into(), traces: vec![off(kind)] });
    let figure = Figure::of_panels("validation", "number of the figure, in the table's order", &panels)?;
    Ok(figure_page("Validation", &[vec![first], changes].concat(), &rows, &figure))
}

fn text(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or(f64::NAN)
}

/// A figure less what it should be, in errors of the difference.
fn off(figure: &Value) -> f64 {
    let expected = &figure["expected"];
    let error = number(&figure["error"]).hypot(number(&expected["error"]));
    (number(&figure["value"]) - number(&expected["value"])) / error
}

/// Points of a kind of figures against their number in the table; each by itself, without a line.
fn points(figures: &[Value], kind: &str) -> Vec<[f64; 3]> {
    let numbered = figures.iter().enumerate().filter(|(_, figure)| text(&figure["name"]).starts_with(kind));
    let apart = [f64::NAN; 3];
    numbered
        .flat_map(|(k, figure)| [[k as f64 + 1.0, off(figure).clamp(-FARTHEST, FARTHEST), 1.0], apart])
        .collect()
}

fn row(figure: &Value, all: &Value) -> Vec<String> {
    let name = text(&figure["name"]);
    let expected = &figure["expected"];
    let shown = |value: f64, error: f64| {
        if error > 0.0 { with_error(value, error) } else { significant(value, 4) }
    };
    let is = |of: &Value| shown(number(&of["value"]), number(&of["error"]));
    let (should, distance) = if expected.is_null() {
        (String::new(), String::new())
    } else {
        (is(expected), format!("{:+.1}", off(figure)))
    };
    let change = all["changes"].as_array().into_iter().flatten().find(|change| text(&change["name"]) == name);
    let since = change.map_or(String::new(), |change| text(&change["change"]).to_owned());
    let strings = [
        text(&figure["unit"]),
        &should,
        &distance,
        &since,
        text(&expected["from"]),
        text(&figure["command"]),
    ];
    [&[name.to_owned(), is(figure)][..], &strings.map(str::to_owned)].concat()
}

/// What is not as it was.
fn in_words(change: &Value) -> String {
    let name = text(&change["name"]);
    match text(&change["change"]) {
        "moved" => format!(
            "{name} is {}, was {}: moved by {} errors",
            significant(number(&change["value"]), 5),
            significant(number(&change["was"]), 5),
            significant(number(&change["by"]), 3)
        ),
        "gone" => format!("{name} was not measured"),
        "new" => format!("{name} was not measured before"),
        _ => format!("{name} is in {}, was in {}", text(&change["unit"]), text(&change["was"])),
    }
}
