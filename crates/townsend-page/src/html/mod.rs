//! HTML pages that need no other file: the report, one set of avalanches, a ranking.

mod definitions;
mod figures;
mod gallery;
mod legacy;
mod single;
mod tables;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use townsend_check::{Check, NumberGroup, Report};

pub use single::{figure_page, inspection_page, ranking_html};

use crate::PageError;
use crate::plot::{Style, color_bar, fullest_cell, maps_svg};

/// The page `report.html`: tables, distributions, images and provenance in one file that needs no other.
/// Every text that comes from outside is escaped.
///
/// # Errors
/// If a map cannot be drawn, or the script of plotly.js is not found.
pub fn report_html(check: &Check) -> Result<String, PageError> {
    let report = &check.report;
    let images = images(check)?;
    let page = html! {
        (head(&format!("Check of {}", report.generated.file)))
        body {
            a.skip href="#verdict" { "Skip to the verdict" }
            header {
                h1 { "Generated against real avalanches" }
                p { strong { (report.generated.file) } " (" (report.generated.taken()) ") against " strong { (report.real.file) } " (" (report.real.taken()) ")" }
                (contents(check))
                button #theme type="button" { "Light or dark" }
            }
            noscript { p.warnings { "The plots of this page need scripts; the tables do not." } }
            main {
                (tables::summary(report))
                @if let Some(verdict) = &report.verdict { (tables::verdict(verdict)) }
                (tables::warnings(report))
                (images)
                (sections(check))
                (legacy::legacy(report))
                section #how aria-labelledby="how-title" {
                    h2 #how-title { "How it was compared" }
                    (provenance(report))
                }
            }
            (script_data(&figures::figures(check)))
            (scripts()?)
        }
    };
    Ok(page.into_string())
}

/// Everything before the body.
fn head(title: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en";
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title) }
            link rel="icon" href="data:,";
            style { (PreEscaped(include_str!("page.css"))) }
        }
    }
}

/// The data for the page's script. Within a script element only "</" and "<!--" could end or change it.
fn script_data(data: &Value) -> Markup {
    let data = data.to_string().replace('<', "\\u003c");
    html! { script type="application/json" #data { (PreEscaped(data)) } }
}

/// The plotting library, as its crate ships it, and the page's own script.
fn scripts() -> Result<Markup, PageError> {
    let shipped = plotly::Plot::offline_js_sources();
    // The crate gives two elements: the library, and MathJax for formulas, which the page has none of.
    let library = shipped
        .split_once('>')
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map(|(library, _)| library)
        .filter(|library| library.contains("plotly.js"))
        .ok_or(PageError::PlottingScript)?;
    Ok(html! {
        script { (PreEscaped(library)) }
        script { (PreEscaped(include_str!("page.js"))) }
    })
}

fn contents(check: &Check) -> Markup {
    let report = &check.report;
    let present = [
        ("verdict", "Verdict", report.verdict.is_some()),
        ("distances", "Distances", true),
        ("distributions", "Distributions", true),
        ("correlations", "Correlations", report.correlations.is_some()),
        ("classifiers", "Classifiers", report.c2st.is_some()),
        ("shape", "Shape", report.pair_correlation.is_some() || !report.lumpiness_by_scale.is_empty()),
        ("strips", "Strips", !report.strips.is_empty()),
        ("conditional", "Conditions", !report.conditional.is_empty()),
        (
            "gallery",
            if gallery::axes(check) < 3 { "Points" } else { "In 3D" },
            !check.galleries.iter().any(Vec::is_empty),
        ),
        ("training", "Training", !check.curves.is_empty()),
        ("how", "How", true),
    ];
    html! {
        nav aria-label="Contents" { ul {
            @for (id, name, _) in present.iter().filter(|entry| entry.2) { li { a href={ "#" (id) } { (name) } } }
        } }
    }
}

fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } { h2 id={ (id) "-title" } { (title) } (content) }
    }
}

/// The container for plots, which the script fills, and the switch between linear and logarithmic fractions.
fn plots(group: &str) -> Markup {
    html! {
        p.controls { label { input type="checkbox" data-log=(group); " logarithmic" } }
        div.plots data-group=(group) {}
    }
}

