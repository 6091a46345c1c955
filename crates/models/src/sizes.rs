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
    let of_side = |side: usize| fits([side, side]);
    let square = |side: usize| format!("{side}×{side}");
    let takes = match (1..=LARGEST).find(|&side| of_side(side)) {
        None => format!("no square image up to {}", square(LARGEST)),
        Some(first) => {
            let end = (first..=LARGEST).find(|&side| !of_side(side));
            let next = end.and_then(|end| (end..=LARGEST).find(|&side| of_side(side)));
            match (end, next) {
                (None, _) => format!("{} or more", square(first)),
                (Some(end), None) if end == first + 1 => square(first),
                (Some(end), None) => format!("{} to {}", square(first), square(end - 1)),
                (Some(_), Some(next)) => format!("{}, {} and so on", square(first), square(next)),
            }
        }
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
        // Patches of sixteen, fourteen each way.
        assert!(told(|side| side / 16 == 14).ends_with("takes 224×224 to 239×239"));
        assert!(told(|side| side > 62).ends_with("takes 63×63 or more"));
        assert!(told(|side| side % 224 == 0).ends_with("takes 224×224, 448×448 and so on"));
        assert!(told(|_| false).ends_with("takes no square image up to 1024×1024"));
        assert!(check([0, 5], |_| true).is_err());
    }
}
