//! Avalanches as maps in x and z, on one logarithmic colour scale.

use plotters::prelude::*;
use townsend_check::AvalancheMap;
use townsend_observables::text::thousands;

use super::{Area, Style, failed, svg, tick};
use crate::PageError;

/// Number of colours of the scale; neighbouring cells of one colour are drawn as one path.
const LEVELS: usize = 24;
/// Where the scale of one electron begins, as a fraction of the whole colour scale. Chosen, not fitted: its
/// contrast is 2 with the dark page and 8 with white.
const DARKEST: f64 = 0.25;
/// Side of the plotted square, and room for the axes' texts: left, right, top, bottom.
const SIDE: u32 = 720;
const ROOM: [u32; 4] = [110, 20, 60, 95];
/// Size of a map with its texts.
pub(super) const MAP: (u32, u32) = (ROOM[0] + SIDE + ROOM[1], ROOM[2] + SIDE + ROOM[3]);
/// Size of the colour bar.
pub(super) const BAR: (u32, u32) = (180, MAP.1);

/// Colour of a cell with `count` of at most `most` electrons.
fn color(count: u32, most: u32) -> RGBColor {
    let share = if most > 1 { f64::from(count).ln() / f64::from(most).ln() } else { 0.0 };
    level((share * (LEVELS - 1) as f64).round() as usize)
}

fn level(level: usize) -> RGBColor {
    // Fewer electrons are darker, so that one stands out from white paper; the darkest part of the scale is
    // left out, so that it stands out from a dark page too.
    ViridisRGB.get_color(DARKEST + (1.0 - DARKEST) * level as f64 / (LEVELS - 1) as f64)
}

/// One SVG element for each avalanche; `most` is the number of electrons in the fullest cell of all
/// avalanches that are shown together.
pub(crate) fn maps_svg(
    maps: &[AvalancheMap],
    most: u32,
    set: &str,
    style: &Style,
) -> Result<Vec<String>, PageError> {
    let one = |map: &AvalancheMap| {
        let label = format!(
            "{set} avalanche number {} with {} electrons in x and z",
            map.index,
            thousands(map.electrons)
        );
        svg(MAP, &label, |area| draw(area, map, most, style))
    };
    maps.iter().map(one).collect()
}

pub(super) fn draw<DB: DrawingBackend>(
    area: &Area<DB>,
    map: &AvalancheMap,
    most: u32,
    style: &Style,
) -> Result<(), PageError> {
    let [left, right, top, bottom] = ROOM;
    let mut chart = ChartBuilder::on(area)
        .margin_top(top)
        .margin_right(right)
        .set_label_area_size(LabelAreaPosition::Left, left)
        .set_label_area_size(LabelAreaPosition::Bottom, bottom)
        .build_cartesian_2d(map.x.low()..map.x.high(), map.z.low()..map.z.high())
        .map_err(failed)?;
    let corners = [(map.x.low(), map.z.low()), (map.x.high(), map.z.high())];
    // Empty cells show the paper.
    let mut cells = map.cells.clone();
    cells.sort_unstable_by_key(|&(x, z, n)| (color(n, most).rgb(), x, z));
    for (x, z, n) in cells {
        let corners =
            [(map.x.low_edge(x), map.z.low_edge(z)), (map.x.low_edge(x + 1), map.z.low_edge(z + 1))];
        chart.plotting_area().draw(&Rectangle::new(corners, color(n, most).filled())).map_err(failed)?;
    }
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(style.ink.stroke_width(2))
        .label_style(style.font())
        .axis_desc_style(style.font())
        .x_labels(5)
        .y_labels(5)
        .x_label_formatter(&|v| tick(*v, map.x.high() - map.x.low()))
        .y_label_formatter(&|v| tick(*v, map.z.high() - map.z.low()))
        .x_desc(label(map.x.label(), "x"))
        .y_desc(label(map.z.label(), "z"))
        .draw()
        .map_err(failed)?;
    chart.plotting_area().draw(&Rectangle::new(corners, style.ink.stroke_width(2))).map_err(failed)?;
    let title = format!("{} electrons", thousands(map.electrons));
    area.draw(&Text::new(title, (left as i32, 18), style.font())).map_err(failed)
}

fn label<'a>(label: &'a str, otherwise: &'a str) -> &'a str {
    if label.is_empty() { otherwise } else { label }
}

/// The colour scale from 1 to `most` electrons a cell as an SVG element.
pub(crate) fn color_bar(most: u32, style: &Style) -> Result<String, PageError> {
    let label = format!("colour scale, logarithmic, from 1 to {most} electrons a cell");
    svg(BAR, &label, |area| draw_bar(area, most, style))
}

pub(super) fn draw_bar<DB: DrawingBackend>(
    area: &Area<DB>,
    most: u32,
    style: &Style,
) -> Result<(), PageError> {
    let (left, width, top) = (10, 40, ROOM[2] as i32);
    let side = SIDE as i32;
    // The position of a fraction of the logarithmic scale.
    let height = |share: f64| top + side - (share * f64::from(side)) as i32;
    for k in 0..LEVELS {
        let (low, high) = (k as f64 / LEVELS as f64, (k + 1) as f64 / LEVELS as f64);
        // Each reaches a little under the next one, so that no seam is seen between them.
        let under = if k + 1 < LEVELS { 3 } else { 0 };
        let block = [(left, height(high) - under), (left + width, height(low))];
        area.draw(&Rectangle::new(block, level(k).filled())).map_err(failed)?;
    }
    let frame = [(left, height(1.0)), (left + width, height(0.0))];
    area.draw(&Rectangle::new(frame, style.ink.stroke_width(2))).map_err(failed)?;
    let decades = (0..10).flat_map(|decade| [1, 2, 5].map(|n| n * 10u64.pow(decade)));
    for value in decades.filter(|&value| value <= u64::from(most)) {
        let share = if most > 1 { (value as f64).ln() / f64::from(most).ln() } else { 0.0 };
        let y = height(share);
        let mark = [(left + width, y), (left + width + 10, y)];
        area.draw(&PathElement::new(mark, style.ink.stroke_width(2))).map_err(failed)?;
        let at = (left + width + 16, y - (style.text * 0.4) as i32);
        area.draw(&Text::new(value.to_string(), at, style.font())).map_err(failed)?;
    }
    let font = ("sans-serif", style.text).into_font().transform(FontTransform::Rotate90);
    let at = (left + width + 18 + (2.4 * style.text) as i32, top + side / 2 - (3.2 * style.text) as i32);
    area.draw(&Text::new("electrons / cell", at, font.color(&style.ink))).map_err(failed)
}
