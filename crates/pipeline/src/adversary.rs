//! Adversaries: who changes images before a network sees them.

use candle_core::Tensor;
use datasets::ImageShape;
use models::{Attack, Ball, Frozen};

use crate::{DeviceBatch, Error};

/// Who changes images before a network sees them, if anyone does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Adversary {
    /// Those that it learns from.
    pub training: Option<Attack>,
    /// Those that it is tested on, besides the images themselves.
    pub testing: Option<Attack>,
}

impl Adversary {
    /// All that it does.
    pub fn attacks(&self) -> impl Iterator<Item = &Attack> {
        self.training.iter().chain(&self.testing)
    }
}

/// Refuses a ball that is larger than all images together.
///
/// # Errors
/// If the attack may go farther than from a black to a white image of this shape.
pub fn check_attack(attack: &Attack, shape: ImageShape) -> Result<(), Error> {
    let ImageShape { channels, height, width } = shape;
    let farthest = ((channels * height * width) as f32).sqrt();
    if attack.ball == Ball::Linf || attack.radius <= farthest {
        return Ok(());
    }
    Err(Error::AttackTooFar { radius: attack_amount(attack.radius), height, width, farthest })
}

/// The images of a batch, changed against the network, (N, C, H, W).
///
/// Random starts depend on an image alone: they are the same in a run that is resumed, and for any size of batch.
///
/// # Errors
/// If the batch does not suit the network.
pub fn attacked(attack: &Attack, network: &Frozen, batch: &DeviceBatch) -> Result<Tensor, models::Error> {
    let seeds = seeds(&batch.images.flatten_all()?.to_vec1::<f32>()?, batch.len());
    attack.on(network, &batch.images, &batch.labels, &seeds)
}

/// How far an attack goes, as figures have it: `L∞, ε = 8/255`.
pub fn attack_caption(attack: &Attack) -> String {
    let norm = if attack.ball == Ball::L2 { "2" } else { "∞" };
    format!("L{norm}, ε = {}", attack_amount(attack.radius))
}

/// How far, as people write it: steps of a byte are fractions of 255.
///
/// ```
/// assert_eq!(pipeline::attack_amount(8.0 / 255.0), "8/255");
/// assert_eq!(pipeline::attack_amount(0.5), "0.5");
/// ```
pub fn attack_amount(value: f32) -> String {
    let bytes = (value * 255.0).round();
    let plain = value.to_string();
    // 0.2 is 51/255, and nobody's.
    if plain.len() > 6 && bytes / 255.0 == value { format!("{bytes}/255") } else { plain }
}

/// An attack in words by which runs are told apart. States of runs hold them: they must stay what they are.
pub fn describe_attack(attack: &Attack) -> String {
    let Attack { ball, radius, step, steps, random_start } = attack;
    let ball = if *ball == Ball::L2 { "2" } else { "inf" };
    let (radius, step) = (attack_amount(*radius), attack_amount(*step));
    let start = if *random_start { " from a random start" } else { "" };
    format!("adversarial images (--constraint {ball} --eps {radius}, {steps} steps of {step}{start})")
}

/// Seeds of an attack's random starts, from what is attacked alone.
fn seeds(images: &[f32], count: usize) -> Vec<u64> {
    let each = images.len() / count.max(1);
    let checksum = |image: &[f32]| {
        let bytes = |digest, value: &f32| crc32c::crc32c_append(digest, &value.to_le_bytes());
        u64::from(image.iter().fold(0, bytes))
    };
    images.chunks(each.max(1)).map(checksum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ball_ends_where_images_do() {
        let attack = |ball, radius| Attack { ball, radius, step: 0.1, steps: 1, random_start: false };
        assert_eq!(attack_caption(&attack(Ball::Linf, 1.0)), "L∞, ε = 1");
        let shape = ImageShape { channels: 3, height: 32, width: 32 };
        assert!(check_attack(&attack(Ball::L2, 55.4), shape).is_ok(), "√3072 = 55.43");
        let said = check_attack(&attack(Ball::L2, 55.5), shape).expect_err("too far").to_string();
        assert!(said.contains("at most 55.4"), "{said}");
    }

    #[test]
    fn seeds_are_those_of_the_images() {
        let images = [0.1f32, 0.2, 0.3, 0.4, 0.1, 0.2];
        let found = seeds(&images, 3);
        assert!(found.len() == 3 && found[0] == found[2] && found[0] != found[1]);
        assert_eq!(seeds(&images[2..4], 1), found[1..2], "alone or in a batch");
    }
}
