//! Reading histograms from the bytes of a record.

use super::contents::{CellType, Cells};
use super::{Histogram, HistogramAxis, statistics_length};
use crate::buffer::Buffer;
use crate::error::Fault;

/// Dimension and cell type that the name of a class tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HistogramClass {
    pub(crate) dimensions: usize,
    pub(crate) cell_type: CellType,
}

impl HistogramClass {
    /// Parses a name from `TH1C` to `TH3D`; `None` for all other classes.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let [b'T', b'H', dimensions @ b'1'..=b'3', letter] = name.as_bytes() else { return None };
        let cell_type = match letter {
            b'C' => CellType::C,
            b'S' => CellType::S,
            b'I' => CellType::I,
            b'L' => CellType::L,
            b'F' => CellType::F,
            b'D' => CellType::D,
            _ => return None,
        };
        Some(Self { dimensions: usize::from(dimensions - b'0'), cell_type })
    }
}

/// Bytes of the members of `TAttLine`, `TAttFill`, `TAttMarker`, `TAttAxis` and `TAtt3D` in all their
/// versions, for objects without byte counts.
const ATTRIBUTES: [usize; 3] = [6, 4, 8];
const AXIS_ATTRIBUTES: usize = 34;
const ATTRIBUTES_3D: usize = 0;

/// Replaces `out` by the histogram in `buffer` and uses the memory of `out` again.
///
/// Geant4 writes the histogram and its bases without byte counts (`TH1D` 1, `TH1` 3, `TH2` 3, `TH3` 4;
/// source: `tools/wroot/streamers` of g4tools), so every member has to be read even where it does not matter.
pub(crate) fn decode<C: Cells>(
    buffer: &mut Buffer<'_>,
    class: HistogramClass,
    out: &mut Histogram<C>,
) -> Result<(), Fault> {
    out.axes.resize_with(class.dimensions, HistogramAxis::default);
    out.statistics.clear();
    buffer.maybe_counted(|_, body| {
        let declared = match class.dimensions {
            1 => decode_base(body, out)?,
            2 => decode_2d(body, out)?,
            _ => decode_3d(body, out)?,
        };
        decode_cells(body, class.cell_type, declared, out)
    })
}

fn decode_cells<C: Cells>(
    body: &mut Buffer<'_>,
    cell_type: CellType,
    declared: usize,
    out: &mut Histogram<C>,
) -> Result<(), Fault> {
    if out.cells() != Some(declared) {
        return Err(Fault::Damaged(format!(
            "it has {declared} cells, its axes of {:?} bins ask for another number",
            out.axes.iter().map(|axis| axis.bins).collect::<Vec<_>>()
        )));
    }
    let size = cell_type.size();
    let cells = body.array_bytes(size)?;
    if cells.len() != declared * size || ![0, declared].contains(&out.sumw2.len()) {
        return Err(Fault::Damaged(format!(
            "{} of {declared} cells are there, with {} squared weights",
            cells.len() / size,
            out.sumw2.len()
        )));
    }
    out.contents.load(cell_type, cells);
    Ok(())
}

fn decode_2d<C>(buffer: &mut Buffer<'_>, out: &mut Histogram<C>) -> Result<usize, Fault> {
    buffer.maybe_counted(|version, body| {
        check_version("TH2", version)?;
        let cells = decode_base(body, out)?;
        let _scale_factor = body.f64()?;
        decode_statistics(body, out)?;
        Ok(cells)
    })
}

fn decode_3d<C>(buffer: &mut Buffer<'_>, out: &mut Histogram<C>) -> Result<usize, Fault> {
    buffer.maybe_counted(|version, body| {
        check_version("TH3", version)?;
        let cells = decode_base(body, out)?;
        body.skip_maybe_counted(ATTRIBUTES_3D)?;
        decode_statistics(body, out)?;
        Ok(cells)
    })
}

/// Appends sums to the statistics of `out` until there are as many as its dimension asks for.
fn decode_statistics<C>(buffer: &mut Buffer<'_>, out: &mut Histogram<C>) -> Result<(), Fault> {
    for _ in out.statistics.len()..statistics_length(out.axes.len()) {
        out.statistics.push(buffer.f64()?);
    }
    Ok(())
}

/// Refuses versions before 3 (ROOT 2.24, 1999), in which the classes had other members.
fn check_version(class: &str, version: i16) -> Result<(), Fault> {
    if version >= 3 {
        return Ok(());
    }
    Err(Fault::Unsupported(format!(
        "{class} version {version} is older than ROOT 3; hint: write it anew with a current ROOT"
    )))
}

