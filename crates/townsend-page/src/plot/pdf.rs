//! Drawing into a PDF, with text as text in Helvetica, which every reader has.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};

/// Points a unit of a drawing: a plot of 900 units is 3.5 inches wide.
const SCALE: f32 = 0.28;
const FONTS: [(Name<'static>, &[u8]); 2] = [(Name(b"R"), b"Helvetica"), (Name(b"B"), b"Helvetica-Bold")];
/// Widths of the printable ASCII characters of Helvetica, in thousandths of its size (Adobe's font metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// A drawing in progress.
pub(super) struct PdfBackend<'a> {
    content: &'a mut Content,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<std::convert::Infallible>>;

/// A file of one page on which `draw` has drawn.
pub(super) fn pdf<E>(
    size: (u32, u32),
    draw: impl FnOnce(PdfBackend<'_>) -> Result<(), E>,
) -> Result<Vec<u8>, E> {
    let mut content = Content::new();
    let height = size.1 as f32 * SCALE;
    // Down is positive in a drawing, up in a PDF.
    content.transform([SCALE, 0.0, 0.0, -SCALE, 0.0, height]);
    draw(PdfBackend { content: &mut content, size })?;
    let [catalog, pages, page, text, regular, bold] = [1, 2, 3, 4, 5, 6].map(Ref::new);
    let mut file = Pdf::new();
    file.catalog(catalog).pages(pages);
    file.pages(pages).kids([page]).count(1);
    let mut sheet = file.page(page);
    sheet.media_box(Rect::new(0.0, 0.0, size.0 as f32 * SCALE, height)).parent(pages).contents(text);
    let mut resources = sheet.resources();
    resources.fonts().pairs([(FONTS[0].0, regular), (FONTS[1].0, bold)]);
    resources.finish();
    sheet.finish();
    for ((_, name), id) in FONTS.into_iter().zip([regular, bold]) {
        file.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    file.stream(text, &content.finish());
    Ok(file.finish())
}

/// The text in the encoding of the font; characters that it lacks become question marks.
fn encoded(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        '–' => 0x96,
        '−' => b'-',
        'μ' => 0xb5,
        c => u8::try_from(u32::from(c)).unwrap_or(b'?'),
    };
    text.chars().map(byte).collect()
}

/// Width of a text in units of its size.
fn width(text: &[u8]) -> f32 {
    let of = |&byte: &u8| WIDTHS.get(usize::from(byte).wrapping_sub(32)).copied().unwrap_or(556);
    text.iter().map(|byte| f32::from(of(byte))).sum::<f32>() / 1000.0
}

/// The colour on white paper: a transparent colour becomes a lighter one.
fn opaque(color: BackendColor) -> [f32; 3] {
    let (r, g, b) = color.rgb;
    [r, g, b].map(|part| {
        let part = f64::from(part) / 255.0;
        (color.alpha * part + 1.0 - color.alpha) as f32
    })
}

impl PdfBackend<'_> {
    fn outline(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        for (k, (x, y)) in points.into_iter().enumerate() {
            let (x, y) = (x as f32, y as f32);
            if k == 0 {
                self.content.move_to(x, y)
            } else {
                self.content.line_to(x, y)
            };
        }
    }

    fn pen<S: BackendStyle>(&mut self, style: &S) {
        let [r, g, b] = opaque(style.color());
        self.content.set_stroke_rgb(r, g, b).set_line_width(style.stroke_width() as f32);
    }

    fn brush<S: BackendStyle>(&mut self, style: &S) {
        let [r, g, b] = opaque(style.color());
        self.content.set_fill_rgb(r, g, b);
    }
}

impl DrawingBackend for PdfBackend<'_> {
    type ErrorType = std::convert::Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect((x, y), (x + 1, y + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        if fill {
            self.brush(style);
        } else {
            self.pen(style);
        }
        self.content.rect(x as f32, y as f32, (right - x) as f32, (bottom - y) as f32);
        if fill {
            self.content.fill_nonzero()
        } else {
            self.content.stroke()
        };
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha > 0.0 {
            self.pen(style);
            self.outline(path);
            self.content.stroke();
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        // 16 sides look like a circle at this size.
        let corner = |k: i32| {
            let (sin, cos) = (f64::from(k) * std::f64::consts::TAU / 16.0).sin_cos();
            let at = |center: i32, part: f64| (f64::from(center) + part * f64::from(radius)) as f32;
            (at(x, cos), at(y, sin))
        };
        if fill {
            self.brush(style);
        } else {
            self.pen(style);
        }
        let (first_x, first_y) = corner(0);
        self.content.move_to(first_x, first_y);
        for (x, y) in (1..16).map(corner) {
            self.content.line_to(x, y);
        }
        self.content.close_path();
        if fill {
            self.content.fill_nonzero()
        } else {
            self.content.stroke()
        };
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.brush(style);
        self.outline(path);
        self.content.close_path().fill_nonzero();
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        // The drawing library's size is the height of a line, 1.24 times that of the font, as in its SVG.
        let (text, size) = (encoded(text), style.size() as f32 / 1.24);
        let along = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -0.5,
            HPos::Right => -1.0,
        } * width(&text)
            * size;
        let down = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.36,
            VPos::Bottom => -0.1,
        } * size;
        // Directions of the line and of the letters' height.
        let (cos, sin) = match style.transform() {
            FontTransform::None => (1.0, 0.0),
            FontTransform::Rotate90 => (0.0, 1.0),
            FontTransform::Rotate180 => (-1.0, 0.0),
            FontTransform::Rotate270 => (0.0, -1.0),
        };
        let at = [x as f32 + along * cos - down * sin, y as f32 + along * sin + down * cos];
        let font = if matches!(style.style(), FontStyle::Bold) { FONTS[1].0 } else { FONTS[0].0 };
        let [r, g, b] = opaque(style.color());
        self.content
            .set_fill_rgb(r, g, b)
            .begin_text()
            .set_font(font, size)
            .set_text_matrix([cos, sin, sin, -cos, at[0], at[1]])
            .show(Str(&text))
            .end_text();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_wide_as_helvetica() {
        assert_eq!(encoded("rms_x [mm²] − μσ"), *b"rms_x [mm\xb2] - \xb5?");
        // 0 is 556 wide, a space and a full stop 278.
        assert!((width(b"00. ") - 1.668).abs() < 1e-6);
    }

    #[test]
    fn a_file_has_one_page_of_the_drawings_size() {
        let black = BackendColor { alpha: 1.0, rgb: (0, 0, 0) };
        let file = pdf((1000, 500), |mut backend| backend.draw_line((0, 0), (10, 5), &black)).unwrap();
        let text = String::from_utf8_lossy(&file);
        assert!(text.starts_with("%PDF-1.") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 280 140]") && text.contains("0 0 m\n10 5 l"), "{text}");
    }
}
