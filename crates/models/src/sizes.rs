//! Which sizes of images a network takes.

use crate::error::Error;

/// The largest side that is tried to tell what would fit.
const LARGEST: usize = 1024;

/// Checks rows and columns of images; `fits` says whether the network's windows fit on so many.
///
/// # Errors
/// [`Error::ImageSize`].
pub(crate) fn check([height, width]: [usize; 2], fits: impl Fn([usize; 2]) -> bool) -> Result<(), Error> {
    if height > 0 && width > 0 && fits([height, width]) {
        return Ok(());
    }
    let sides: Vec<usize> = (1..=LARGEST).filter(|&side| fits([side, side])).take(2).collect();
    let takes = match sides[..] {
        [] => format!("no square image up to {LARGEST}×{LARGEST}"),
        [only] => format!("{only}×{only}"),
        [first, second] if second == first + 1 => format!("{first}×{first} or more"),
        [first, second, ..] => format!("{first}×{first}, {second}×{second} and so on"),
    };
    Err(Error::ImageSize { height, width, takes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(fits: impl Fn(usize) -> bool) -> String {
        check([32, 30], |[height, width]| height == width && fits(height)).unwrap_err().to_string()
    }

    #[test]
    fn an_error_says_what_would_fit() {
        assert_eq!(told(|side| side == 224), "images of 32×30 pixels: the network takes 224×224");
        assert!(told(|side| side > 62).ends_with("takes 63×63 or more"));
        assert!(told(|side| side % 224 == 0).ends_with("takes 224×224, 448×448 and so on"));
        assert!(told(|_| false).ends_with("takes no square image up to 1024×1024"));
        assert!(check([0, 5], |_| true).is_err());
    }
}
