//! Tables that the `[digitisation]` of a detector names: of strips, and of channels.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use toml::{Table, Value};
use townsend_core::InputFile;
use townsend_sim::Detector;

use crate::{Error, Result};

/// Columns of a table of channels.
const CHANNEL: [&str; 8] = ["layer", "sheet", "view", "strip", "gain", "threshold_fC", "noise_e", "dead"];

/// Reads the tables that the description in the file `path` names, if it names some, and puts what they say
/// in their place.
pub(crate) fn load(detector: &mut Detector, path: &Path) -> Result<()> {
    let Some(mut digitisation) = detector.digitisation.take() else { return Ok(()) };
    let mut read = Vec::new();
    let mut table = |named: Value| -> Result<Rows> {
        let name = named.as_str().ok_or_else(|| Error::Content {
            path: path.into(),
            what: "a table of strips or channels is named by a text\n  hint: write strips = \"strips.csv\""
                .into(),
        })?;
        let file = path.parent().unwrap_or(Path::new("")).join(name);
        let contents = std::fs::read(&file).map_err(|source| Error::Io { path: file.clone(), source })?;
        read.push(InputFile::of(&file.display().to_string(), &contents));
        Rows::of(&file, &String::from_utf8_lossy(&contents))
            .map_err(|what| Error::Content { path: file, what })
    };
    if let Some(named) = digitisation.remove("strips") {
        let rows = table(named)?;
        let refused = |what| Error::Content { path: rows.file.clone().into(), what };
        let sheets = sheets(&rows).map_err(refused)?;
        put_sheets(&mut digitisation, sheets).map_err(refused)?;
    }
    let channels = digitisation.get_mut("channels").and_then(Value::as_table_mut);
    if let Some(channels) = channels
        && let Some(named) = channels.remove("table")
    {
        let rows = table(named)?;
        let refused = |what| Error::Content { path: rows.file.clone().into(), what };
        let of_table = channel_rows(&rows).map_err(refused)?;
        let there = channels.entry("rows").or_insert_with(|| Value::Array(Vec::new()));
        if let Some(there) = there.as_array_mut() {
            // What the description says itself comes later, and counts more.
            there.splice(0..0, of_table);
        }
    }
    detector.digitisation = Some(digitisation);
    for file in read {
        detector.add_file(file);
    }
    Ok(())
}

/// The lines of a text with commas between columns.
struct Rows {
    file: String,
    names: Vec<String>,
    /// The number of each line, from 1, and its cells.
    lines: Vec<(usize, Vec<String>)>,
}

impl Rows {
    fn of(file: &Path, text: &str) -> std::result::Result<Self, String> {
        let cells = |line: &str| line.split(',').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let names = lines.next().map(|(_, line)| cells(line)).ok_or("is empty; a line of names is wanted")?;
        let lines: Vec<_> = lines.map(|(number, line)| (number, cells(line))).collect();
        match lines.iter().find(|(_, cells)| cells.len() != names.len()) {
            Some((number, cells)) => Err(format!(
                "line {number} has {} columns, and {} are named: {}\n  hint: write as many, left empty where nothing is to be said",
                cells.len(),
                names.len(),
                names.join(",")
            )),
            None => Ok(Self { file: file.display().to_string(), names, lines }),
        }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own.eq_ignore_ascii_case(name))
    }

    /// A value of a line; `None` if it is left empty or there is no such column.
    fn value<T: FromStr>(&self, line: usize, name: &str) -> std::result::Result<Option<T>, String> {
        let (number, cells) = &self.lines[line];
        let Some(cell) = self.column(name).map(|column| &cells[column]).filter(|cell| !cell.is_empty())
        else {
            return Ok(None);
        };
        let cell = match (name, cell.as_str()) {
            ("view", "X" | "x") => "0",
            ("view", "V" | "v") => "1",
            (_, cell) => cell,
        };
        let wrong =
            |_| format!("line {number}: {name} is `{cell}`\n  hint: correct it, or leave the line out");
        cell.parse().map(Some).map_err(wrong)
    }

    fn needed<T: FromStr>(&self, line: usize, name: &str) -> std::result::Result<T, String> {
        let number = self.lines[line].0;
        self.value(line, name)?.ok_or_else(|| {
            format!(
                "line {number} has no {name}\n  hint: docs/readout.md lists the columns of a table of strips"
            )
        })
    }
}

