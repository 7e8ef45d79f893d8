//! Reads the text files (`.gas`) in which Garfield++ stores gas properties calculated by Magboltz.
//!
//! Layout (facts from Garfield++'s `MediumGas::LoadGasFile`, `WriteGasFile` and
//! `MediumMagboltz::RunMagboltz`):
//!
//! - a header with `Version`, `GASOK bits` (which quantities the file holds), `Identifier` and `Dimension`
//!   (map or not; numbers of E fields, angles, B fields, excitations and ionisations);
//! - lists: E fields as E/p in V/(cm Torr), angles between E and B in rad, B fields in hundredths of a tesla,
//!   the mixture;
//! - after `The gas tables follow:`, a record for each E (slowest), angle and B: drift velocity along E,
//!   along the part of B across E, and along E × B, in cm/µs; longitudinal and transverse diffusion in
//!   √cm·√Torr; Townsend coefficient with and without Penning transfer, attachment; ion mobility; Lorentz
//!   angle; ion dissociation; the diffusion tensor in cm·Torr in the order of axes EE, BB, (E×B)(E×B) and
//!   three mixed ones; a rate for each excitation and ionisation. In a table that is no map, nearly every
//!   number is followed by a spline coefficient;
//! - a footer with the pressure, `PGAS`, in Torr, and the temperature, `TGAS`, in K.
//!
//! Townsend and attachment coefficients are the logarithms of their values over the pressure, in 1/(cm Torr);
//! with the pressure, less than −20 stands for 0. The mixed terms of the tensor are those of E and B, of E
//! and E × B, and of B and E × B, in the axes that the velocities are in.
//!
//! Numbers may have the forms that Fortran prints: 15 characters wide with nothing between them, with `D` as
//! the exponent's letter, or without a letter before an exponent of three digits.

use std::f64::consts::FRAC_PI_2;

use townsend_core::parse_number;

use super::Transport;
use super::table::{Point, State};

const TABLES: &str = "The gas tables follow";
/// Tolerance for an angle of π/2, rad: angles are written with 8 digits.
const ANGLE_TOLERANCE: f64 = 1e-4;

/// A result whose error says in words what is wrong with the file.
type Fault<T> = Result<T, String>;

/// True if a text is such a file rather than TOML.
pub(super) fn is_gas_file(text: &str) -> bool {
    text.trim_start().starts_with("*----") || text.contains("GASOK")
}

/// The name of the gas, and the transport coefficients with B perpendicular to E.
pub(super) fn parse(text: &str) -> Fault<(String, State, Vec<Point>)> {
    let (head, rest) = text.split_once(TABLES).ok_or_else(|| format!("has no line `{TABLES}:`"))?;
    let (_, rest) = rest.split_once('\n').unwrap_or_default();
    let header = Header::parse(head)?;
    let pressure = number_after(rest, "PGAS", "the pressure in Torr")?;
    if !(pressure > 0.0 && pressure.is_finite()) {
        return Err(format!("PGAS, the pressure, is {pressure}; it must be above 0 Torr"));
    }
    let mut state = State { pressure_torr: Some(pressure), temperature_k: None };
    if rest.contains("TGAS") {
        let temperature = number_after(rest, "TGAS", "the temperature in K")?;
        // Garfield++ takes a temperature of 0 for none.
        if temperature != 0.0 {
            state.temperature_k = Some(temperature);
        }
    }
    let angle = header.right_angle()?;
    let mut numbers = Numbers(rest);
    let mut points = Vec::new();
    for &e in &header.e_over_p {
        for j in 0..header.angles.len() {
            for &b in &header.b_hundredths_t {
                let record = header.record(&mut numbers)?;
                if j == angle {
                    points.push(header.point(&record, e, b / 100.0, pressure)?);
                }
            }
        }
    }
    if !numbers.0.trim_start().starts_with(|c: char| c.is_ascii_alphabetic()) {
        let found: String = numbers.0.trim_start().chars().take(20).collect();
        return Err(format!("`{found}` follows the tables: there are more numbers than `Dimension` says"));
    }
    Ok((header.name, state, points))
}