/// Reads the members of `TH1`, the base of all histogram classes. Returns the number of cells that it
/// declares.
fn decode_base<C>(buffer: &mut Buffer<'_>, out: &mut Histogram<C>) -> Result<usize, Fault> {
    buffer.maybe_counted(|version, body| {
        check_version("TH1", version)?;
        let (name, title) = body.tnamed()?;
        replace(&mut out.name, &name);
        replace(&mut out.title, &title);
        ATTRIBUTES.into_iter().try_for_each(|length| body.skip_maybe_counted(length))?;
        let cells = body.i32()?;
        let cells = usize::try_from(cells).map_err(|_| Fault::Damaged(format!("it has {cells} cells")))?;
        for axis in &mut out.axes {
            decode_axis(body, axis)?;
        }
        for _ in out.axes.len()..3 {
            if body.is_counted() {
                body.skip_object()?;
            } else {
                decode_axis(body, &mut HistogramAxis::default())?;
            }
        }
        // Offset and width of bars.
        body.skip(4)?;
        out.entries = body.f64()?;
        for _ in 0..4 {
            out.statistics.push(body.f64()?);
        }
        // Maximum, minimum and norm for drawing, and contours.
        body.skip(24)?;
        body.array_bytes(8)?;
        body.f64_array_into(&mut out.sumw2)?;
        let _option = body.string()?;
        skip_functions(body)?;
        check_fill_buffer(body, version)?;
        Ok(cells)
    })
}

fn skip_functions(body: &mut Buffer<'_>) -> Result<(), Fault> {
    if body.is_counted() {
        return body.skip_object();
    }
    body.maybe_counted(|_, list| {
        list.tobject()?;
        let _name = list.string()?;
        match list.count(4)? {
            0 => Ok(()),
            count => Err(Fault::Unsupported(format!(
                "{count} functions are stored with it and do not say where they end; \
                 hint: write it anew with a current ROOT"
            ))),
        }
    })
}

/// Refuses a histogram with buffered fills. ROOT can collect fills until it chooses the axes; while they are
/// in the buffer, the cells do not hold them. Reads the members of `TH1` from there to the last one.
fn check_fill_buffer(body: &mut Buffer<'_>, version: i16) -> Result<(), Fault> {
    if version < 4 {
        return Ok(());
    }
    let size = body.i32()?;
    let mut waiting = 0.0;
    if body.bool()? && size > 0 {
        let fills = body.bytes((size as usize).saturating_mul(8))?;
        waiting = Buffer::new(fills, 0).f64()?;
    }
    // How errors are worked out, from version 7 on, and whether flow bins count, from version 8 on.
    body.skip(4 * usize::try_from(version.clamp(6, 8) - 6).unwrap_or(0))?;
    if waiting > 0.0 {
        return Err(Fault::Unsupported(format!(
            "{waiting} fills wait in its buffer and are in no bin yet; \
             hint: call BufferEmpty(1) before Write() in the program that fills it"
        )));
    }
    Ok(())
}

fn decode_axis(buffer: &mut Buffer<'_>, axis: &mut HistogramAxis) -> Result<(), Fault> {
    let counted = buffer.is_counted();
    buffer.maybe_counted(|version, body| {
        // Before version 6 the edges were floats.
        if version < 6 {
            return Err(Fault::Unsupported(format!(
                "TAxis version {version} is older than ROOT 3; hint: write it anew with a current ROOT"
            )));
        }
        let (_, title) = body.tnamed()?;
        replace(&mut axis.title, &title);
        body.skip_maybe_counted(AXIS_ATTRIBUTES)?;
        let bins = body.i32()?;
        axis.bins = usize::try_from(bins).map_err(|_| Fault::Damaged(format!("an axis has {bins} bins")))?;
        (axis.low, axis.high) = (body.f64()?, body.f64()?);
        decode_edges(body, axis)?;
        if counted { Ok(()) } else { skip_axis_range(body, version) }
    })
}

/// Skips what follows the edges in a `TAxis` of version 6 without byte count.
fn skip_axis_range(body: &mut Buffer<'_>, version: i16) -> Result<(), Fault> {
    if version > 6 {
        return Err(Fault::Unsupported(format!(
            "a TAxis of version {version} does not say where it ends; hint: write it anew with a current ROOT"
        )));
    }
    // First and last bin to be drawn, whether the axis shows times, and how.
    body.skip(9)?;
    body.string().map(drop)
}

fn decode_edges(body: &mut Buffer<'_>, axis: &mut HistogramAxis) -> Result<(), Fault> {
    let mut edges = axis.edges.take().unwrap_or_default();
    body.f64_array_into(&mut edges)?;
    if edges.is_empty() {
        return Ok(());
    }
    if edges.len() != axis.bins + 1 {
        return Err(Fault::Damaged(format!("an axis of {} bins has {} edges", axis.bins, edges.len())));
    }
    axis.edges = Some(edges);
    Ok(())
}

fn replace(text: &mut String, with: &str) {
    text.clear();
    text.push_str(with);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_histograms_are_taken_for_histograms() {
        let class = HistogramClass { dimensions: 3, cell_type: CellType::F };
        assert_eq!(HistogramClass::from_name("TH3F"), Some(class));
        for other in ["TH4F", "TH2Poly", "TH1", "TProfile", "THnSparseF", "TH1K", "TH0F"] {
            assert_eq!(HistogramClass::from_name(other), None, "{other}");
        }
    }
}
