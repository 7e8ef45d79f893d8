//! Writing histograms as the bytes of a record, in the versions that ROOT 6 writes.

use std::io::{Seek, Write};

use super::contents::{CellType, Cells};
use super::{Histogram, HistogramAxis, statistics_length};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::writer::{NewRecord, RootWriter};

/// The largest number of cells that ROOT can count.
const MAX_CELLS: usize = i32::MAX as usize;
/// ROOT's value for "not set", for the largest and smallest value to draw.
const NOT_SET: f64 = -1111.0;
const BAR_WIDTH: i16 = 1000;

impl<W: Write + Seek> RootWriter<W> {
    /// Writes a histogram into the top directory. Writing another of the same name adds a cycle.
    ///
    /// # Errors
    /// [`Error::Invalid`] if contents, axes, statistics and squared weights do not fit together, and
    /// [`Error::Io`] if the file cannot be written.
    pub fn write_histogram<C: Cells>(&mut self, histogram: &Histogram<C>) -> Result<()> {
        self.write_histogram_in("", histogram)
    }

    /// Writes a histogram into a directory ("sub/deep"), which is made if it is not there.
    ///
    /// # Errors
    /// As [`write_histogram`](Self::write_histogram).
    pub fn write_histogram_in<C: Cells>(&mut self, path: &str, histogram: &Histogram<C>) -> Result<()> {
        let class = class_name(histogram)
            .map_err(|reason| Error::Invalid { object: histogram.name.clone(), reason })?;
        let record = NewRecord {
            directory: self.directory(path)?,
            class,
            name: &histogram.name,
            title: &histogram.title,
            key_tail: &[],
            listed: true,
            compressed: true,
        };
        let mut payload = std::mem::take(&mut self.payload);
        payload.restart(self.key_length(&record));
        encode(histogram, &mut payload);
        self.describe_class(class);
        let written = self.write_record(&record, &payload.bytes);
        self.payload = payload;
        written.map(drop)
    }
}

/// The name of the ROOT class for a histogram.
///
/// # Errors
/// The reason why no class can hold the histogram.
fn class_name<C: Cells>(histogram: &Histogram<C>) -> Result<&'static str, String> {
    use CellType::{C, D, F, I, L, S};
    let (cell_type, cells) = histogram.contents.describe()?;
    let dimensions = histogram.axes.len();
    let class = match (dimensions, cell_type) {
        (1, C) => "TH1C",
        (1, S) => "TH1S",
        (1, I) => "TH1I",
        (1, L) => "TH1L",
        (1, F) => "TH1F",
        (1, D) => "TH1D",
        (2, C) => "TH2C",
        (2, S) => "TH2S",
        (2, I) => "TH2I",
        (2, L) => "TH2L",
        (2, F) => "TH2F",
        (2, D) => "TH2D",
        (3, C) => "TH3C",
        (3, S) => "TH3S",
        (3, I) => "TH3I",
        (3, L) => "TH3L",
        (3, F) => "TH3F",
        (3, D) => "TH3D",
        _ => return Err(format!("it has {dimensions} axes, not 1, 2 or 3")),
    };
    check_lengths(histogram, cells)?;
    histogram.axes.iter().try_for_each(check_axis)?;
    Ok(class)
}

fn check_lengths<C>(histogram: &Histogram<C>, cells: usize) -> Result<(), String> {
    let wanted = histogram.cells().filter(|&wanted| wanted <= MAX_CELLS);
    if wanted != Some(cells) {
        return Err(format!(
            "it has {cells} cells, its axes ask for {wanted:?} (underflow and overflow counted)"
        ));
    }
    if ![0, cells].contains(&histogram.sumw2.len()) {
        return Err(format!("it has {} squared weights for {cells} cells", histogram.sumw2.len()));
    }
    let statistics = statistics_length(histogram.axes.len());
    if histogram.statistics.len() != statistics {
        return Err(format!("it has {} statistics instead of {statistics}", histogram.statistics.len()));
    }
    Ok(())
}

fn check_axis(axis: &HistogramAxis) -> Result<(), String> {
    let growing = axis.edges.as_ref().is_none_or(|edges| {
        edges.len() == axis.bins + 1
            && edges.is_sorted_by(|a, b| a < b)
            && edges.first() == Some(&axis.low)
            && edges.last() == Some(&axis.high)
    });
    if axis.bins == 0 || !growing || axis.low >= axis.high || !(axis.high - axis.low).is_finite() {
        return Err(format!(
            "the axis \"{}\" of {} bins from {} to {} has no bins or edges that do not grow",
            axis.title, axis.bins, axis.low, axis.high
        ));
    }
    Ok(())
}