/// One strip of a table: its line there, the middle of both its ends, and its width, mm.
struct Strip {
    line: usize,
    number: u32,
    middle: [f64; 2],
    along: [f64; 2],
    width_mm: f64,
}

/// The views of every sheet of every layer.
type Sheets = BTreeMap<u32, BTreeMap<u32, BTreeMap<u32, Value>>>;

fn sheets(rows: &Rows) -> std::result::Result<Sheets, String> {
    let mut strips: BTreeMap<[u32; 3], (Option<f64>, Vec<Strip>)> = BTreeMap::new();
    for line in 0..rows.lines.len() {
        let number = |name| rows.needed::<f64>(line, name);
        let radius = rows.value::<f64>(line, "r_mm")?;
        // On a cylinder lengths along φ are unrolled.
        let (start, way) = match radius {
            Some(r) => {
                ([r * number("phi0_rad")?, number("z0_mm")?], [r * number("dphi_rad")?, number("dz_mm")?])
            }
            None => ([number("x0_mm")?, number("z0_mm")?], [number("dx_mm")?, number("dz_mm")?]),
        };
        let view = [rows.needed(line, "layer")?, rows.needed(line, "sheet")?, rows.needed(line, "view")?];
        let of_view = strips.entry(view).or_insert_with(|| (radius, Vec::new()));
        if of_view.0 != radius {
            return Err(format!(
                "line {}: r_mm differs from that of other strips of its view\n  hint: strips of a view are on one cylinder",
                rows.lines[line].0
            ));
        }
        of_view.1.push(Strip {
            line: rows.lines[line].0,
            number: rows.needed(line, "strip")?,
            middle: [0, 1].map(|k| start[k] + 0.5 * way[k]),
            along: way,
            width_mm: rows.value(line, "width_mm")?.unwrap_or(0.0),
        });
    }
    let mut sheets = Sheets::new();
    for ([layer, sheet, view], (radius, strips)) in strips {
        let described = lattice(radius, strips)?;
        sheets.entry(layer).or_default().entry(sheet).or_default().insert(view, described);
    }
    Ok(sheets)
}

/// Parallel strips as a description has them.
fn lattice(radius: Option<f64>, mut strips: Vec<Strip>) -> std::result::Result<Value, String> {
    strips.sort_by_key(|strip| strip.number);
    if let Some((k, strip)) = strips.iter().enumerate().find(|(k, strip)| strip.number as usize != *k) {
        return Err(format!(
            "line {}: strip {} where strip {k} is wanted\n  hint: strips of a view are numbered from 0, each once",
            strip.line, strip.number
        ));
    }
    let [x, z] = [0, 1].map(|k| strips.iter().map(|strip| strip.along[k]).sum::<f64>());
    let length = x.hypot(z);
    let across = [z / length, -x / length];
    let place = |strip: &Strip, across: [f64; 2]| strip.middle[0] * across[0] + strip.middle[1] * across[1];
    // The direction in which numbers rise.
    let rising = match &strips[..] {
        [first, .., last] if place(last, across) < place(first, across) => across.map(|part| -part),
        _ => across,
    };
    for strip in &strips {
        let [x, z] = strip.along;
        let off = (x * across[0] + z * across[1]) / x.hypot(z);
        if off.is_nan() || off.abs() > 0.005 {
            return Err(format!(
                "line {}: the strip is not parallel to others of its view\n  hint: strips of a view are parallel lines",
                strip.line
            ));
        }
    }
    let centres: Vec<f64> = strips.iter().map(|strip| place(strip, rising)).collect();
    for (k, pair) in centres.windows(2).enumerate() {
        let width = 0.5 * (strips[k].width_mm + strips[k + 1].width_mm);
        if pair[1] - pair[0] < width {
            return Err(format!(
                "lines {} and {}: strips overlap: their middles are {:.4} mm apart, and they are {width} mm wide\n  hint: correct their places or widths",
                strips[k].line,
                strips[k + 1].line,
                pair[1] - pair[0]
            ));
        }
    }
    let (first, last) = (centres[0], centres[centres.len() - 1]);
    let pitch = (last - first) / (centres.len() - 1).max(1) as f64;
    let mut table = Table::new();
    if let Some(radius) = radius {
        table.insert("radius_mm".into(), radius.into());
    }
    table.insert("pitch_um".into(), (1000.0 * pitch).into());
    table.insert("angle_deg".into(), rising[1].atan2(rising[0]).to_degrees().into());
    table.insert("first_mm".into(), first.into());
    table.insert("strips".into(), Value::Integer(centres.len() as i64));
    table.insert("centres_mm".into(), Value::Array(centres.into_iter().map(Value::from).collect()));
    Ok(table.into())
}