struct Header {
    name: String,
    /// Which quantities the file holds, as `T` and `F`.
    bits: Vec<u8>,
    /// True for tables of E, angle and B; false for tables of E alone.
    map: bool,
    e_over_p: Vec<f64>,
    angles: Vec<f64>,
    b_hundredths_t: Vec<f64>,
    /// Number of excitations and ionisations, for each of which a record has a rate.
    rates: u64,
}

/// The numbers of a record that are used, in the units of the file.
struct Record {
    velocity: f64,
    velocity_exb: f64,
    longitudinal: f64,
    transverse: f64,
    /// Logarithms of the Townsend and the attachment coefficient over the pressure.
    townsend: f64,
    attachment: f64,
    /// Elements of the diffusion tensor: along E, along the part of B across E, and along E × B; mixed, of E
    /// with B and of E with E × B.
    tensor: [f64; 5],
}

impl Header {
    fn parse(head: &str) -> Fault<Self> {
        let version = value(head, "Version")?;
        if !["10", "11", "12"].contains(&version) {
            return Err(format!("is of version {version}; versions 10, 11 and 12 are read"));
        }
        let dimension = value(head, "Dimension")?;
        let mut words = dimension.split_whitespace();
        let map = match words.next() {
            Some("T") => true,
            Some("F") => false,
            _ => return Err(format!("Dimension is `{dimension}`; it begins with T or F")),
        };
        let counts: Option<Vec<u64>> = words.map(|word| word.parse().ok()).collect();
        let Some(&[e, angles, b, excitations, ionisations]) = counts.as_deref() else {
            return Err(format!("Dimension is `{dimension}`; five whole numbers are wanted after T or F"));
        };
        if e == 0 || angles == 0 || b == 0 || (!map && (angles, b) != (1, 1)) {
            return Err(format!(
                "Dimension is `{dimension}`; fields and angles are at least 1, and one angle and one B without a map"
            ));
        }
        Ok(Self {
            name: value(head, "Identifier")?.into(),
            bits: value(head, "GASOK bits")?.into(),
            map,
            e_over_p: list(head, "E fields", e)?,
            angles: list(head, "E-B angles", angles)?,
            b_hundredths_t: list(head, "B fields", b)?,
            rates: excitations.saturating_add(ionisations),
        })
    }

    fn has(&self, bit: usize) -> bool {
        self.bits.get(bit - 1) == Some(&b'T')
    }

    /// An error unless the file holds the quantity `what`, which has this number among the bits.
    fn needs(&self, bit: usize, what: &str) -> Fault<()> {
        if self.has(bit) { Ok(()) } else { Err(format!("has no {what}: bit {bit} of `GASOK bits` is not T")) }
    }

    /// The index of the angle at which B is perpendicular to E; any angle, if there is no magnetic field.
    fn right_angle(&self) -> Fault<usize> {
        let found = self.angles.iter().position(|angle| (angle - FRAC_PI_2).abs() < ANGLE_TOLERANCE);
        let no_field = self.b_hundredths_t.iter().all(|&b| b == 0.0);
        found.or(no_field.then_some(0)).ok_or_else(|| {
            let shown: Vec<_> = self.angles.iter().take(10).map(ToString::to_string).collect();
            format!(
                "has magnetic fields at {} rad from E, but not at π/2 = 1.5707963, which is where B is perpendicular to E",
                shown.join(", ")
            )
        })
    }

    fn record(&self, numbers: &mut Numbers<'_>) -> Fault<Record> {
        let spline = !self.map;
        let mut next = |spline: bool| {
            let value = numbers.next().unwrap_or_else(|| Err("ends within the tables".into()))?;
            if spline {
                numbers.next().unwrap_or_else(|| Err("ends within the tables".into()))?;
            }
            Ok::<f64, String>(value)
        };
        let velocity = next(spline)?;
        next(spline)?; // along B: none at right angles
        let velocity_exb = next(spline)?;
        let (longitudinal, transverse) = (next(spline)?, next(spline)?);
        let townsend = next(spline)?;
        next(false)?; // the Townsend coefficient without Penning transfer
        let attachment = next(spline)?;
        // Mobility, Lorentz angle, dissociation.
        for _ in 0..3 {
            next(spline)?;
        }
        let mut tensor = [0.0; 5];
        for element in &mut tensor {
            *element = next(spline)?;
        }
        for _ in 0..self.rates.saturating_add(1) {
            next(spline)?;
        }
        Ok(Record { velocity, velocity_exb, longitudinal, transverse, townsend, attachment, tensor })
    }

