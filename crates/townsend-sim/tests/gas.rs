//! Gas tables: those that ship, those in TOML, and the files of Garfield++.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use townsend_core::InputFile;
use townsend_sim::{Detector, GasTable};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-5 * b.abs().max(1.0)
}

/// Checks that transport is that of the invented gas which `make_gas_files.py` writes.
fn is_the_invented_gas(table: &GasTable, e: f64, b: f64) {
    let transport = table.transport(e, b).unwrap();
    assert!(close(transport.velocity_um_ns, 30.0 + e), "{transport:?}");
    assert!(close(transport.perpendicular_um_ns, 4.0 * b * e), "{transport:?}");
    assert!(close(transport.longitudinal, 150.0 + 10.0 * e), "{transport:?}");
    let transverse = if b == 0.0 { [360.0 + e; 2] } else { [300.0 + e, 400.0 + e] };
    assert!((0..2).all(|k| close(transport.transverse[k], transverse[k])), "{transport:?}");
    // The file has the mixed term in axes in which the velocity along E × B is negative.
    assert!(close(transport.correlation, if b == 0.0 { 0.0 } else { -0.1 }), "{transport:?}");
    assert!(close(transport.townsend_per_mm, 0.0), "{transport:?}");
}

#[test]
fn every_table_that_ships_is_whole() {
    for name in GasTable::names() {
        let table = GasTable::shipped(name).unwrap().unwrap();
        assert!(!table.source.is_empty());
        assert!(table.transport(3.0, 0.0).unwrap().velocity_um_ns > 30.0, "{name}");
    }
}

#[test]
fn a_digest_is_that_of_the_table_wherever_it_comes_from() {
    let [shipped, other] = ["ar_ic4h10_90_10", "ar_ic4h10_90_10_microscopic"]
        .map(|name| GasTable::shipped(name).unwrap().unwrap());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/gas/ar_ic4h10_90_10.toml");
    assert_eq!(shipped.digest(), GasTable::read(&file).unwrap().digest());
    assert_ne!(shipped.digest(), other.digest());
}

#[test]
fn points_are_interpolated_in_both_fields() {
    let table = GasTable::shipped("ar_ic4h10_90_10").unwrap().unwrap();
    let middle = table.transport(2.25, 0.5).unwrap();
    assert!(close(middle.velocity_um_ns, (36.9 + 34.9 + 34.3 + 34.5) / 4.0));
    assert!(close(middle.perpendicular_um_ns, (16.4 + 6.6) / 4.0));
    assert!(close(middle.longitudinal, (173.0 + 152.0 + 196.0 + 167.0) / 4.0));
    assert!(close(middle.transverse[1], (345.0 + 379.0 + 410.0 + 354.0) / 4.0));
}

#[test]
fn outside_the_table_its_range_is_named() {
    let table = GasTable::shipped("ar_ic4h10_90_10").unwrap().unwrap();
    for (e, b) in [(1.4, 0.0), (5.1, 1.0), (3.0, 1.1), (f64::NAN, 0.0), (3.0, f64::NAN)] {
        let error = table.transport(e, b).unwrap_err().to_string();
        assert!(error.contains("1.5000 to 5.0000 kV/cm at 0 T, 1.5000 to 5.0000 kV/cm at 1 T"), "{error}");
    }
}

#[test]
fn maps_of_garfield_are_read_at_right_angles() {
    let table = GasTable::read(&fixture("map.gas")).unwrap();
    assert_eq!(table.name, "Invented 100%, T=293.15 K, p=760.0 Torr");
    for e in [1.0, 1.5, 2.0, 5.0] {
        is_the_invented_gas(&table, e, 0.0);
        is_the_invented_gas(&table, e, 1.0);
    }
    assert!(table.transport(0.99, 1.0).is_err() && table.transport(1.0, 1.01).is_err());
}

/// Attachment and Townsend coefficients are logarithms over the pressure; −30 stands for none.
#[test]
fn attachment_and_multiplication_are_read() {
    let map = text("map.gas");
    let transport = GasTable::from_gas_file(&map).unwrap().transport(2.0, 1.0).unwrap();
    let attached = 0.1 * 760.0 * f64::exp(-12.5);
    assert!((transport.attachment_per_mm / attached - 1.0).abs() < 1e-6, "{transport:?}");
    let multiplies =
        map.replace("-3.00000000E+01-3.00000000E+01-1.25", "-6.00000000E+00-3.00000000E+01-1.25");
    assert_ne!(multiplies, map);
    let transport = GasTable::from_gas_file(&multiplies).unwrap().transport(2.0, 1.0).unwrap();
    let freed = 0.1 * 760.0 * f64::exp(-6.0);
    assert!((transport.townsend_per_mm / freed - 1.0).abs() < 1e-6, "{transport:?}");
    // Where the bits say that they are not there, the numbers mean nothing.
    let neither = multiplies.replace("GASOK bits: TFTTFTTTTTT", "GASOK bits: TFTFFFTTTTT");
    let transport = GasTable::from_gas_file(&neither).unwrap().transport(2.0, 1.0).unwrap();
    assert!([transport.townsend_per_mm, transport.attachment_per_mm].iter().all(|&rate| close(rate, 0.0)));
}

