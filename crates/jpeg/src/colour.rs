//! From components to red, green and blue.

use crate::{Error, frame::Frame, segments::Tables};

/// What the components are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    Grey,
    /// Brightness, and the distances of blue and red from it.
    YCbCr,
    Rgb,
    /// The inks cyan, magenta, yellow and black, stored as what they leave of white, as Adobe's programs do.
    Cmyk,
    /// The same, the first three as `YCbCr` of their complements.
    Ycck,
}

impl Colours {
    /// What a file's segments say, and where they say nothing, what the numbers of components mean.
    pub(crate) fn of(frame: &Frame, tables: &Tables) -> Result<Self, Error> {
        let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
        Ok(match (ids.as_slice(), tables.adobe) {
            ([_], _) => Self::Grey,
            ([_, _, _], _) if tables.is_jfif => Self::YCbCr,
            ([_, _, _], Some(0)) => Self::Rgb,
            (b"RGB", None) => Self::Rgb,
            ([_, _, _], _) => Self::YCbCr,
            (_, None | Some(0)) => Self::Cmyk,
            _ => Self::Ycck,
        })
    }

    /// The pixels of a row of samples of each component.
    #[inline(always)]
    pub(crate) fn row(self, samples: &[Vec<u8>], out: &mut [[u8; 4]]) {
        match (self, samples) {
            (Self::YCbCr, [y, cb, cr]) => {
                let all = y.iter().zip(cb).zip(cr);
                for (out, ((&y, &cb), &cr)) in out.iter_mut().zip(all) {
                    *out = rgb(y, cb, cr);
                }
            }
            (Self::Grey, [y, ..]) => out.iter_mut().zip(y).for_each(|(out, &y)| *out = [y, y, y, 255]),
            (Self::Rgb, [red, green, blue]) => {
                let all = red.iter().zip(green).zip(blue);
                out.iter_mut()
                    .zip(all)
                    .for_each(|(out, ((&red, &green), &blue))| *out = [red, green, blue, 255]);
            }
            (_, [one, two, three, black]) => {
                for (place, out) in out.iter_mut().enumerate() {
                    let [one, two, three, black] = [one, two, three, black].map(|line| line[place]);
                    *out = match self {
                        Self::Ycck => inked(rgb(one, two, three), 255 - black, |complement| complement),
                        _ => inked([one, two, three, 255], 255 - black, |left| 255 - left),
                    };
                }
            }
            _ => {}
        }
    }
}

/// ITU-R BT.601 as in JFIF, with constants that are multiples of 2⁻¹⁶: 1.402, 0.34414, 0.71414 and 1.772, less the whole number next to
/// each, so that 16 bits hold them and vectors multiply twice as fast.
#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 4] {
    const fn fixed(value: f64) -> i32 {
        (value * 65536.0 + if value < 0.0 { -0.5 } else { 0.5 }) as i32
    }
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let half = 1 << 15;
    let red = y + cr + ((const { fixed(1.402 - 1.0) } * cr + half) >> 16);
    let mixed = const { fixed(-0.344_14) } * cb + const { fixed(1.0 - 0.714_14) } * cr;
    let green = y - cr + ((mixed + half) >> 16);
    let blue = y + 2 * cb + ((const { fixed(1.772 - 2.0) } * cb + half) >> 16);
    let byte = |value: i32| value.clamp(0, 255);
    (byte(red) | byte(green) << 8 | byte(blue) << 16 | 255 << 24).to_le_bytes()
}

/// The colour of inks, of which `ink` makes the amount out of a sample.
#[inline(always)]
fn inked(samples: [u8; 4], black: u8, ink: impl Fn(u8) -> u8) -> [u8; 4] {
    let white = 255 - u32::from(black);
    let [red, green, blue, _] = samples.map(|sample| {
        let product = u32::from(ink(sample)) * white + 128;
        (white - ((product + (product >> 8)) >> 8)) as u8
    });
    [red, green, blue, 255]
}