fn sections(check: &Check) -> Markup {
    let report = &check.report;
    let definitions: BTreeMap<&str, &str> =
        check.histograms.iter().map(|o| (o.name.as_str(), o.definition.as_str())).collect();
    let has = |group: NumberGroup| check.histograms.iter().any(|overlay| overlay.group == group);
    html! {
        (section("distances", "Distances", &html! { (tables::distances(report)) (tables::scores(report)) }))
        (section("distributions", "Distributions", &html! {
            p.faint {
                "Points with error bars: real. Line with band: generated. Share of avalanches a bin, in the bins of the separation "
                "power. Below: generated over real with the error of the generated, around a band of the error of the real. Drag to "
                "zoom, double-click to see all."
            }
            (plots("observables"))
        }))
        @if report.correlations.is_some() {
            (section("correlations", "Correlations between observables", &html! {
                p.faint { "Pearson's coefficients of the real and of the generated set, and generated less real." }
                div.plots.three data-group="correlations" {}
            }))
        }
        @if report.c2st.is_some() {
            (section("classifiers", "Can a classifier tell?", &html! { (tables::classifiers(report)) div.plots data-group="classifiers" {} }))
        }
        @if report.pair_correlation.is_some() || has(NumberGroup::Lumpiness) {
            (section("shape", "Shape: pairs of electrons and lumps", &html! {
                p.faint {
                    "g(r): pairs of electrons of one avalanche over pairs of different avalanches about their centroids, in x and z. "
                    "Bands: errors by leaving out a twentieth of the avalanches in turn."
                }
                div.plots data-group="pairs" {}
                @if has(NumberGroup::Lumpiness) {
                    (tables::others("Lumpiness by the size of the cells", &report.lumpiness_by_scale, &definitions))
                    (plots("lumpiness"))
                }
            }))
        }
        @if has(NumberGroup::Strips) {
            (section("strips", "What the strips will see", &html! {
                (tables::others("Strips of two views", &report.strips, &definitions))
                (plots("strips"))
            }))
        }
        @if !report.conditional.is_empty() {
            (section("conditional", "Right everywhere, or on average?", &html! {
                p.faint { "W1/σ of every observable in fifths of the real avalanches, by the condition; in brackets the floor in that fifth. Colour: what is above the floor." }
                div.plots.one data-group="conditional" {}
            }))
        }
        @if !check.galleries.iter().any(Vec::is_empty) { (gallery_section(gallery::axes(check))) (blind_test()) }
        @if !check.curves.is_empty() {
            (section("training", "How the training went", &html! { div.plots data-group="training" {} }))
        }
    }
}

fn gallery_section(axes: usize) -> Markup {
    let (title, how, label) = if axes < 3 {
        (
            "Avalanches as points",
            "They have no time, so they are flat.",
            "Two avalanches side by side in x and z",
        )
    } else {
        (
            "Avalanches in three dimensions",
            "Colour: time. Drag to turn, or give the plot the focus and use the arrow keys.",
            "Two avalanches side by side in x, z and time; arrow keys turn them",
        )
    };
    section(
        "gallery",
        title,
        &html! {
            p.faint {
                "At most fifty avalanches, at even quantiles of each set's own sizes; none was picked for its looks. Of an avalanche at most "
                "1,500 electrons (or occupied cells) are drawn. " (how)
            }
            p.controls {
                button type="button" data-step="-1" { "Previous" } " "
                button type="button" data-step="1" { "Next" } " "
                label { input type="checkbox" #all; " all at once" }
                span #shown aria-live="polite" {}
            }
            div #scenes.scenes tabindex="0" role="application" aria-label=(label) {}
        },
    )
}

fn blind_test() -> Markup {
    section(
        "blind",
        "Blind test: which one is real?",
        &html! {
            p.faint { "Two avalanches of like size, one of each set, in random order. The score stays in this browser." }
            p.controls { button type="button" #start { "Begin" } }
            div #test hidden {
                div #blind-scenes.scenes tabindex="0" role="application" aria-label="Two avalanches, one real, one generated; arrow keys turn them if they have a time" {}
                p.controls {
                    button type="button" data-guess="0" { "The first one is real" } " "
                    button type="button" data-guess="1" { "The second one is real" } " "
                    button type="button" #forget { "Forget the score" }
                }
            }
            p #score aria-live="polite" {}
        },
    )
}

fn images(check: &Check) -> Result<Markup, PageError> {
    let most = fullest_cell(check);
    let real = maps_svg(&check.real_maps, most, "real", &Style::PAGE)?;
    let generated = maps_svg(&check.generated_maps, most, "generated", &Style::PAGE)?;
    let bar = color_bar(most, &Style::PAGE)?;
    let row = |name: &str, maps: &[String]| {
        html! {
            h3 { (name) }
            div.maps {
                @for map in maps { figure { (PreEscaped(map)) } }
                figure.bar { (PreEscaped(&bar)) }
            }
        }
    };
    Ok(html! {
        @if !real.is_empty() && !generated.is_empty() {
            h2 { "Avalanches" }
            p.faint {
                "Those at 20, 40, 60 and 80% of each set's own sizes (of avalanches that are not empty), in the cells of "
                "the grid, on one logarithmic scale. None was picked for its looks."
            }
            (row("real", &real)) (row("generated", &generated))
        }
    })
}

fn provenance(report: &Report) -> Markup {
    html! {
        dl {
            dt { "form" } dd { (report.compared.note) }
            dt { "grid" } dd { (report.compared.grid) }
            dt { "units of x, z, t" } dd { (report.compared.units.join(", ")) }
            dt { "real" } dd { (report.real.file) br; code { "sha256 " (report.real.sha256) } }
            dt { "generated" } dd { (report.generated.file) br; code { "sha256 " (report.generated.sha256) } }
            dt { "made by" } dd { (report.producer) ", seed " (report.seed) ", schema " (report.schema) }
            dt { "plots" } dd { "plotly.js, © Plotly, Inc., MIT licence, embedded" }
        }
    }
}
