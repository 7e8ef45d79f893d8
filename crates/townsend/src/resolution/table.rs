//! The resolution as tables and figures.

use townsend_observables::Measured;
use townsend_observables::text::{align, significant};
use townsend_page::{Figure, Panel, Trace, figure_page};

use super::{Residuals, Resolution, ResolutionPoint};
use crate::Result;

/// A number of the setting of a point.
type SettingOf = fn(&ResolutionPoint) -> f64;
/// Residuals of a place.
type PlaceOf = fn(&ResolutionPoint) -> Option<Residuals>;
/// A column of a table: its head, and its cells.
type ColumnOf<'a> = (&'a str, &'a dyn Fn(&ResolutionPoint) -> String);

/// What points are told apart by.
const SETTINGS: [(&str, &str, SettingOf); 4] = [
    ("angle", "°", |point| point.angle_deg),
    ("field", "T", |point| point.field_t),
    ("gain", "", |point| point.gain),
    ("threshold", "fC", |point| point.threshold_fc),
];
/// The three places.
const PLACES: [(&str, PlaceOf); 3] = [
    ("centroid", |point| point.centroid),
    ("µTPC", |point| point.micro_tpc),
    ("merged", |point| point.merged),
];

impl Resolution {
    /// The settings that differ between points; the angle if none does.
    fn varied(&self) -> Vec<usize> {
        let differ = |&k: &usize| {
            let of = SETTINGS[k].2;
            self.points.iter().any(|point| of(point).total_cmp(&of(&self.points[0])).is_ne())
        };
        let varied: Vec<usize> = (0..SETTINGS.len()).filter(differ).collect();
        if varied.is_empty() { vec![0] } else { varied }
    }

    /// A head and a row for each point.
    fn rows(&self, columns: &[ColumnOf<'_>]) -> Vec<Vec<String>> {
        let varied = self.varied();
        let setting = |k: usize| {
            let (name, unit, _) = SETTINGS[k];
            if unit.is_empty() { name.to_string() } else { format!("{name}, {unit}") }
        };
        let named = columns.iter().map(|column| column.0.to_string());
        let mut rows = vec![varied.iter().map(|&k| setting(k)).chain(named).collect::<Vec<_>>()];
        rows.extend(self.points.iter().map(|point| {
            let settings = varied.iter().map(|&k| shortest(SETTINGS[k].2(point)));
            settings.chain(columns.iter().map(|column| column.1(point))).collect()
        }));
        rows
    }

    fn tables(&self) -> [Vec<Vec<String>>; 2] {
        let told = |of: Option<Measured>| of.map_or("-".into(), |of| of.to_string());
        let core = |of: PlaceOf| move |point: &ResolutionPoint| told(of(point).map(|of| of.core_um));
        let [centroid, micro_tpc, merged] = PLACES.map(|(_, of)| core(of));
        let percent =
            |of: Measured| Measured { value: 100.0 * of.value, error: 100.0 * of.error }.to_string();
        [
            self.rows(&[
                ("centroid, µm", &centroid),
                ("µTPC, µm", &micro_tpc),
                ("merged, µm", &merged),
                ("its rms, µm", &|point| told(point.merged.map(|of| of.rms_um))),
            ]),
            self.rows(&[
                ("efficiency, %", &|point| percent(point.efficiency)),
                ("strips", &|point| point.strips.to_string()),
                ("charge, fC", &|point| point.charge_fc.to_string()),
                ("time width, ns", &|point| point.time_width_ns.to_string()),
            ]),
        ]
    }

    /// The points as two tables: places, and what clusters are. As long as two settings vary at most they are
    /// 80 columns wide or less; mean residuals and times are in the other forms.
    pub fn table(&self) -> String {
        self.tables().iter().map(|rows| align(rows)).collect::<Vec<_>>().join("\n\n")
    }

    /// All numbers with their errors as a text of comma separated values.
    pub fn csv(&self) -> String {
        let mut head: Vec<String> =
            ["angle_deg", "field_t", "gain", "threshold_fc"].map(String::from).to_vec();
        let both = |name: &str| [name.to_string(), format!("{name}_error")];
        for name in ["efficiency", "strips", "charge_fc", "time_ns", "time_width_ns"] {
            head.extend(both(name));
        }
        for name in ["centroid", "micro_tpc", "merged"] {
            for of in ["mean_um", "core_um", "rms_um"] {
                head.extend(both(&format!("{name}_{of}")));
            }
        }
        let mut lines = vec![head.join(",")];
        for point in &self.points {
            let mut cells: Vec<String> = SETTINGS.iter().map(|(_, _, of)| shortest(of(point))).collect();
            let mut push = |of: Option<Measured>| match of {
                Some(of) => cells.extend([of.value, of.error].map(|value| value.to_string())),
                None => cells.extend([String::new(), String::new()]),
            };
            for of in [point.efficiency, point.strips, point.charge_fc, point.time_ns, point.time_width_ns] {
                push(Some(of));
            }
            for (_, of) in PLACES {
                let of = of(point);
                push(of.map(|of| of.mean_um));
                push(of.map(|of| of.core_um));
                push(of.map(|of| of.rms_um));
            }
            lines.push(cells.join(","));
        }
        lines.join("\n") + "\n"
    }

    /// Widths, efficiency and clusters against the first setting that varies; the others have lines of their
    /// own. Places by times that are wider than any centroid by a fifth are left out.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn figure(&self) -> Result<Figure> {
        let varied = self.varied();
        let (along, unit, x) = SETTINGS[varied[0]];
        let other = |point: &ResolutionPoint| -> Vec<String> {
            varied[1..]
                .iter()
                .map(|&k| format!("{} {}", shortest(SETTINGS[k].2(point)), SETTINGS[k].1))
                .collect()
        };
        let mut others: Vec<Vec<String>> = Vec::new();
        for point in &self.points {
            if !others.contains(&other(point)) {
                others.push(other(point));
            }
        }
        let trace =
            |title: &str, of: &dyn Fn(&ResolutionPoint) -> Option<Measured>, with: &Vec<String>| Trace {
                title: std::iter::once(title.to_string())
                    .chain(with.clone())
                    .collect::<Vec<_>>()
                    .join(" ")
                    .trim()
                    .into(),
                points: self
                    .points
                    .iter()
                    .filter(|point| other(point) == *with)
                    .map(|point| {
                        of(point).map_or([x(point), f64::NAN, f64::NAN], |of| [x(point), of.value, of.error])
                    })
                    .collect(),
            };
        let all = |title: &str, of: &dyn Fn(&ResolutionPoint) -> Option<Measured>| Panel {
            title: title.into(),
            traces: others.iter().map(|with| trace("", of, with)).collect(),
        };
        // Places by times are many times wider where tracks go along the drift; such points would hide the
        // rest.
        let widest = |of: fn(Residuals) -> Measured| {
            let others = self.points.iter().flat_map(|point| [point.centroid, point.merged]);
            1.2 * others.flatten().map(|residuals| of(residuals).value).fold(0.0, f64::max)
        };
        let places = |title: &str, of: fn(Residuals) -> Measured| Panel {
            title: title.into(),
            traces: others
                .iter()
                .flat_map(|with| {
                    let shown = |place: PlaceOf| {
                        move |point: &ResolutionPoint| {
                            place(point).map(of).filter(|width| width.value <= widest(of))
                        }
                    };
                    PLACES.map(|(name, place)| trace(name, &shown(place), with))
                })
                .collect(),
        };
        let panels = [
            places("width of the core [µm]", |of| of.core_um),
            places("rms [µm]", |of| of.rms_um),
            all("efficiency [%]", &|point| {
                let Measured { value, error } = point.efficiency;
                Some(Measured { value: 100.0 * value, error: 100.0 * error })
            }),
            all("strips of a cluster", &|point| Some(point.strips)),
            all("charge of a cluster [fC]", &|point| Some(point.charge_fc)),
            all("width of the earliest times [ns]", &|point| Some(point.time_width_ns)),
        ];
        let axis = if unit.is_empty() { along.to_string() } else { format!("{along} [{unit}]") };
        Ok(Figure::of_panels("resolution", &axis, &panels)?)
    }

