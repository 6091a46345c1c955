//! Tensors as views of storages.

use pickle::{Refusal, Span};

use crate::numbers::{Layout, NumberType};

/// Numbers that stand beside the pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage {
    pub kind: NumberType,
    pub key: Span,
    /// The numbers of the whole storage, in elements.
    pub count: u64,
    /// The part that this is (the legacy format has storages that are parts of others), in elements.
    pub start: u64,
    pub length: u64,
}

/// A tensor as PyTorch stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub storage: Storage,
    pub offset: u64,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// The type of the numbers of a storage class: `FloatStorage` is f32.
pub(super) fn type_of_class(name: &[u8]) -> Option<NumberType> {
    NumberType::of_torch(match name {
        b"DoubleStorage" => b"float64",
        b"FloatStorage" => b"float32",
        b"HalfStorage" => b"float16",
        b"BFloat16Storage" => b"bfloat16",
        b"LongStorage" => b"int64",
        b"IntStorage" => b"int32",
        b"ShortStorage" => b"int16",
        b"CharStorage" => b"int8",
        b"ByteStorage" | b"UntypedStorage" => b"uint8",
        b"BoolStorage" => b"bool",
        b"ComplexFloatStorage" => b"complex64",
        b"ComplexDoubleStorage" => b"complex128",
        _ => return None,
    })
}

impl View {
    /// How many numbers the tensor has.
    pub(super) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where the numbers of the tensor start in the whole storage, in elements.
    pub(super) fn first(&self) -> u64 {
        self.storage.start + self.offset
    }

    /// Where its numbers stand in the storage.
    pub(super) fn layout(&self) -> Layout<'_> {
        Layout { first: self.first() as usize, shape: &self.shape, strides: &self.strides }
    }

    /// An error for a shape that overflows, or that reaches beyond the storage.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let overflows = || {
            let found =
                format!("a tensor of shape {:?}, strides {:?}, which overflows", self.shape, self.strides);
            Refusal::new(found, "one that fits in memory")
        };
        let product = |product: usize, &size: &usize| product.checked_mul(size.max(1));
        self.shape.iter().try_fold(1, product).filter(|&n| n <= isize::MAX as usize).ok_or_else(overflows)?;
        let reach = |reach: u64, (&size, &stride): (&usize, &usize)| {
            (size.max(1) as u64 - 1).checked_mul(stride as u64)?.checked_add(reach)
        };
        let last = self.shape.iter().zip(&self.strides).try_fold(self.offset, reach).ok_or_else(overflows)?;
        let end = if self.count() == 0 { self.offset } else { last.checked_add(1).ok_or_else(overflows)? };
        if end <= self.storage.length {
            return Ok(());
        }
        let (shape, strides, offset) = (&self.shape, &self.strides, self.offset);
        Err(Refusal::new(
            format!(
                "a tensor of shape {shape:?}, strides {strides:?} from {offset} on, which reaches beyond its storage"
            ),
            format!("one within the {} numbers of the storage", self.storage.length),
        ))
    }
}