    fn point(&self, record: &Record, e_over_p: f64, b_t: f64, pressure: f64) -> Fault<Point> {
        self.needs(1, "drift velocity")?;
        self.needs(3, "longitudinal diffusion")?;
        self.needs(8, "transverse diffusion")?;
        // From cm/µs to µm/ns, and from cm for a drift of 1 cm to µm.
        let (speed, length) = (10.0, 1e4);
        let transverse = length * record.transverse / pressure.sqrt();
        let mut transport = Transport {
            velocity_um_ns: speed * record.velocity,
            perpendicular_um_ns: 0.0,
            longitudinal: length * record.longitudinal / pressure.sqrt(),
            transverse: [transverse; 2],
            correlation: 0.0,
            attachment_per_mm: 0.0,
            townsend_per_mm: 0.0,
        };
        // From 1/cm to 1/mm.
        let per_mm = |logarithm: f64| {
            let logarithm = logarithm + pressure.ln();
            if logarithm < -20.0 { 0.0 } else { 0.1 * logarithm.exp() }
        };
        if self.has(4) {
            transport.townsend_per_mm = per_mm(record.townsend);
        }
        if self.has(6) {
            transport.attachment_per_mm = per_mm(record.attachment);
        }
        if b_t != 0.0 {
            self.needs(10, "drift velocity along E × B")?;
            transport.perpendicular_um_ns = speed * record.velocity_exb.abs();
            if self.has(11) {
                let [along_e, along_b, across_b, _, mixed] = record.tensor;
                transport.transverse = [across_b, along_b].map(|d| length * (d / pressure).sqrt());
                let sign = (record.velocity * record.velocity_exb).signum();
                let spreads = (along_e * across_b).sqrt();
                transport.correlation = if mixed == 0.0 { 0.0 } else { sign * mixed / spreads };
            }
        }
        Ok(Point { e_kv_cm: seven_digits(e_over_p * pressure / 1000.0), b_t, transport })
    }
}

/// E in kV/cm with seven digits. The file has E/p with eight, from which the round value of E that the gas
/// was calculated for is recovered only after rounding.
fn seven_digits(value: f64) -> f64 {
    format!("{value:.6e}").parse().unwrap_or(value)
}

/// The text after `label :` at the beginning of a line.
fn value<'t>(head: &'t str, label: &str) -> Fault<&'t str> {
    let of_line = |line: &'t str| line.trim_start().strip_prefix(label)?.trim_start().strip_prefix(':');
    head.lines().find_map(of_line).map(str::trim).ok_or_else(|| format!("has no line `{label}:`"))
}

/// The numbers after the line that begins with `label`.
fn list(head: &str, label: &str, count: u64) -> Fault<Vec<f64>> {
    let mut rest = head;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        if line.trim_start().starts_with(label) {
            break;
        }
    }
    let mut list = Vec::new();
    let mut numbers = Numbers(rest);
    while (list.len() as u64) < count {
        let at_word = numbers.0.trim_start().starts_with(|c: char| c.is_ascii_alphabetic());
        match numbers.next() {
            Some(number) if !at_word => list.push(number.map_err(|e| format!("{label}: {e}"))?),
            _ => return Err(format!("{label}: `Dimension` promises {count}, {} are there", list.len())),
        }
    }
    Ok(list)
}