/// Puts sheets of a table where layers have none.
fn put_sheets(digitisation: &mut Table, mut sheets: Sheets) -> std::result::Result<(), String> {
    let layers = digitisation.get_mut("layers").and_then(Value::as_array_mut);
    for layer in layers.into_iter().flatten().filter_map(Value::as_table_mut) {
        let number = layer.get("layer").and_then(Value::as_integer).and_then(|of| u32::try_from(of).ok());
        let Some(of_layer) = number.and_then(|number| sheets.remove(&number)) else { continue };
        if layer.contains_key("sheets") {
            return Err(format!(
                "has strips of layer {}, whose sheets the description has too\n  hint: leave out one of the two",
                number.unwrap_or_default()
            ));
        }
        let described = of_layer.into_iter().map(|(sheet, views)| {
            let mut table = Table::new();
            table.insert("sheet".into(), Value::Integer(sheet.into()));
            table.insert("views".into(), Value::Array(views.into_values().collect()));
            Value::Table(table)
        });
        layer.insert("sheets".into(), described.collect::<Vec<_>>().into());
    }
    match sheets.keys().next() {
        None => Ok(()),
        Some(layer) => Err(format!(
            "has strips of layer {layer}, which [[digitisation.layers]] does not have\n  hint: add it, or leave those lines out"
        )),
    }
}

/// Rows of a table of channels as a description has them.
fn channel_rows(rows: &Rows) -> std::result::Result<Vec<Value>, String> {
    if let Some(name) =
        rows.names.iter().find(|name| !CHANNEL.iter().any(|known| known.eq_ignore_ascii_case(name)))
    {
        return Err(format!(
            "column {name} is none of a table of channels\n  hint: there are {}",
            CHANNEL.join(", ")
        ));
    }
    let of_line = |line: usize| {
        let mut table = Table::new();
        for name in ["layer", "sheet", "view"] {
            if let Some(value) = rows.value::<u32>(line, name)? {
                table.insert(name.into(), Value::Integer(value.into()));
            }
        }
        if let Some(range) = rows.value::<StripRange>(line, "strip")? {
            let range = range.0.map(|strip| Value::Integer(strip.into()));
            table.insert("strips".into(), Value::Array(range.into()));
        }
        for (name, key) in [("gain", "gain"), ("threshold_fC", "threshold_fc"), ("noise_e", "noise_e")] {
            if let Some(value) = rows.value::<f64>(line, name)? {
                table.insert(key.into(), value.into());
            }
        }
        if let Some(dead) = rows.value::<u8>(line, "dead")? {
            table.insert("dead".into(), (dead > 0).into());
        }
        Ok(table.into())
    };
    (0..rows.lines.len()).map(of_line).collect()
}

/// `7`, or `10-20`, both included.
struct StripRange([u32; 2]);

impl FromStr for StripRange {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Ok(Self([first.trim().parse()?, last.trim().parse()?]))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use townsend_readout::{Digitiser, Hit, Ionise};

    use super::*;

