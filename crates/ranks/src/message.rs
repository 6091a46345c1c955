//! What ranks say to each other beside their results.

/// A message, as it is sent: a byte that says which kind it is, then its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// A part of the work.
    Data(Vec<u8>),
    /// A part of an exchange.
    Part(Vec<u8>),
    /// The sender cannot do its part; why.
    Failed(String),
    /// The sender was asked to stop.
    Stopped,
    /// The sender, rank 0, has ended the work of all.
    Ended,
}

impl Message {
    /// Whether this is the last byte of [`Message::Ended`].
    pub(crate) fn is_end(last: u8) -> bool {
        Self::Ended.into_bytes() == [last]
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Data(mut bytes) => {
                bytes.push(0);
                bytes
            }
            Self::Failed(why) => {
                let mut bytes = why.into_bytes();
                bytes.push(1);
                bytes
            }
            Self::Part(mut bytes) => {
                bytes.push(4);
                bytes
            }
            Self::Stopped => vec![2],
            Self::Ended => vec![3],
        }
    }

    pub(crate) fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        match bytes.pop()? {
            0 => Some(Self::Data(bytes)),
            1 => Some(Self::Failed(String::from_utf8_lossy(&bytes).into_owned())),
            2 => Some(Self::Stopped),
            3 => Some(Self::Ended),
            4 => Some(Self::Part(bytes)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let all = [
            Message::Data(vec![3, 0]),
            Message::Part(vec![]),
            Message::Failed("a ρ".into()),
            Message::Stopped,
            Message::Ended,
        ];
        for message in all {
            let copy = message.clone();
            assert_eq!(Message::from_bytes(message.into_bytes()), Some(copy));
        }
        assert_eq!(Message::from_bytes(Vec::new()), None);
        assert_eq!(Message::from_bytes(vec![9]), None);
    }
}