/// The number after `label =`.
fn number_after(text: &str, label: &str, what: &str) -> Fault<f64> {
    let missing = || format!("has no {label}, {what}");
    let (_, rest) = text.split_once(label).ok_or_else(missing)?;
    let rest = rest.trim_start().strip_prefix('=').ok_or_else(missing)?;
    let end = rest.find('\n').unwrap_or(rest.len());
    // Only a comma after the number separates, not a decimal comma within it.
    let (number, _) = rest[..end].split_once(", ").unwrap_or((&rest[..end], ""));
    let number = Numbers(number.trim_end_matches(',')).next().ok_or_else(missing)?;
    number.map_err(|e| format!("{label}: {e}"))
}

/// The numbers in a text. A sign begins the next number even without a space before it, unless it belongs to
/// an exponent.
struct Numbers<'t>(&'t str);

impl Iterator for Numbers<'_> {
    type Item = Fault<f64>;

    fn next(&mut self) -> Option<Fault<f64>> {
        let text = self.0.trim_start();
        let (number, rest) = text.split_at(length(text));
        self.0 = rest;
        (!number.is_empty()).then(|| parse_number(number).ok_or_else(|| no_number(number)))
    }
}

/// Length of the number that a text begins with, or of what stands in its place.
fn length(text: &str) -> usize {
    if text.starts_with('*') {
        return text.len() - text.trim_start_matches('*').len();
    }
    let mut before = 'e';
    let ends = |(at, c): &(usize, char)| {
        let sign = matches!(c, '+' | '-') && !matches!(before, 'e' | 'E' | 'd' | 'D');
        before = *c;
        c.is_whitespace() || *c == '*' || (sign && !is_exponent(&text[..*at], &text[at + 1..]))
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)
}

/// Whether a sign between these texts belongs to an exponent without a letter, as in `0.12300000-100`.
fn is_exponent(before: &str, after: &str) -> bool {
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let ended = !after[digits..].starts_with(|c: char| c == '.' || c.is_ascii_alphabetic());
    digits == 3 && ended && before.contains('.') && before.bytes().all(|c| !c.is_ascii_alphabetic())
}

/// The error for text that stands in the place of a number, with a remedy where there is one.
fn no_number(text: &str) -> String {
    let shown: String = text.chars().take(30).collect();
    if text.starts_with('*') {
        return format!(
            "`{shown}` stands where a number is wanted: Fortran prints stars where a number is wider than its field\n  hint: let Garfield++ write the file again, or put the number there"
        );
    }
    if parse_number(&text.replacen(',', ".", 1)).is_some() {
        return format!(
            "`{shown}` has a decimal comma\n  hint: replace commas within numbers by points, or write the file again with LC_NUMERIC=C"
        );
    }
    format!("`{shown}` stands where a number is wanted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_touch() {
        let text = " 0.1D+01-0.30000000E+02\n+2e-3-4 1.5E+00-1";
        let numbers: Fault<Vec<f64>> = Numbers(text).collect();
        assert_eq!(numbers, Ok(vec![1.0, -30.0, 0.002, -4.0, 1.5, -1.0]));
        assert!(Numbers("1.0 H").nth(1).unwrap().unwrap_err().contains("`H`"));
        assert!(Numbers("  \n ").next().is_none());
    }

    #[test]
    fn exponents_may_lack_their_letter() {
        let text =
            "0.12300000-100-0.15000000-119 0.5-100\n0.1+100-0.3E+02 0.25-0.125 1.5E+00-100 0.5-1000 2-100";
        let numbers: Vec<f64> = Numbers(text).map_while(Result::ok).collect();
        assert_eq!(
            numbers,
            [
                0.123e-100, -0.15e-119, 0.5e-100, 0.1e100, -30.0, 0.25, -0.125, 1.5, -100.0, 0.5, -1000.0,
                2.0, -100.0
            ]
        );
    }

    #[test]
    fn stars_and_commas_are_told() {
        let said = |text: &'static str| Numbers(text).nth(1).unwrap().unwrap_err();
        for text in ["1.0*************** 2.0", "1.0 ****", "1.0 ***-2.0"] {
            assert!(said(text).contains("Fortran prints stars"), "{}", said(text));
        }
        for text in ["1.0 3,05000000E+00", "1.0-3,05", "1.0 0,5D+01 2"] {
            assert!(said(text).contains("has a decimal comma"), "{}", said(text));
        }
    }
}
