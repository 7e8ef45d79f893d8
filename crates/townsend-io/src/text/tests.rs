//! Texts as programs print them. Those of NumPy were made by `tests/python/make_text.py`.

use std::fmt::Write;

use proptest::prelude::*;

use super::numbers::{Number, of_field, plain};
use super::*;

fn file(bytes: &[u8]) -> tempfile::TempPath {
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&path, bytes).unwrap();
    path
}

fn table(text: impl AsRef<[u8]>) -> TextTable {
    TextTable::open(&file(text.as_ref())).unwrap()
}

fn refused(text: impl AsRef<[u8]>) -> String {
    TextTable::open(&file(text.as_ref())).err().expect("the text is refused").to_string()
}

fn names(table: &TextTable) -> Vec<(&str, &str)> {
    table.headers().iter().map(|header| (header.name.as_str(), header.title.as_str())).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn numpy_reads_the_same_bits() {
    for (array, files) in [("savetxt", &["savetxt.txt"][..]), ("short", &["short.csv", "short.csv.gz"])] {
        let (_, wanted) = crate::read_array(&fixture("texts.npz"), array).unwrap();
        for name in files {
            let table = TextTable::open(&fixture(name)).unwrap();
            assert_eq!(table.rows(), 60);
            for column in 0..4 {
                let values = table.read(column).unwrap().values.to_f64();
                let wanted = wanted.iter().skip(column).step_by(4);
                assert!(
                    values.iter().map(|v| v.to_bits()).eq(wanted.map(|v| v.to_bits())),
                    "{name} {column}"
                );
            }
        }
    }
    let savetxt = TextTable::open(&fixture("savetxt.txt")).unwrap();
    assert_eq!(names(&savetxt), [("x", "x [cm]"), ("y", "y [cm]"), ("z", "z [cm]"), ("t", "t [ns]")]);
    let short = TextTable::open(&fixture("short.csv.gz")).unwrap();
    assert_eq!(short.headers()[0].type_name, "i64");
    assert_eq!(short.read(0).unwrap().values, Values::I64((0..12).flat_map(|event| [event; 5]).collect()));
}

#[test]
fn columns_are_separated_in_many_ways() {
    for text in [
        "1,0.5,-2\n3,1.5,4e1\n",
        "1, 0.5 , -2\r\n3,\t1.5,4e1\r\n",
        "1;0.5;-2\n3;1.5;4e1",
        "1\t0.5\t-2\n3\t1.5\t4e1\n",
        "  1   0.5 -2  \n\n 3   1.5 \t40.0\n\n",
        "1,0.5,-2,\n3,1.5,4e1,\n",
        "# made by hand\n% 2026\n// twice\n1 0.5 -2 # first\n! next\n3 1.5 4D+01\n",
        "\u{feff}1 0.5 -2\n3 1.5 40.",
        "\u{feff}a,b,c\n1,0.5,-2\n\"3\",'1.5',\"4e1\"\n",
    ] {
        let table = table(text);
        let read = |column: usize| table.read(column).unwrap().values;
        assert_eq!(read(0), Values::I64(vec![1, 3]), "{text}");
        assert_eq!(read(1), Values::F64(vec![0.5, 1.5]), "{text}");
        assert_eq!(read(2), Values::F64(vec![-2.0, 40.0]), "{text}");
    }
    let fortran = table("0.1D-3 0.123-100\nnan -inf\n-nan(ind) Infinity\n+NaN 1e400\n");
    let first = fortran.read(0).unwrap().values.to_f64();
    assert_eq!(first[..1], [1e-4]);
    assert!(first[1..].iter().all(|value| value.is_nan()), "{first:?}");
    let infinite = f64::INFINITY;
    assert_eq!(fortran.read(1).unwrap().values.to_f64(), [0.123e-100, -infinite, infinite, infinite]);
}

#[test]
fn whole_numbers_stay_whole() {
    let table = table("9007199254740993 1\n-9223372036854775808 -0\n9223372036854775807 2.5\n");
    assert_eq!(table.read(0).unwrap().values, Values::I64(vec![9_007_199_254_740_993, i64::MIN, i64::MAX]));
    assert_eq!(table.read(1).unwrap().values, Values::F64(vec![1.0, 0.0, 2.5]));
}

#[test]
fn columns_are_called_as_the_header_says() {
    let plain = [("x", ""), ("z", ""), ("t", "")];
    let units = [("x", "x [cm]"), ("z", "z [cm]"), ("t", "t [ns]")];
    for (header, wanted) in [
        ("x,z,t\n", plain),
        ("x z t\n", plain),
        ("\"x\"; \"z\"; \"t\"\n", plain),
        ("# x z t\n", plain),
        ("#x,z,t\n", plain),
        ("% x\tz\tt\n", plain),
        ("# electrons at the anode\n# x z t\n# seed 7\n", plain),
        ("x [cm] z [cm] t [ns]\n", units),
        ("# x z t\n# [cm] [cm] [ns]\n", units),
        (
            "#class tools::wcsv::ntuple\n#title a\n#separator 32\n#column double x\n#column double z\n#column double t\n",
            plain,
        ),
        ("x(cm), z(cm), t (ns)\n", [("x", "x(cm)"), ("z", "z(cm)"), ("t", "t (ns)")]),
        ("x/cm z/cm t/ns\n", [("x", "x/cm"), ("z", "z/cm"), ("t", "t/ns")]),
        ("p/x p/z p/t\n", [("p/x", ""), ("p/z", ""), ("p/t", "")]),
        ("a [cm] a [mm] t\n", [("a [cm]", ""), ("a [mm]", ""), ("t", "")]),
        (",z,t\n", [("1", ""), ("z", ""), ("t", "")]),
        ("", [("1", ""), ("2", ""), ("3", "")]),
        ("# made by hand on Monday\n", [("1", ""), ("2", ""), ("3", "")]),
    ] {
        let table = table(format!("{header}1 2.5 3\n"));
        assert_eq!((names(&table), table.rows()), (wanted.to_vec(), 1), "{header}");
    }
    let latin = table(b"x [\xb5m],t\n1,2\n");
    assert_eq!(names(&latin), [("x", "x [µm]"), ("t", "")]);
    let empty = table("# x z t\n");
    assert_eq!((names(&empty), empty.rows()), (plain.to_vec(), 0));
}

#[test]
fn what_is_no_table_is_told_with_its_line() {
    for (text, said) in [
        (
            "1 2 3\n\n# a\n4 5\n",
            "line 4: has 2 columns, 3 are wanted as in line 1: `4 5`\n  hint: a last line",
        ),
        ("x y\n1 2\n1 abc\n", "line 3: column 2 (y) holds `abc`; a number is wanted"),
        ("x,y\n1,2\nx,y\n1,2\n", "holds `x`; a number is wanted\n  hint: it is the header again"),
        ("1,2\n1,\n2,,\n", "line 2: has 1 columns"),
        ("1,2,3\n1,,3\n", "line 2: column 2 is empty"),
        ("1,5 2,5\n", "line 1: `1,5` has a decimal comma"),
        ("x y\n1,5 2\n", "line 2: `1,5` has a decimal comma"),
        ("1,5;2,5\n", "line 1: column 1 holds `1,5`; a number is wanted\n  hint: it has a decimal comma"),
        ("1 2\n1 2,5\n", "line 2: column 2 holds `2,5`; a number is wanted\n  hint: it has a decimal comma"),
        ("x,y\n1,5,2,5\n", "line 2: has 4 columns, but the header names 2: `x,y`"),
        (
            "1 2\n1 ******\n",
            "line 2: column 2 holds `******`; a number is wanted\n  hint: Fortran prints stars",
        ),
        ("1 2\n0.5-0.25\n", "line 2: has 1 columns"),
        ("1 2\n1 0x10\n", "holds `0x10`"),
        ("a b\nc d\n1 2\n", "line 2: `c d` is no row of numbers, nor the only line before them"),
        ("1 2\r3 4\r", "line 1: ends with CR alone"),
        ("one two\n", "x"),
        ("", "text: holds no row of numbers"),
        ("\n\n", "text: holds no row of numbers"),
    ] {
        if text == "one two\n" {
            assert_eq!(table(text).rows(), 0);
        } else {
            let message = refused(text);
            assert!(message.contains(said), "{text}: {message}");
        }
    }
    let mut packed = std::fs::read(fixture("short.csv.gz")).unwrap();
    packed.truncate(packed.len() / 2);
    assert!(refused(&packed).contains("gzip: cannot be unpacked"));
}

#[test]
fn lines_are_counted_through_all_blocks() {
    let mut text = "x,z\n".to_owned();
    for row in 0..400_000 {
        writeln!(text, "{row},{}.25", row % 1000).unwrap();
    }
    assert!(text.len() > 4 * BLOCK);
    let whole = table(&text);
    assert_eq!(whole.rows(), 400_000);
    assert_eq!(whole.read(0).unwrap().values, Values::I64((0..400_000).collect()));
    assert_eq!(whole.read(1).unwrap().values.to_f64()[399_999..], [999.25]);
    text.push_str("1,no\n");
    assert!(refused(&text).contains("line 400002: column 2 (z) holds `no`"));
}

#[test]
fn texts_of_numbers_are_told_from_others() {
    let head = |name: &str| std::fs::read(fixture(name)).unwrap();
    for text in [
        &b"1 2 3\n"[..],
        b"x,z,t\n1,2,3\n",
        b"# x z t\n\n1;2;3",
        b"\xef\xbb\xbfx\tz\n1\t2\n",
        b"x [\xb5m] z\n1 2\n",
        b"1,5 2,5\n",
        b"x,z\n1,5,2,5\n",
        b"1 abc 3\n",
        b"1,5;2,5\n3,5;1,2\n",
        &head("short.csv.gz"),
        &head("short.csv.gz")[..400],
        &head("savetxt.txt"),
    ] {
        assert!(TextTable::looks_like(text), "{}", String::from_utf8_lossy(text));
    }
    for other in [
        &b"PK\x03\x04 1 2"[..],
        b"root\0\0\x01\x02",
        b"seed = 1\nout = 2\n",
        b"# a\n[data]\n1\n",
        b"[\n1,\n2\n]\n",
        b"{\"x\": [1, 2]}",
        b"<html>\n1 2\n",
        b"Once upon\na time\n1 2\n",
        b"hello world",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b"",
        &head("n01_meta_dict.npz"),
        &head("exponents.gas"),
        include_bytes!("../../Cargo.toml"),
    ] {
        assert!(!TextTable::looks_like(other), "{}", String::from_utf8_lossy(&other[..other.len().min(200)]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    /// To the last bit what the standard library reads, whatever digits and exponents there are.
    #[test]
    fn numbers_are_read_as_the_standard_library_does(
        sign in "[+-]?", whole in "[0-9]{0,20}", fraction in "(\\.[0-9]{0,20})?", exponent in "([eE][+-]?[0-9]{1,3})?",
    ) {
        let text = format!("{sign}{whole}{fraction}{exponent}");
        let line = format!("{text}\n");
        let mut at = 0;
        let read = plain(line.as_bytes(), &mut at);
        match (read, text.parse::<f64>()) {
            (Some(Number::Real(value)), Ok(wanted)) => prop_assert_eq!(value.to_bits(), wanted.to_bits()),
            (Some(Number::Whole(value)), Ok(_)) => prop_assert_eq!(Ok(value), text.parse::<i64>()),
            (None, Err(_)) => {}
            // Whole numbers of so many digits are left to `of_field`.
            (None, Ok(wanted)) if whole.len() > 18 => match of_field(&text) {
                Some(Number::Real(value)) => prop_assert_eq!(value.to_bits(), wanted.to_bits()),
                value => prop_assert_eq!(value, text.parse().ok().map(Number::Whole)),
            },
            other => prop_assert!(false, "{} {:?}", text, other),
        }
        prop_assert!(read.is_none() || at == text.len());
        prop_assert_eq!(of_field(&text).is_some(), text.parse::<f64>().is_ok());
    }
}