/// Appends a histogram that [`class_name`] accepts.
fn encode<C: Cells>(histogram: &Histogram<C>, encoder: &mut Encoder) {
    let Ok((cell_type, cells)) = histogram.contents.describe() else { return };
    let dimensions = histogram.axes.len();
    let object = encoder.open(class_version(dimensions, cell_type));
    match dimensions {
        1 => encode_base(histogram, encoder),
        2 => {
            let base = encoder.open(5);
            encode_base(histogram, encoder);
            // Scale factor.
            encoder.f64(1.0);
            histogram.statistics[4..].iter().for_each(|&sum| encoder.f64(sum));
            encoder.close(base);
        }
        _ => {
            let base = encoder.open(6);
            encode_base(histogram, encoder);
            let drawing = encoder.open(1);
            encoder.close(drawing);
            histogram.statistics[4..].iter().for_each(|&sum| encoder.f64(sum));
            encoder.close(base);
        }
    }
    encoder.i32(cells as i32);
    histogram.contents.store(&mut encoder.bytes);
    encoder.close(object);
}

/// The version of a histogram class: 0 for those of `long long`, which are new.
fn class_version(dimensions: usize, cell_type: CellType) -> i16 {
    match (dimensions, cell_type) {
        (_, CellType::L) => 0,
        (1, _) => 3,
        _ => 4,
    }
}

/// Writes the members of `TH1` version 8.
fn encode_base<C>(histogram: &Histogram<C>, encoder: &mut Encoder) {
    let base = encoder.open(8);
    encoder.tnamed(&histogram.name, &histogram.title);
    encode_attributes(encoder);
    let cells = histogram.cells().unwrap_or(0);
    encoder.i32(cells as i32);
    let unused = HistogramAxis::new("", 1, 0.0, 1.0);
    for (number, name) in ["xaxis", "yaxis", "zaxis"].into_iter().enumerate() {
        encode_axis(name, histogram.axes.get(number).unwrap_or(&unused), encoder);
    }
    encoder.i16(0);
    encoder.i16(BAR_WIDTH);
    encoder.f64(histogram.entries);
    histogram.statistics[..4].iter().for_each(|&sum| encoder.f64(sum));
    // Maximum, minimum and norm for drawing.
    for value in [NOT_SET, NOT_SET, 0.0] {
        encoder.f64(value);
    }
    // Contours.
    encoder.f64_array(&[]);
    encoder.f64_array(&histogram.sumw2);
    // Option, functions, buffer of fills: size 0, and a byte that tells that the buffer is absent.
    encoder.string("");
    encoder.empty_list();
    encoder.i32(0);
    encoder.u8(0);
    // Normal errors (kNormal); whether the statistics count overflows is left to the program that fills
    // (kNeutral).
    encoder.i32(0);
    encoder.i32(2);
    encoder.close(base);
}

/// Writes the attributes of line, fill and marker of ROOT's default style.
fn encode_attributes(encoder: &mut Encoder) {
    let line = encoder.open(2);
    for value in [602, 1, 1] {
        encoder.i16(value);
    }
    encoder.close(line);
    let fill = encoder.open(2);
    for value in [0, 1001] {
        encoder.i16(value);
    }
    encoder.close(fill);
    let marker = encoder.open(3);
    for value in [1, 1] {
        encoder.i16(value);
    }
    encoder.f32(1.0);
    encoder.close(marker);
}

/// Writes a `TAxis` of version 10.
fn encode_axis(name: &str, axis: &HistogramAxis, encoder: &mut Encoder) {
    let object = encoder.open(10);
    encoder.tnamed(name, &axis.title);
    encode_axis_attributes(encoder);
    encoder.i32(axis.bins as i32);
    encoder.f64(axis.low);
    encoder.f64(axis.high);
    encoder.f64_array(axis.edges.as_deref().unwrap_or_default());
    // First and last bin to draw: 0 and 0 mean all.
    encoder.i32(0);
    encoder.i32(0);
    encoder.u16(0);
    // No time axis, no time format, no labels, no modified labels.
    encoder.bool(false);
    encoder.string("");
    encoder.u32(0);
    encoder.u32(0);
    encoder.close(object);
}

/// Writes a `TAttAxis` of version 4 with ROOT's default style.
fn encode_axis_attributes(encoder: &mut Encoder) {
    let attributes = encoder.open(4);
    encoder.i32(510);
    for colour_or_font in [1, 1, 42] {
        encoder.i16(colour_or_font);
    }
    for size in [0.005, 0.035, 0.03, 1.0, 0.035] {
        encoder.f32(size);
    }
    for colour_or_font in [1, 42] {
        encoder.i16(colour_or_font);
    }
    encoder.close(attributes);
}
