//! Tensors as views of storages.

use pickle::{Refusal, Span};

/// Numbers that stand beside the pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Storage {
    pub dtype: ElementType,
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

/// The types of numbers that PyTorch stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementType {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
    Complex64,
    Complex128,
}

impl ElementType {
    /// The type of a storage class: `FloatStorage` is f32.
    pub(super) fn of_class(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"DoubleStorage" => Self::F64,
            b"FloatStorage" => Self::F32,
            b"HalfStorage" => Self::F16,
            b"BFloat16Storage" => Self::Bf16,
            b"LongStorage" => Self::I64,
            b"IntStorage" => Self::I32,
            b"ShortStorage" => Self::I16,
            b"CharStorage" => Self::I8,
            b"ByteStorage" | b"UntypedStorage" => Self::U8,
            b"BoolStorage" => Self::Bool,
            b"ComplexFloatStorage" => Self::Complex64,
            b"ComplexDoubleStorage" => Self::Complex128,
            _ => return None,
        })
    }

    /// Bytes per number.
    pub(super) fn size(self) -> u64 {
        match self {
            Self::Complex128 => 16,
            Self::F64 | Self::I64 | Self::Complex64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// PyTorch's name of the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::Bool => "bool",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
        }
    }

    pub(super) fn is_floating(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }
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

    /// Whether the numbers stand one after another.
    pub(super) fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
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
