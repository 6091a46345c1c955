//! The synthetic set: determinism, balance, and the statistics of natural images.

use std::f64::consts::TAU;

use datasets::{
    ImageSet,
    synthetic::{CLASSES, Synthetic},
};

const SIDE: usize = 32;

#[test]
fn images_depend_on_seed_split_and_position_alone() {
    let data = Synthetic { seed: 5, train: 40, test: 40 }.generate();
    let longer = Synthetic { seed: 5, train: 90, test: 45 }.generate();
    for i in 0..40 {
        assert_eq!(data.train.bytes(i).unwrap(), longer.train.bytes(i).unwrap());
        assert_eq!(data.test.bytes(i).unwrap(), longer.test.bytes(i).unwrap());
        assert_ne!(data.train.bytes(i).unwrap(), data.test.bytes(i).unwrap());
    }
    let other = Synthetic { seed: 6, train: 40, test: 0 }.generate();
    assert!((0..40).all(|i| data.train.bytes(i).unwrap() != other.train.bytes(i).unwrap()));
}

#[test]
fn the_bytes_are_the_same_on_every_machine() {
    let train = Synthetic { seed: 0, train: 20, test: 0 }.generate().train;
    let bytes = (0..20).flat_map(|i| train.bytes(i).unwrap().to_vec());
    // FNV-1a, 64 bits; a change here changes every number that the documents quote for this set
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, 0xc9c7_0a39_e2dd_7443, "{hash:#018x}");
}

#[test]
fn classes_are_balanced_and_have_names_of_their_own() {
    let train = Synthetic { seed: 0, train: 70, test: 0 }.generate().train;
    for class in 0..CLASSES {
        assert_eq!(train.labels().iter().filter(|&&label| label as usize == class).count(), 7);
    }
    let mut names = train.classes().to_vec();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 10);
}

/// Power |F|² of an image at (fy, fx), straight from the definition.
fn power(image: &[f64], waves: &[(f64, f64)]) -> f64 {
    let pairs = image.iter().zip(waves);
    let (re, im) = pairs.fold((0.0, 0.0), |(re, im), (x, (cos, sin))| (re + x * cos, im - x * sin));
    re * re + im * im
}

/// Cosine and sine of frequency (fy, fx) at every pixel.
fn waves(fy: usize, fx: usize) -> Vec<(f64, f64)> {
    let angle = |at| TAU * (fy * (at / SIDE) + fx * (at % SIDE)) as f64 / SIDE as f64;
    (0..SIDE * SIDE).map(|at| (angle(at).cos(), angle(at).sin())).collect()
}

fn brightness(set: &ImageSet, index: usize) -> Vec<f64> {
    let pixels = set.bytes(index).unwrap();
    let area = SIDE * SIDE;
    (0..area).map(|i| (0..3).map(|c| f64::from(pixels[c * area + i])).sum::<f64>() / 3.0).collect()
}

/// Mean power in the bands 2 to 14: frequencies at a rounded distance of 2 to 14 cycles per image from zero.
fn bands(set: &ImageSet) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); 15];
    let images: Vec<_> = (0..set.len()).map(|index| brightness(set, index)).collect();
    // half of the plane is enough: the power of a real image is symmetric
    for fy in 0..=SIDE / 2 {
        for fx in 0..SIDE {
            let distance = (fy as f64).hypot(fx.min(SIDE - fx) as f64).round() as usize;
            if (2..=14).contains(&distance) {
                let waves = waves(fy, fx);
                sums[distance].0 += images.iter().map(|image| power(image, &waves)).sum::<f64>();
                sums[distance].1 += 1.0;
            }
        }
    }
    sums[2..].iter().map(|(sum, count)| sum / count).collect()
}

#[test]
fn power_falls_with_the_square_of_the_frequency() {
    let points: Vec<(f64, f64)> = bands(&Synthetic { seed: 1, train: 200, test: 0 }.generate().train)
        .into_iter()
        .enumerate()
        .map(|(at, power)| (((at + 2) as f64).ln(), power.ln()))
        .collect();
    let n = points.len() as f64;
    let (mean_x, mean_y) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let slope = covariance / points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
    assert!((-2.6..-1.5).contains(&slope), "slope {slope}");
}

/// Mean of each colour plane.
fn colour(set: &ImageSet, index: usize) -> [f64; 3] {
    let area = SIDE * SIDE;
    let bytes = set.bytes(index).unwrap();
    let plane = |c: usize| &bytes[c * area..(c + 1) * area];
    [0, 1, 2].map(|c| plane(c).iter().map(|&x| f64::from(x)).sum::<f64>() / area as f64)
}

#[test]
fn mean_colour_does_not_tell_the_class() {
    let data = Synthetic { seed: 2, train: 2000, test: 1000 }.generate();
    let mut means = [[0.0; 3]; CLASSES];
    for index in 0..data.train.len() {
        let mean = &mut means[data.train.labels()[index] as usize];
        mean.iter_mut().zip(colour(&data.train, index)).for_each(|(mean, c)| *mean += c / 200.0);
    }
    let distance = |a: &[f64; 3], b: &[f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let right = (0..data.test.len())
        .filter(|&index| {
            let found = colour(&data.test, index);
            let nearest = (0..CLASSES)
                .min_by(|&a, &b| distance(&means[a], &found).total_cmp(&distance(&means[b], &found)));
            nearest == Some(data.test.labels()[index] as usize)
        })
        .count();
    assert!(right < 200, "{right} of 1000 right, 100 by chance");
}
