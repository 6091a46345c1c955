//! What a rank says to rank 0 of the kernel sets that it fits.

use ranks::Wire;

/// A message of a rank that helps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// A file in the folder of a set.
    File { set: usize, name: String, bytes: Vec<u8> },
    /// An epoch of a set is finished, and its files are sent; in words.
    Epoch { set: usize, epoch: usize, line: String },
    /// A set is finished.
    Finished { set: usize },
    /// A set was stopped, and its state is sent; no other is begun.
    Stopped(Stop),
    /// No set is left.
    Over,
}

/// Where the fit of a set was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stop {
    pub(super) set: usize,
    pub(super) epoch: usize,
    pub(super) batch: usize,
}

impl Wire for Said {
    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::File { set, name, bytes: content } => {
                0u8.write(bytes);
                set.write(bytes);
                name.write(bytes);
                content.write(bytes);
            }
            Self::Epoch { set, epoch, line } => {
                1u8.write(bytes);
                set.write(bytes);
                epoch.write(bytes);
                line.write(bytes);
            }
            Self::Finished { set } => {
                2u8.write(bytes);
                set.write(bytes);
            }
            Self::Stopped(Stop { set, epoch, batch }) => {
                3u8.write(bytes);
                [set, epoch, batch].into_iter().for_each(|number| number.write(bytes));
            }
            Self::Over => 4u8.write(bytes),
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let kind = u8::read(bytes)?;
        if kind == 4 {
            return Some(Self::Over);
        }
        let set = usize::read(bytes)?;
        Some(match kind {
            0 => Self::File { set, name: String::read(bytes)?, bytes: Vec::read(bytes)? },
            1 => Self::Epoch { set, epoch: usize::read(bytes)?, line: String::read(bytes)? },
            2 => Self::Finished { set },
            3 => Self::Stopped(Stop { set, epoch: usize::read(bytes)?, batch: usize::read(bytes)? }),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let all = [
            Said::File { set: 3, name: "log.jsonl".into(), bytes: vec![1, 2] },
            Said::Epoch { set: 1, epoch: 7, line: "class 1".into() },
            Said::Finished { set: 9 },
            Said::Stopped(Stop { set: 2, epoch: 1, batch: 4 }),
            Said::Over,
        ];
        for said in all {
            assert_eq!(Said::from_bytes(&said.to_bytes()), Some(said));
        }
        assert_eq!(Said::from_bytes(&[5, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
