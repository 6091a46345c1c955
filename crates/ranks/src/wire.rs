//! Values as bytes: numbers in little-endian order, lists behind their length. Not for files: both ends run the same program.

/// A value that ranks send to each other. What is read is what was written, bit for bit, also numbers that are not finite.
///
/// ```
/// use ranks::Wire;
/// let value = (vec![f64::NAN.to_bits(), 3], Some("ρ".to_owned()));
/// assert_eq!(Wire::from_bytes(&value.to_bytes()), Some(value));
/// assert_eq!(Vec::<f64>::from_bytes(&[255; 8]), None); // a length beyond what is there
/// ```
pub trait Wire: Sized {
    /// Appends the value.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Takes a value off the front; none if it is not one.
    fn read(bytes: &mut &[u8]) -> Option<Self>;

    /// The value alone.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }

    /// The value that is all of the bytes.
    fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let value = Self::read(&mut bytes)?;
        bytes.is_empty().then_some(value)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Wire for $number {
            fn write(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let (own, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*own))
            }
        })*
    };
}

numbers!(u8, u32, u64, f32, f64);

impl Wire for usize {
    fn write(&self, bytes: &mut Vec<u8>) {
        (*self as u64).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        usize::try_from(u64::read(bytes)?).ok()
    }
}

impl Wire for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u8::read(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for () {
    fn write(&self, _bytes: &mut Vec<u8>) {}

    fn read(_bytes: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Wire for String {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        bytes.extend_from_slice(self.as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(Vec::read(bytes)?).ok()
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        self.iter().for_each(|value| value.write(bytes));
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let length = usize::read(bytes)?;
        // A length is believed only as far as there are bytes.
        let mut values = Self::with_capacity(length.min(bytes.len() / size_of::<T>().max(1)));
        for _ in 0..length {
            if bytes.is_empty() {
                return None;
            }
            values.push(T::read(bytes)?);
        }
        Some(values)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.is_some().write(bytes);
        if let Some(value) = self {
            value.write(bytes);
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        if bool::read(bytes)? { T::read(bytes).map(Some) } else { Some(None) }
    }
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),*)),*) => {
        $(impl<$($name: Wire),*> Wire for ($($name,)*) {
            fn write(&self, bytes: &mut Vec<u8>) {
                $(self.$at.write(bytes);)*
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::read(bytes)?,)*))
            }
        })*
    };
}

tuples!((A 0, B 1), (A 0, B 1, C 2), (A 0, B 1, C 2, D 3));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_followed_by_more_is_no_value() {
        type Value = (Vec<Option<f64>>, String, (bool, usize, Vec<u32>));
        let value: Value =
            (vec![Some(f64::NEG_INFINITY), None, Some(-0.0)], "α".into(), (true, 7, vec![1, 2]));
        let bytes = value.to_bytes();
        assert_eq!(Value::from_bytes(&bytes), Some(value));
        for end in 0..bytes.len() {
            assert_eq!(Value::from_bytes(&bytes[..end]), None, "{end}");
        }
        assert_eq!(Value::from_bytes(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn whatever_the_bytes_no_more_is_allocated_than_they_hold() {
        for value in [u64::MAX, 1 << 40, 9] {
            assert_eq!(Vec::<u8>::from_bytes(&value.to_bytes()), None);
            assert_eq!(Vec::<()>::from_bytes(&value.to_bytes()), None);
            assert_eq!(String::from_bytes(&value.to_bytes()), None);
        }
        assert_eq!(bool::from_bytes(&[2]), None);
    }
}