    /// A detector in a folder, with files beside it.
    fn read(text: &str, files: &[(&str, &str)]) -> Result<Detector> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().join("detector.toml");
        std::fs::write(&path, text).unwrap();
        crate::detector(Some(&path))
    }

    /// The planar detector, whose strips are in a table, and the table of its lattice.
    fn with_table() -> (String, String) {
        let text = Detector::shipped("planar_triple_gem").unwrap();
        let sheets = text.find("[[digitisation.layers.sheets]]").unwrap();
        let text = text[..sheets].replace("[digitisation]", "[digitisation]\nstrips = \"strips.csv\"");
        let mut table = "layer,sheet,view,strip,x0_mm,z0_mm,dx_mm,dz_mm,width_mm\n".to_owned();
        for strip in 0..154 {
            let at = 0.65f64.mul_add(f64::from(strip), -49.725);
            writeln!(table, "0,0,X,{strip},{at},-50,0,100,0.57").unwrap();
            writeln!(table, "0,0,V,{strip},-50,{at},100,0,0.13").unwrap();
        }
        (text, table)
    }

    #[test]
    fn strips_of_a_table_are_those_of_the_lattice() {
        let (text, table) = with_table();
        let tabulated = read(&text, &[("strips.csv", &table)]).unwrap();
        let shipped = crate::detector(Some("planar_triple_gem".as_ref())).unwrap();
        let hit = Hit::between([3.0, -2.0, -9.0], [3.4, -2.0, -6.0]);
        let digits = |detector: &Detector| {
            let of = Digitiser::new(detector, Ionise::Clusters).unwrap();
            (0..20).flat_map(|index| of.event(1, index, &[hit]).digits).collect::<Vec<_>>()
        };
        let (one, other) = (digits(&tabulated), digits(&shipped));
        let sum = |of: &[townsend_readout::Digit]| {
            let charge = of.iter().map(|digit| f64::from(digit.charge_fc)).sum::<f64>();
            let place = of.iter().map(|d| f64::from(d.charge_fc) * f64::from(d.strip)).sum::<f64>();
            [charge, place / charge]
        };
        let ([q, x], [r, y]) = (sum(&one), sum(&other));
        assert!(!one.is_empty() && (q / r - 1.0).abs() < 0.01 && (x - y).abs() < 0.01, "{q} {r} {x} {y}");
        assert_eq!(tabulated.files().len(), shipped.files().len() + 2);
    }

    #[test]
    fn channels_of_a_table_are_read() {
        let text = Detector::shipped("planar_triple_gem").unwrap();
        let text = text.replace(
            "[[digitisation.layers]]",
            "[digitisation.channels]\ntable = \"channels.csv\"\n\n[[digitisation.layers]]",
        );
        let dead = "view,strip,gain,dead\nX,0-153,,1\nV,,1.1,\n";
        let detector = read(&text, &[("channels.csv", dead)]).unwrap();
        let of = Digitiser::new(&detector, Ionise::Clusters).unwrap();
        let hit = Hit::between([3.0, -2.0, -9.0], [3.4, -2.0, -6.0]);
        let digits: Vec<_> = (0..10).flat_map(|index| of.event(1, index, &[hit]).digits).collect();
        assert!(!digits.is_empty() && digits.iter().all(|digit| digit.view == 1));
        for (table, said) in [
            ("strip,gian\n1,1\n", "column gian is none of a table of channels"),
            ("strip,gain\n1,high\n", "line 2: gain is `high`"),
            ("strip,gain\n1\n", "line 2 has 1 columns, and 2 are named"),
            ("strip\n9-\n", "line 2: strip is `9-`"),
        ] {
            let message = read(&text, &[("channels.csv", table)]).unwrap_err().to_string();
            assert!(message.contains(said) && message.contains("channels.csv"), "{message}");
        }
        let beyond = read(&text, &[("channels.csv", "strip,dead\n154,1\n")]).unwrap();
        let said = Digitiser::new(&beyond, Ionise::Clusters).unwrap_err().to_string();
        assert!(said.contains("row 0 names no channel of the detector"), "{said}");
        let absent = read(&text, &[]).unwrap_err().to_string();
        assert!(absent.contains("channels.csv"), "{absent}");
    }

    #[test]
    fn wrong_tables_of_strips_are_refused() {
        let (text, table) = with_table();
        let with = |from: &str, to: &str| {
            assert!(table.contains(from), "{from}");
            read(&text, &[("strips.csv", &table.replacen(from, to, 1))]).unwrap_err().to_string()
        };
        for (from, to, said) in [
            ("0,0,X,3,", "0,0,X,4,", "strip 4 where strip 3 is wanted"),
            (
                "0,0,X,1,-49.075,-50,0,100,",
                "0,0,X,1,-49.5,-50,0,100,",
                "strips overlap: their middles are 0.2250 mm apart",
            ),
            ("0,0,X,1,-49.075,-50,0,100,", "0,0,X,1,-49.075,-50,2,100,", "is not parallel"),
            ("0,0,X,0,", "7,0,X,0,", "strip 1 where strip 0 is wanted"),
            ("dx_mm", "width", "line 2 has no dx_mm"),
        ] {
            let message = with(from, to);
            assert!(message.contains(said) && message.contains("strips.csv"), "{message}");
        }
        let twice = Detector::shipped("planar_triple_gem").unwrap();
        let twice = twice.replace("[digitisation]", "[digitisation]\nstrips = \"strips.csv\"");
        let message = read(&twice, &[("strips.csv", &table)]).unwrap_err().to_string();
        assert!(message.contains("leave out one of the two"), "{message}");
    }
}