/// At n times the density and n times the fields electrons drift as fast; lengths are shorter by n.
#[test]
fn transport_scales_with_the_density() {
    let table = |bodies: &str| {
        let point = |e: f64, b: f64| {
            format!(
                "{{ e_kv_cm = {e:?}, b_t = {b:?}, velocity_um_ns = 30.0, perpendicular_um_ns = 9.0, longitudinal = 160.0, \
                 transverse = [300.0, 310.0], attachment_per_mm = 0.01, townsend_per_mm = 0.03, correlation = -0.2 }}"
            )
        };
        let points = [point(1.0, 0.0), point(2.0, 0.0), point(1.0, 2.0), point(2.0, 2.0)].join(", ");
        format!(
            "{{ name = \"a\", source = \"b\", pressure_torr = 800.0, temperature_k = 300.0, {bodies}points = [{points}] }}"
        )
    };
    let at = |bodies: &str, state: &str, field: f64, b: f64| {
        let cgem = include_str!("../configs/detector/cgem.toml");
        let text = cgem
            .replace("\"ar_ic4h10_90_10_microscopic\"", &table(bodies))
            .replace("magnetic_field_t = 1.0", &format!("magnetic_field_t = {b:?}\n{state}"));
        Detector::from_toml(&text).unwrap().transport(field)
    };
    let own = at("", "", 1.5, 1.0).unwrap();
    assert_eq!(own, at("", "pressure_torr = 800.0\ntemperature_k = 300.0", 1.5, 1.0).unwrap());
    // Half the temperature and four thirds of the pressure are 8/3 of the density.
    let n = 8.0 / 3.0;
    let state = "pressure_torr = 1066.6666666666667\ntemperature_k = 150.0";
    for (bodies, power) in [("", 1), ("attachment_bodies = 3, ", 2)] {
        let dense = at(bodies, state, 1.5 * n, n).unwrap();
        for (found, expected) in [
            (dense.velocity_um_ns, own.velocity_um_ns),
            (dense.perpendicular_um_ns, own.perpendicular_um_ns),
            (dense.longitudinal, own.longitudinal / n.sqrt()),
            (dense.transverse[0], own.transverse[0] / n.sqrt()),
            (dense.transverse[1], own.transverse[1] / n.sqrt()),
            (dense.correlation, own.correlation),
            (dense.townsend_per_mm, own.townsend_per_mm * n),
            (dense.attachment_per_mm, own.attachment_per_mm * n.powi(power)),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        }
    }
    let error = at("", state, 1.5, 1.0).unwrap_err().to_string();
    assert!(error.contains("fields are divided by the density, 2.6667 times the table's"), "{error}");
    for (state, said) in [
        ("pressure_torr = 0.0", "gas.pressure_torr is 0"),
        ("temperature_k = nan", "gas.temperature_k is NaN"),
    ] {
        let cgem = include_str!("../configs/detector/cgem.toml");
        let text = cgem.replace("magnetic_field_t = 1.0", &format!("magnetic_field_t = 1.0\n{state}"));
        let error = Detector::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn numbers_as_fortran_prints_them_are_read() {
    let table = GasTable::read(&fixture("fortran.gas")).unwrap();
    for e in [1.0, 3.0, 8.0] {
        is_the_invented_gas(&table, e, 2.0);
    }
    assert!(table.transport(1.0, 0.0).is_err());
}

/// `0.12300000-100` is what Fortran prints where an exponent of three digits leaves no room for its letter.
#[test]
fn exponents_without_a_letter_are_read() {
    let text = text("exponents.gas");
    for text in [&text, &text.replace('\n', "\r\n"), &text.replace("E+", "D+"), &text.replace("E+", "e+")] {
        let table = GasTable::from_gas_file(text).unwrap();
        for (e, velocity) in [(0.5, 30.5), (1.0, 31.0), (8.0, 38.0)] {
            assert!(close(table.transport(e, 0.0).unwrap().velocity_um_ns, velocity));
        }
    }
    let stars = text.replace(" 0.30500000E+01", "***************");
    let error = GasTable::from_gas_file(&stars).unwrap_err().to_string();
    assert!(
        error.contains("`***************` stands where a number is wanted: Fortran prints stars"),
        "{error}"
    );
}

#[test]
fn decimal_commas_are_told() {
    let commas = GasTable::read(&fixture("commas.gas")).unwrap_err().to_string();
    assert!(
        commas
            .contains("commas.gas: gas file E fields: `6,57894737E-01` has a decimal comma\n  hint: replace"),
        "{commas}"
    );
    let map = text("map.gas");
    for (from, to, said) in [
        ("PGAS  = 7.6", "PGAS  = 7,6", "PGAS: `7,60000000E+02` has a decimal comma"),
        (" 3.10000000E+00", " 3,10000000E+00", "gas file `3,10000000E+00` has a decimal comma"),
        ("1.57079633E+00", "1,57079633E+00", "E-B angles: `1,57079633E+00` has a decimal comma"),
    ] {
        let error = GasTable::from_gas_file(&map.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn what_a_gas_file_lacks_is_named() {
    let map = text("map.gas");
    for (from, to, said) in [
        ("Version   : 12", "Version   : 9", "version 9"),
        ("GASOK bits: TF", "GASOK bits: FF", "no drift velocity"),
        ("GASOK bits: TFT", "GASOK bits: TFF", "no longitudinal diffusion"),
        ("TFTTFTTTTT", "TFTTFTTTTF", "no drift velocity along E × B"),
        (
            "Dimension : T         3",
            "Dimension : T         4",
            "E fields: `Dimension` promises 4, 3 are there",
        ),
        ("         2         1\n E", "         9         1\n E", "`H` stands where a number is wanted"),
        (
            "         2         1\n E",
            "         2         0\n E",
            "there are more numbers than `Dimension` says",
        ),
        ("         2         1\n E", " 18446744073709551615 5\n E", "`H` stands where a number is wanted"),
        ("PGAS  = 7.60000000E+02", "PGAS", "no PGAS"),
        ("Dimension : T         3", "Dimension : T 99999999999999999999", "five whole numbers"),
        ("1.57079633E+00", "1.47079633E+00", "0, 1.47079633 rad"),
        ("7.60000000E+02, TGAS", "-7.60000000E+02, TGAS", "-760"),
        ("PGAS", "P", "no PGAS"),
        ("The gas tables follow", "The end", "no line `The gas tables follow:`"),
        (" 3.10000000E+00", "           nan", "velocity_um_ns at 1 kV/cm and 0 T is NaN"),
        (" 3.10000000E+00", "      31 metres", "`metres` stands where a number is wanted"),
        (" 3.10000000E+00", "-3.10000000E+00", "is -31, but must be from"),
    ] {
        let changed = map.replace(from, to);
        assert_ne!(changed, map, "{from}");
        let error = GasTable::from_gas_file(&changed).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[test]
fn tables_in_toml_are_checked() {
    let point = |e: &str, rest: &str| {
        format!("{{ e_kv_cm = {e}, b_t = 0.0, velocity_um_ns = 30.0, {rest}transverse = [1.0, 1.0] }}")
    };
    let rest = "perpendicular_um_ns = 0.0, longitudinal = 1.0, ";
    let table = |points: &[String]| {
        GasTable::from_toml(&format!("name = \"a\"\nsource = \"b\"\npoints = [{}]", points.join(", ")))
    };
    // The order of the points does not matter.
    let sorted = table(&[point("1.0", rest), point("2.0", rest)]).unwrap();
    assert_eq!(table(&[point("2.0", rest), point("1.0", rest)]).unwrap(), sorted);
    for (points, said) in [
        (vec![], "points is empty"),
        (vec![point("1.0", rest), point("1.0", rest)], "given twice at 1 kV/cm and 0 T"),
        (vec![point("nan", rest)], "e_kv_cm at NaN kV/cm and 0 T is NaN"),
        (vec![point("0.0", rest)], "but must be from 0.000001 to"),
        (vec![point("1.0", "perpendicular_um_ns = -1.0, longitudinal = 1.0, ")], "perpendicular_um_ns"),
        (vec![point("1.0", "longitudinal = 1.0, ")], "missing field"),
        (vec![point("1.0", &format!("{rest}lorentz = 3, "))], "unknown field"),
    ] {
        let error = table(&points).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

#[test]
fn a_detector_brings_its_own_gas() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir_all(folder.join("gas")).unwrap();
    std::fs::copy(fixture("map.gas"), folder.join("gas/mine.gas")).unwrap();
    let cgem = include_str!("../configs/detector/cgem.toml");
    let path = folder.join("detector.toml");
    let with = |table: &str| {
        std::fs::write(&path, cgem.replace("ar_ic4h10_90_10_microscopic", table)).unwrap();
        Detector::read(&path)
    };
    let mine = with("gas/mine.gas").unwrap();
    is_the_invented_gas(&mine.gas.table, 1.5, 1.0);
    let files: Vec<InputFile> =
        [&path, &folder.join("gas/mine.gas")].map(|path| InputFile::read(path).unwrap()).into();
    assert_eq!(mine.files(), files);

    for name in ["mine.GAS", "Mine.Gas"] {
        let path = folder.join(name);
        std::fs::copy(fixture("map.gas"), &path).unwrap();
        is_the_invented_gas(&with(name).unwrap().gas.table, 1.5, 1.0);
    }

    let said = |table: &str| with(table).unwrap_err().to_string();
    let absent = said("gas/yours.gas");
    assert!(absent.contains("detector.toml: ") && absent.contains("yours.gas: cannot be read"), "{absent}");
    let unknown = said("ar_co2");
    assert!(unknown.contains("no gas table `ar_co2`; the program has ar_ic4h10_90_10"), "{unknown}");
    std::fs::write(folder.join("gas/mine.gas"), "GASOK").unwrap();
    let damaged = said("gas/mine.gas");
    assert!(damaged.contains("mine.gas: gas file has no line"), "{damaged}");
}

/// A serialised description contains a table that came from a file, exact to the last bit, but only the name
/// of one that ships.
#[test]
fn a_detector_written_out_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let cgem = include_str!("../configs/detector/cgem.toml");
    for gas in ["map.gas", "fortran.gas"] {
        let path = folder.path().join("detector.toml");
        std::fs::copy(fixture(gas), folder.path().join(gas)).unwrap();
        std::fs::write(&path, cgem.replace("ar_ic4h10_90_10_microscopic", gas)).unwrap();
        let before = Detector::read(&path).unwrap();
        let text = toml::to_string(&before).unwrap();
        let after = Detector::from_toml(&text).unwrap();
        assert_eq!(after.gas, before.gas);
        assert!(after.files().is_empty());
        for (e, b) in [(1.0, 2.0), (3.3, 2.0), (7.9, 2.0), (1.7, 0.3), (4.9, 1.0)] {
            let [before, after] = [&before, &after].map(|detector| {
                let transport = detector.gas.table.transport(e, b).ok()?;
                let [across, along] = transport.transverse;
                let values = [
                    transport.velocity_um_ns,
                    transport.perpendicular_um_ns,
                    transport.longitudinal,
                    across,
                    along,
                ];
                Some(values.map(f64::to_bits))
            });
            assert_eq!(before, after, "{gas} {e} {b}");
        }
    }
    for name in Detector::names() {
        let before = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        let text = toml::to_string(&before).unwrap();
        assert!(text.contains("\ntable = \"ar_"), "{text}");
        assert_eq!(Detector::from_toml(&text).unwrap(), before);
    }
}

#[test]
fn a_table_in_a_description_is_checked() {
    let cgem = include_str!("../configs/detector/cgem.toml");
    let said = |table: &str| {
        let text = cgem.replace("\"ar_ic4h10_90_10_microscopic\"", table);
        assert_ne!(text, cgem);
        Detector::from_toml(&text).unwrap_err().to_string()
    };
    let empty = said("{ name = \"a\", source = \"b\", points = [] }");
    assert_eq!(empty, "gas.table.points is empty, but must be at least one");
    let unknown = said("{ name = \"a\", source = \"b\", pionts = [] }");
    assert!(unknown.contains("unknown field `pionts`"), "{unknown}");
    let number = said("3");
    assert!(number.contains("expected the name of a gas table, the path of a file, or a table"), "{number}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Files with bytes changed, removed or repeated give an error or a table, never a panic.
    #[test]
    fn damaged_gas_files_are_refused(
        fortran in any::<bool>(), at in any::<prop::sample::Index>(), length in 0usize..400, with in "[ -~\\n]{0,12}",
    ) {
        let whole = text(if fortran { "fortran.gas" } else { "map.gas" });
        let start = at.index(whole.len());
        let end = (start + length).min(whole.len());
        let damaged = format!("{}{with}{}", &whole[..start], &whole[end..]);
        if let Ok(table) = GasTable::from_gas_file(&damaged) {
            let transport = table.transport(2.0, 1.0);
            prop_assert!(transport.is_err() || transport.unwrap().velocity_um_ns > 0.0);
        }
        prop_assert!(GasTable::from_gas_file(&whole[..start]).is_err() || start > whole.len() - 400);
    }

    /// Interpolated values lie between the lowest and the highest of all points.
    #[test]
    fn interpolation_stays_between_the_points(e in 1.5f64..=5.0, b in 0.0f64..=1.0) {
        let table = GasTable::shipped("ar_ic4h10_90_10").unwrap().unwrap();
        let transport = table.transport(e, b).unwrap();
        prop_assert!((34.3..=36.9).contains(&transport.velocity_um_ns));
        prop_assert!((0.0..=16.4).contains(&transport.perpendicular_um_ns));
        prop_assert!((147.0..=196.0).contains(&transport.longitudinal));
        prop_assert!(transport.transverse.iter().all(|sigma| (344.0..=410.0).contains(sigma)));
    }
}