    /// Tables and figure as a page that needs no other file.
    ///
    /// # Errors
    /// If the figure cannot be drawn.
    pub fn page(&self) -> Result<String> {
        let title = format!("Resolution of {}, {} strips", self.source, self.view);
        let [mut rows, clusters] = self.tables();
        let settings = self.varied().len();
        rows.iter_mut().zip(clusters).for_each(|(row, more)| row.extend_from_slice(&more[settings..]));
        Ok(figure_page(&title, &[], &rows, &self.figure()?))
    }
}

/// A number without digits that it does not need.
fn shortest(value: f64) -> String {
    let text = significant(value, 4);
    match text.split_once('.') {
        Some(_) if !text.contains('e') => text.trim_end_matches('0').trim_end_matches('.').into(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolution() -> Resolution {
        let number = |value: f64| Measured { value, error: 0.02 * value };
        let residuals =
            |um: f64| Residuals { mean_um: number(0.3), core_um: number(um), rms_um: number(2.0 * um) };
        let point = |angle_deg: f64, field_t: f64| ResolutionPoint {
            angle_deg,
            field_t,
            gain: 10_000.0,
            threshold_fc: 1.25,
            efficiency: Measured { value: 0.987, error: 0.001 },
            strips: number(3.2),
            charge_fc: number(71.0),
            time_ns: number(150.0),
            time_width_ns: number(8.0),
            centroid: Some(residuals(60.0 + angle_deg)),
            micro_tpc: None,
            merged: Some(residuals(55.0)),
        };
        let points = [0.0, 1.0].iter().flat_map(|&field| [0.0, 45.0].map(|angle| point(angle, field)));
        Resolution {
            source: "chamber".into(),
            view: "X".into(),
            pitch_mm: 0.65,
            tracks: 100,
            points: points.collect(),
        }
    }

    #[test]
    fn tables_and_figures_have_every_point() {
        let of = resolution();
        let table = of.table();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(
            table.starts_with("angle, °") && table.contains("105.0 ± 2.1") && table.contains("98.70 ± 0.10")
        );
        let csv = of.csv();
        let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
        assert_eq!((columns.len(), columns.iter().all(|&n| n == 32)), (5, true), "{csv}");
        let figure = of.figure().unwrap();
        assert!(figure.svg.contains("merged 1 T") && figure.svg.contains("angle [°]"));
        // Two fields and two angles, of two places in two panels and of four more.
        assert_eq!(figure.svg.matches("<circle").count(), 4 * (2 * 2 + 4));
        assert!(of.page().unwrap().contains("efficiency, %"));
    }
}
